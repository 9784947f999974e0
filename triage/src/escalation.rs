//! When a person takes over.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Priority, RequestState, words};
use duologue_agent::{Error, ErrorKind};

/// What asks for a person in plain English; a policy for another language brings its own.
const ASKS: [&str; 14] = [
    "talk to a human",
    "speak to a human",
    "talk to a person",
    "speak to a person",
    "talk to someone",
    "speak to someone",
    "speak with someone",
    "talk to an agent",
    "speak to an agent",
    "real person",
    "human agent",
    "human being",
    "a representative",
    "your manager",
];

/// Why a person takes over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EscalationReason {
    /// The user asked for one.
    AskedForHuman {
        /// In these words.
        phrase: String,
    },
    /// A word was said that only people may deal with.
    Keyword {
        /// The word.
        keyword: String,
    },
    /// The request is this urgent.
    Priority {
        /// How urgent.
        priority: Priority,
    },
    /// Several turns in a row brought the user nothing.
    Failures {
        /// How many.
        count: u32,
    },
    /// It has taken too many turns.
    Turns {
        /// How many.
        count: u32,
    },
    /// Somebody decided so, for example an agent.
    Other {
        /// Why.
        why: String,
    },
}

impl fmt::Display for EscalationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AskedForHuman { phrase } => write!(f, "the user asked for a person ({phrase:?})"),
            Self::Keyword { keyword } => write!(f, "the user said {keyword:?}"),
            Self::Priority { priority } => write!(f, "its priority is {}", priority.as_str()),
            Self::Failures { count } => write!(f, "{count} turns in a row brought nothing"),
            Self::Turns { count } => write!(f, "{count} turns without resolution"),
            Self::Other { why } => f.write_str(why),
        }
    }
}

/// When a person takes over, as data: each rule can be left out. The first that applies, in the order
/// of the fields, is the reason.
///
/// ```
/// use duologue_triage::{EscalationPolicy, EscalationReason, RequestState};
///
/// let policy: EscalationPolicy = toml::from_str("keywords = ['lawyer']\nturns = 6").unwrap();
/// policy.check()?;
/// let request = RequestState::new("ada");
/// let reason = policy.reason(&request, "I'll call my lawyer.");
/// assert_eq!(reason, Some(EscalationReason::Keyword { keyword: "lawyer".into() }));
/// assert_eq!(policy.reason(&request, "Lovely weather."), None);
/// # Ok::<(), duologue_agent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EscalationPolicy {
    /// Whole phrases that ask for a person; by default English ones.
    pub asks: Vec<String>,
    /// Whole words or phrases that only people may deal with; by default none.
    pub keywords: Vec<String>,
    /// Requests of this priority or above; by default `urgent`.
    pub priority: Option<Priority>,
    /// This many failures in a row; by default 3.
    pub failures: Option<u32>,
    /// This many turns of a request that is not resolved; by default 12.
    pub turns: Option<u32>,
}

impl Default for EscalationPolicy {
    fn default() -> Self {
        Self {
            asks: ASKS.map(str::to_owned).to_vec(),
            keywords: Vec::new(),
            priority: Some(Priority::Urgent),
            failures: Some(3),
            turns: Some(12),
        }
    }
}

impl EscalationPolicy {
    /// One under which no person is ever called.
    pub fn never() -> Self {
        Self { asks: Vec::new(), keywords: Vec::new(), priority: None, failures: None, turns: None }
    }

    /// Whether the values make sense.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] with the key.
    pub fn check(&self) -> Result<(), Error> {
        let zero = |key: &str| {
            let message = format!("{key} = 0 would escalate every request; use 1 or more, or leave it out");
            Err(Error::new(ErrorKind::Config, message))
        };
        match (self.failures, self.turns) {
            (Some(0), _) => return zero("failures"),
            (_, Some(0)) => return zero("turns"),
            _ => {}
        }
        for (key, phrases) in [("asks", &self.asks), ("keywords", &self.keywords)] {
            if let Some(at) = phrases.iter().position(|phrase| !words::contains(phrase, phrase)) {
                let message = format!("{key}[{at}] holds no word; write one, or remove it");
                return Err(Error::new(ErrorKind::Config, message));
            }
        }
        Ok(())
    }

    /// Why a person should take over `request` now that the user has said `said`; `None` if there is
    /// no reason, or one has taken over already, or it is over.
    pub fn reason(&self, request: &RequestState, said: &str) -> Option<EscalationReason> {
        if request.status().is_over() || request.status() == super::RequestStatus::Escalated {
            return None;
        }
        let spoken =
            |phrases: &[String]| phrases.iter().find(|phrase| words::contains(said, phrase)).cloned();
        if let Some(phrase) = spoken(&self.asks) {
            return Some(EscalationReason::AskedForHuman { phrase });
        }
        if let Some(keyword) = spoken(&self.keywords) {
            return Some(EscalationReason::Keyword { keyword });
        }
        if self.priority.is_some_and(|limit| request.priority >= limit) {
            return Some(EscalationReason::Priority { priority: request.priority });
        }
        if self.failures.is_some_and(|limit| request.failures() >= limit) {
            return Some(EscalationReason::Failures { count: request.failures() });
        }
        if self.turns.is_some_and(|limit| request.turns() >= limit) {
            return Some(EscalationReason::Turns { count: request.turns() });
        }
        None
    }
}
