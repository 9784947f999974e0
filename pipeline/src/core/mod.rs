//! The conversation core: who has the turn, and what follows from what is heard.
//!
//! Sans-IO: no threads, no audio, no clock of its own. Tell it what happened with
//! [`Conversation::handle`], do what [`Conversation::poll_output`] says until it says `None`, and come
//! back with [`Input::Timeout`] at [`Conversation::next_timeout`].

#![allow(dead_code)]

mod config;
mod event;
mod history;
mod input;
mod metrics;
mod output;

use std::collections::VecDeque;
use std::time::Duration;

pub use config::{Config, Policy};
pub use event::{AgentTurn, Event, Fault, IgnoreReason, Origin, State, TurnEnd};
pub use history::{Entry, History, Role};
pub use input::{Epoch, Input, SayOptions, SpokenWord, TurnId, UtteranceId};
pub use metrics::{Counters, TurnMetrics};
pub use output::Output;

use crate::Error;

/// The state of one conversation. See the [module](self).
#[derive(Debug)]
pub struct Conversation {
    outputs: VecDeque<Output>,
    history: History,
    counters: Counters,
    state: State,
}

impl Conversation {
    /// A conversation that waits for [`Input::Ready`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Config`] if a value of `config` is out of range.
    pub fn new(config: Config) -> Result<Self, Error> {
        config.validate()?;
        Ok(Self {
            outputs: VecDeque::new(),
            history: History::new(config.history_limit),
            counters: Counters::default(),
            state: State::Initializing,
        })
    }

    /// Takes in what happened at `now` (time since the pipeline's start).
    pub fn handle(&mut self, input: Input, now: Duration) {
        let _ = (input, now);
    }

    /// The next thing to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Timeout`]; `None` while nothing is awaited.
    pub fn next_timeout(&self) -> Option<Duration> {
        None
    }

    /// Where the conversation stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// What was said and heard.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What went past without a word.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}
