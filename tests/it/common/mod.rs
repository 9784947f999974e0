//! The built-in models and a room, for tests that let a whole conversation run in simulated time.
#![allow(dead_code, reason = "each test uses its part")]

pub mod talk;
pub mod told;

use std::sync::OnceLock;
use std::time::Duration;

use duologue::caller;
use duologue::config::Config;
use duologue::pipeline::conversation::{AgentTurn, Event};
use duologue::pipeline::endpoint::Rates;
use duologue::pipeline::endpoint::simulated::{
    Caller, EchoPath, Item, Recording, Response, SimulatedRoom, SimulatedRoomConfig, SimulatedRoomLog, When,
};
use duologue::pipeline::{Builder, Events, Simulation, Stamped};
use duologue::setup::Models;

pub const RATES: Rates = Rates { capture: 48_000, playback: 48_000 };

/// Loaded once; the first test of a fresh machine fetches the engines.
pub fn models() -> &'static Models {
    static MODELS: OnceLock<Models> = OnceLock::new();
    MODELS.get_or_init(|| Models::load(&Config::default(), false).expect("the engines and built-ins load"))
}

pub fn builder() -> Builder {
    models().builder(Config::default().pipeline).expect("a pipeline")
}

pub fn line(name: &str, when: When) -> Item {
    Item::new(caller::line(name).expect("a line of the built-in caller"), when).patience_ms(20_000)
}

pub fn says<const N: usize>(lines: [(&str, When); N]) -> Caller {
    lines.into_iter().fold(Caller::new(), |caller, (name, when)| caller.item(line(name, when)))
}

/// A room with speakers, so that the agent hears itself.
pub fn room(caller: Caller) -> (SimulatedRoom, SimulatedRoomLog) {
    let mut config = SimulatedRoomConfig::new(RATES);
    config.caller = caller;
    config.echo = Some(EchoPath::new(38.0, -14.0).response(Response::Decay { rt60_ms: 180, direct_db: 3.0 }));
    config.recording = Recording::Memory { seconds: 120 };
    SimulatedRoom::new(config).expect("a room")
}

/// A conversation that has been run to its end.
pub struct Told {
    pub events: Vec<Stamped>,
}

impl Told {
    /// Runs until the caller is done and then for `after`.
    pub fn run(
        simulation: &mut Simulation<SimulatedRoom>,
        events: &Events,
        log: &SimulatedRoomLog,
        after: Duration,
    ) -> Self {
        let done =
            simulation.run_until(Duration::from_secs(180), |_| log.caller_done()).expect("the room runs");
        assert!(done, "the caller never came to the end of the script: {:?}", log.items());
        simulation.run_for(after).expect("the room runs");
        Self { events: std::iter::from_fn(|| events.try_next()).collect() }
    }

    pub fn user_turns(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|e| match &e.event {
                Event::UserTurn { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    pub fn agent_turns(&self) -> Vec<&AgentTurn> {
        self.events
            .iter()
            .filter_map(|e| match &e.event {
                Event::AgentTurn(turn) => Some(turn),
                _ => None,
            })
            .collect()
    }

    pub fn count(&self, matches: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|e| matches(&e.event)).count()
    }
}
