//! What came of playing a scenario.

use std::fmt::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::run::RunEvent;

/// How a scenario is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By `session.run`, without audio.
    Text,
    /// Aloud, in a simulated room.
    Spoken,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Spoken => "spoken",
        })
    }
}

/// A step begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How the scenario is played.
    pub mode: Mode,
    /// Which step, from 0.
    pub step: usize,
    /// How many there are.
    pub steps: usize,
    /// What the user says.
    pub user: String,
}

/// What came of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScenarioReport {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// How it was played.
    pub mode: Mode,
    /// Nothing failed.
    pub passed: bool,
    /// What happened before the first step.
    pub opening: Vec<RunEvent>,
    /// What came of each step.
    pub steps: Vec<StepReport>,
}

/// What came of a step.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StepReport {
    /// What the user was to say.
    pub user: String,
    /// What was understood; nothing if no turn came of it.
    pub heard: Option<String>,
    /// What the agent said and did.
    pub events: Vec<RunEvent>,
    /// End of the user's speech to the first sample of the answer, as it sounded in the room.
    #[serde(rename = "latency_ms", serialize_with = "millis")]
    pub latency: Option<Duration>,
    /// What is otherwise than expected, each for people, perhaps in several lines.
    pub failures: Vec<String>,
    /// What could not be checked, and why.
    pub unchecked: Vec<String>,
    /// Errors that the session reported.
    pub errors: Vec<String>,
}

fn millis<S: Serializer>(latency: &Option<Duration>, out: S) -> Result<S::Ok, S::Error> {
    latency.map(|latency| (latency.as_secs_f64() * 10_000.0).round() / 10.0).serialize(out)
}

impl StepReport {
    /// Nothing failed.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// All that the agent said, in one line.
    pub fn said(&self) -> String {
        self.events.iter().filter_map(RunEvent::spoken).collect::<Vec<_>>().join(" ")
    }
}

impl ScenarioReport {
    pub(super) fn new(
        name: &str,
        file: PathBuf,
        mode: Mode,
        opening: Vec<RunEvent>,
        steps: Vec<StepReport>,
    ) -> Self {
        let passed = steps.iter().all(StepReport::passed);
        Self { name: name.to_owned(), file, mode, passed, opening, steps }
    }

    /// Everything that failed or was not checked, for people; empty if there is nothing to tell.
    pub fn remarks(&self) -> String {
        let mut out = String::new();
        for (index, step) in self.steps.iter().enumerate() {
            let lines = step.failures.iter().map(|text| ("FAILED", text));
            for (what, text) in lines.chain(step.unchecked.iter().map(|text| ("not checked", text))) {
                // Writing to a string does not fail.
                let _ = writeln!(out, "step {}: {what}: {text}", index + 1);
            }
        }
        out
    }
}
