//! The caller's script, and the state of its performance.
//!
//! Items are said one after the other: an item is armed when the one before it has ended, and
//! starts, to the sample, when its condition holds.

use super::hearing::Hearing;
use super::{check_range, gain, samples};
use crate::Error;
use crate::clip::Clip;

/// When an item of the script starts.
///
/// An item never starts before the one in front of it has ended; a moment that has passed by then
/// means at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// This many ms after the room began.
    At(u64),
    /// This many ms after the item before it ended.
    Gap(u64),
    /// Once the agent, heard since the item was armed, has been silent for this many ms.
    AfterAgentSilence(u64),
    /// This many ms after the agent began the first stretch of speech that is heard while the item
    /// is armed.
    AfterAgentSpeech(u64),
}

/// One thing that the caller says.
#[derive(Clone, Debug)]
pub struct Item {
    /// What is said.
    pub clip: Clip,
    /// When it starts.
    pub when: When,
    /// Gain in dB; −60 to 40. Default 0.
    pub gain_db: f32,
    /// Start anyway this many ms after it was armed. Default `None`: wait for the agent for ever.
    pub patience_ms: Option<u64>,
}

impl Item {
    /// `clip`, said `when`.
    pub fn new(clip: Clip, when: When) -> Self {
        Self { clip, when, gain_db: 0.0, patience_ms: None }
    }

    /// Starts anyway `ms` after it was armed.
    #[must_use]
    pub fn patience_ms(mut self, ms: u64) -> Self {
        self.patience_ms = Some(ms);
        self
    }

    /// Says it louder or softer, in dB.
    #[must_use]
    pub fn gain_db(mut self, db: f32) -> Self {
        self.gain_db = db;
        self
    }
}

/// What the caller says, in order.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    items: Vec<Item>,
}

impl Caller {
    /// A caller who says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `clip`, said `when`.
    #[must_use]
    pub fn says(self, clip: Clip, when: When) -> Self {
        self.item(Item::new(clip, when))
    }

    /// Adds `item`.
    #[must_use]
    pub fn item(mut self, item: Item) -> Self {
        self.items.push(item);
        self
    }

    /// The script.
    pub fn items(&self) -> &[Item] {
        &self.items
    }
}

/// What happened to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Started { item: usize, at: u64 },
    Ended { item: usize, at: u64 },
}

struct Line {
    clip: Clip,
    gain: f32,
    when: When,
    patience: Option<u64>,
}

enum State {
    /// Waits for the condition of the next line since this sample. The onset is that of the first
    /// stretch heard since.
    Armed {
        since: u64,
        onset: Option<u64>,
    },
    /// Has said this many samples of the line.
    Saying {
        said: usize,
    },
    Done,
}

/// The caller, performing.
pub(super) struct Speaker {
    lines: Vec<Line>,
    rate: u32,
    at: usize,
    state: State,
    events: Vec<Event>,
    /// Mean power of everything in the script that sounds.
    level: f64,
}

impl Speaker {
    pub(super) fn new(caller: &Caller, rate: u32) -> Result<Self, Error> {
        let line = |(i, item): (usize, &Item)| {
            check_range(&format!("caller.items[{i}].gain_db"), item.gain_db, -60.0, 40.0)?;
            let clip = item.clip.at_rate(rate)?;
            let patience = item.patience_ms.map(|ms| samples(ms, rate));
            Ok::<_, Error>(Line { clip, gain: gain(item.gain_db), when: item.when, patience })
        };
        let lines = caller.items.iter().enumerate().map(line).collect::<Result<Vec<_>, _>>()?;
        let powers = lines.iter().map(|l| l.clip.active_power() * f64::from(l.gain).powi(2));
        let level = powers.sum::<f64>() / lines.len().max(1) as f64;
        let state = if lines.is_empty() { State::Done } else { State::Armed { since: 0, onset: None } };
        Ok(Self { lines, rate, at: 0, state, events: Vec::new(), level })
    }

    /// Mean power of the caller's speech, if there is any.
    pub(super) fn level(&self) -> Option<f64> {
        (self.level > 0.0).then_some(self.level)
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// What happened since the last call.
    pub(super) fn events(&mut self) -> std::vec::Drain<'_, Event> {
        self.events.drain(..)
    }

    /// The caller's sample at `now`, after `hearing` was stepped to `now`.
    pub(super) fn step(&mut self, now: u64, hearing: &Hearing) -> f32 {
        // Lines without samples start and end within this one step.
        loop {
            match &mut self.state {
                State::Done => return 0.0,
                State::Armed { since, onset } => {
                    let since = *since;
                    if onset.is_none() && hearing.heard_since(since) {
                        *onset = hearing.onset();
                    }
                    let onset = *onset;
                    if !self.due(now, since, onset, hearing) {
                        return 0.0;
                    }
                    self.events.push(Event::Started { item: self.at, at: now });
                    self.state = State::Saying { said: 0 };
                }
                State::Saying { said } => {
                    let line = &self.lines[self.at];
                    if let Some(sample) = line.clip.samples().get(*said) {
                        *said += 1;
                        return sample * line.gain;
                    }
                    self.events.push(Event::Ended { item: self.at, at: now });
                    self.at += 1;
                    let more = self.at < self.lines.len();
                    self.state = if more { State::Armed { since: now, onset: None } } else { State::Done };
                }
            }
        }
    }

    fn due(&self, now: u64, since: u64, onset: Option<u64>, hearing: &Hearing) -> bool {
        let line = &self.lines[self.at];
        let ms = |ms| samples(ms, self.rate);
        if line.patience.is_some_and(|p| now - since >= p) {
            return true;
        }
        match line.when {
            When::At(at) => now >= ms(at),
            When::Gap(gap) => now - since >= ms(gap),
            When::AfterAgentSilence(silence) => {
                onset.is_some() && hearing.silent_for(now).is_some_and(|s| s >= ms(silence))
            }
            When::AfterAgentSpeech(after) => onset.is_some_and(|onset| now >= onset + ms(after)),
        }
    }
}
