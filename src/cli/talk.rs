//! `duologue talk`: the configured agent, or the small one, on microphone and speakers, echo cancelled.

use anyhow::Result;
#[cfg(feature = "agent")]
use duologue::agent::AgentSession;
use duologue::config::Config;
#[cfg(feature = "agent")]
use duologue::configured::ConfiguredAgent;
#[cfg(feature = "agent")]
use duologue::console::Console;
#[cfg(feature = "agent")]
use duologue::note;
#[cfg(feature = "agent")]
use duologue::pipeline::endpoint::Endpoint;
#[cfg(feature = "agent")]
use duologue::setup::Models;

use super::args::{Common, TalkArgs};

/// The configured agent and the built-in caller, in a simulated room.
#[cfg(feature = "agent")]
pub fn rehearse(common: &Common, settings: &Config) -> Result<()> {
    converse(common, settings, None)
}

#[cfg(not(feature = "agent"))]
pub fn rehearse(_: &Common, _: &Config) -> Result<()> {
    anyhow::bail!(
        "this build has no agents, and [agent] or [llm] asks for one; build with `--features llm` (or `full`)"
    )
}

/// The configured agent over `endpoint`, or with the built-in caller.
#[cfg(feature = "agent")]
fn converse(common: &Common, settings: &Config, endpoint: Option<Box<dyn Endpoint>>) -> Result<()> {
    let models = Models::load(settings, common.offline)?;
    let pipeline = models.builder(settings.pipeline.clone())?;
    let (table, model, session) = (settings.agent.clone(), settings.llm()?, settings.session()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let configured = ConfiguredAgent::load(table, &model).await?;
        note!("{} answers", configured.describe());
        let (agent, llm) = configured.for_session();
        let session = AgentSession::builder(()).shared_llm(llm).config(session).build()?;
        let mut console = Console::default();
        console.json = common.json;
        let outcome = match endpoint {
            Some(endpoint) => console.converse(&session, agent, pipeline, endpoint).await,
            None => console.rehearse(&session, agent, pipeline).await,
        };
        configured.close().await;
        Ok(outcome?)
    })
}

#[cfg(not(feature = "devices"))]
mod imp {
    use super::{Common, Result, TalkArgs};

    const ADVICE: &str = "this build has no microphone and speakers; build with `--features devices` \
        (on Debian and Ubuntu, first: apt-get install libasound2-dev pkg-config)";

    pub fn run(_common: &Common, _args: &TalkArgs) -> Result<()> {
        anyhow::bail!(ADVICE)
    }

    pub fn play(_samples: &[f32], _rate: u32) -> Result<()> {
        anyhow::bail!(ADVICE)
    }
}

#[cfg(feature = "devices")]
mod imp {
    use std::time::Duration;

    use anyhow::bail;
    use duologue::appliance::Appliance;
    use duologue::devices::{DeviceConfig, DeviceEndpoint, Speakers, list};
    use duologue::pipeline::conversation::Event;
    use duologue::pipeline::playback::{Epoch, PlaybackConfig, playback_ring};
    use duologue::pipeline::resample::Resampler;
    use duologue::setup::Models;
    use duologue::{note, outln};

    use super::{Common, Result, TalkArgs};
    use crate::cli::narrate::Story;

    /// How long the speakers may take to play less than a second.
    const STALL: Duration = Duration::from_secs(5);

    pub fn run(common: &Common, args: &TalkArgs) -> Result<()> {
        if args.list_devices {
            for device in list()? {
                let rate = |rate: Option<u32>| rate.map_or("–".to_owned(), |hz| format!("{hz} Hz"));
                let note = if device.bluetooth { "  (Bluetooth)" } else { "" };
                outln!(
                    "{}  in {} · out {}{note}",
                    device.name,
                    rate(device.capture_rate),
                    rate(device.playback_rate)
                )?;
            }
            return Ok(());
        }
        let settings = common.settings()?;
        let config = DeviceConfig {
            microphone: args.input_device.clone(),
            speakers: args.output_device.clone(),
            ..DeviceConfig::default()
        };
        let devices = DeviceEndpoint::open(&config)?;
        note!("microphone {} · speakers {}", devices.microphone(), devices.speakers());
        if settings.has_agent() {
            #[cfg(feature = "agent")]
            return super::converse(common, &settings, Some(Box::new(devices)));
            #[cfg(not(feature = "agent"))]
            return super::rehearse(common, &settings);
        }
        let models = Models::load(&settings, common.offline)?;
        note!("no [agent] or [llm] is set: the small offline agent answers");
        note!("say “what time is it” or “tell me a story”; “goodbye” ends\n");
        let pipeline =
            models.builder(settings.pipeline)?.responder(Appliance::new()).start(Box::new(devices))?;
        let events = pipeline.events();
        pipeline.say("Hello! What can I do for you?")?;
        let mut story = Story::default();
        let mut leaving = false;
        loop {
            if let Some(Err(error)) = pipeline.ended() {
                return Err(error.into());
            }
            let Some(stamped) = events.next_within(Duration::from_millis(200)) else { continue };
            match common.json {
                true => story.tell_json(&stamped),
                false => story.tell(&stamped, false),
            }
            match &stamped.event {
                Event::UserTurn { text, .. } => leaving = text.contains("goodbye"),
                Event::AgentTurn(_) if leaving => return Ok(()),
                _ => {}
            }
        }
    }

    /// Plays `samples` to their end on the default speakers.
    pub fn play(samples: &[f32], rate: u32) -> Result<()> {
        let speakers = Speakers::open(&DeviceConfig::default())?;
        let mut resampled = Vec::new();
        Resampler::new(rate, speakers.rate())?.whole(samples, &mut resampled);

        let (mut writer, control, renderer, _reference) =
            playback_ring(&PlaybackConfig::new(speakers.rate()))?;
        let epoch = Epoch(1);
        control.begin(epoch);
        let _running = speakers.start(renderer)?;
        let (mut sent, mut ended) = (0, false);
        let (mut played, mut idle) = (0, Duration::ZERO);
        let pause = Duration::from_millis(20);
        while !control.status().finished {
            sent += writer.push(epoch, &resampled[sent..]);
            ended = ended || (sent == resampled.len() && writer.finish(epoch));
            std::thread::sleep(pause);
            let now = control.status().played;
            idle = if now == played { idle + pause } else { Duration::ZERO };
            played = now;
            if idle > STALL {
                bail!("the speakers play nothing any more; see `duologue doctor`");
            }
        }
        Ok(())
    }
}

pub use imp::{play, run};
