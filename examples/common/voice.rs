//! Where the voice comes from: the built-in caller in a simulated room, or microphone and speakers.

use std::error::Error;

use duologue::caller;
use duologue::config::Config;
use duologue::pipeline::Builder;
use duologue::pipeline::endpoint::room::{EchoPath, Item, RoomConfig, SimulatedRoom, When};
use duologue::pipeline::endpoint::{Endpoint, Paced, Rates};
use duologue::setup::Models;

/// How long the caller waits for an answer, in ms.
const PATIENCE_MS: u64 = 20_000;

#[derive(clap::Args, Debug, Default)]
pub struct VoiceArgs {
    /// By voice: the built-in caller in a simulated room
    #[arg(long)]
    pub voice: bool,
    /// By voice: microphone and speakers
    #[cfg(feature = "devices")]
    #[arg(long, conflicts_with = "voice")]
    pub mic: bool,
}

/// What hears and speaks, and where.
pub type Parts = (Builder, Box<dyn Endpoint>);

impl VoiceArgs {
    /// The parts of a voice; `None` if the conversation is in text. The built-in caller says `lines`.
    pub fn parts(&self, settings: &Config, lines: &[&str]) -> Result<Option<Parts>, Box<dyn Error>> {
        #[cfg(feature = "devices")]
        if self.mic {
            let devices = duologue::pipeline::endpoint::devices::DeviceEndpoint::open(&Default::default())?;
            return Ok(Some((pipeline(settings)?, Box::new(devices))));
        }
        if !self.voice {
            return Ok(None);
        }
        Ok(Some((pipeline(settings)?, Box::new(Paced::real_time(room(lines)?)))))
    }
}

fn pipeline(settings: &Config) -> Result<Builder, Box<dyn Error>> {
    Ok(Models::load(settings, false)?.builder(settings.pipeline.clone())?)
}

/// A room in which the built-in caller says `lines`, each once the agent has finished.
fn room(lines: &[&str]) -> Result<SimulatedRoom, Box<dyn Error>> {
    let mut config = RoomConfig::new(Rates { capture: 48_000, playback: 48_000 });
    for line in lines {
        let item = Item::new(caller::line(line)?, When::AfterAgentSilence(700)).patience_ms(PATIENCE_MS);
        config.caller = config.caller.item(item);
    }
    config.echo = Some(EchoPath::new(40.0, -14.0));
    Ok(SimulatedRoom::new(config)?.0)
}
