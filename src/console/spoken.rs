//! A conversation that is spoken: by microphone and speakers, or in a simulated room.

use duologue_agent::{Agent, AgentSession, Error};
use duologue_pipeline::Builder;
use duologue_pipeline::endpoint::Endpoint;

use super::narrator::Narrator;

/// Over `endpoint`, until the session ends or Ctrl-C.
pub(super) async fn over<U: Send + Sync + 'static>(
    session: &AgentSession<U>,
    agent: impl Agent<U>,
    pipeline: Builder,
    endpoint: Box<dyn Endpoint>,
    mut narrator: Narrator,
) -> Result<(), Error> {
    let mut events = session.events();
    session.start(agent, pipeline, endpoint).await?;
    let leaving = tokio::signal::ctrl_c();
    tokio::pin!(leaving);
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(event) => narrator.tell(&event)?,
                None => return Ok(()),
            },
            _ = &mut leaving => {
                session.close().await;
                return Ok(());
            }
        }
    }
}

pub(super) use room::run as in_room;

mod room {
    use std::path::PathBuf;
    use std::time::Duration;

    use duologue_agent::session::AgentState;
    use duologue_pipeline::endpoint::simulated::{
        EchoPath, Item, Recording, SimulatedRoom, SimulatedRoomConfig, SimulatedRoomLog, When,
    };
    use duologue_pipeline::endpoint::{Paced, Rates};
    use tokio::time::{Instant, interval};

    use super::{Agent, AgentSession, Builder, Error, Narrator};
    use crate::caller;
    use crate::console::failed;

    const RECORDING: &str = "conversation.wav";
    /// How long the caller waits for an agent that has nothing to say.
    const PATIENCE_MS: u32 = 6_000;
    /// Quiet after the caller's last line that ends the call.
    const QUIET: Duration = Duration::from_secs(3);
    const LOOK: Duration = Duration::from_millis(100);

    pub async fn run<U: Send + Sync + 'static>(
        session: &AgentSession<U>,
        agent: impl Agent<U>,
        pipeline: Builder,
        lines: &[&str],
        mut narrator: Narrator,
    ) -> Result<(), Error> {
        let (room, log) = room(if lines.is_empty() { &["hello", "thank-you-goodbye"] } else { lines })?;
        crate::note!("the built-in caller, in a simulated room; the sound goes to {RECORDING}");
        let mut events = session.events();
        session.start(agent, pipeline, Box::new(Paced::real_time(room))).await?;
        let mut look = interval(LOOK);
        let mut busy = Instant::now();
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => narrator.tell(&event)?,
                    None => return Ok(()),
                },
                _ = look.tick() => {
                    if !is_over(session, &log) {
                        busy = Instant::now();
                    } else if busy.elapsed() > QUIET {
                        session.close().await;
                    }
                }
            }
        }
    }

    fn is_over<U: Send + Sync + 'static>(session: &AgentSession<U>, log: &SimulatedRoomLog) -> bool {
        log.caller_done() && session.state() == AgentState::Idle
    }

    /// A room in which the agent hears itself, and a caller who waits for it.
    fn room(lines: &[&str]) -> Result<(SimulatedRoom, SimulatedRoomLog), Error> {
        let mut config = SimulatedRoomConfig::new(Rates { capture: 48_000, playback: 48_000 });
        config.echo = Some(EchoPath::new(38.0, -14.0));
        config.recording = Recording::Wav { conversation: PathBuf::from(RECORDING), mic: None };
        for name in lines {
            let clip = caller::line(name).map_err(|error| failed(&error))?;
            let item = Item::new(clip, When::AfterAgentSilence(700)).patience_ms(PATIENCE_MS.into());
            config.caller = config.caller.item(item);
        }
        Ok(SimulatedRoom::new(config)?)
    }
}
