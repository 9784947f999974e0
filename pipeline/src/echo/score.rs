//! Counts how often the ear takes the agent's echo for somebody, and whom it misses, over whole calls in simulated
//! rooms.
//!
//! The loop is open: what is said and played does not depend on what is heard, so that a call stays the same
//! whatever the ear makes of it. What would duck and what would silence the agent is decided as the
//! conversation does by default.
//!
//! ```no_run
//! use duologue_pipeline::echo::score::{Call, Cast, Score};
//! # fn cast() -> Cast { unimplemented!() }
//! # fn vad() -> Box<dyn duologue_vad::Vad> { unimplemented!() }
//! let cast: Cast = cast();
//! let mut score = Score::default();
//! for n in 0..100 {
//!     score.add(&Score::of(&Call::new(&cast, n, 10)?, vad())?);
//! }
//! println!("{} ducks, {} yields in {} turns", score.ducks.len(), score.yields.len(), score.turns);
//! # Ok::<(), duologue_pipeline::Error>(())
//! ```

mod calls;

use std::time::Duration;

use duologue_vad::Vad;

pub use calls::{Call, Cast};

use crate::Error;
use crate::capture::capture_ring;
use crate::conversation::{Config, voice_weight};
use crate::ear::{BLOCK, Ear, EarConfig, EarEvent, RATE};
use crate::endpoint::Exchange;
use crate::endpoint::simulated::SimulatedRoom;
use crate::playback::{Epoch, PlaybackConfig, playback_ring};

/// The caller counts as heard for so many samples after the last: 300 ms, the room's tail and the detector's.
const TAIL: usize = RATE as usize * 3 / 10;
/// An interruption that has not silenced the agent after so many samples is missed: 1.5 s.
const MISSED: usize = RATE as usize * 3 / 2;
/// A pause of so many samples begins the evidence anew: 200 ms.
const PAUSE: u64 = RATE as u64 / 5;

/// What happened in calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// Agent turns played.
    pub turns: usize,
    /// Where, in the call, the agent was ducked while nobody but itself was to be heard.
    pub ducks: Vec<Duration>,
    /// Where it was silenced.
    pub yields: Vec<Duration>,
    /// Interruptions.
    pub interruptions: usize,
    /// From the first sample of each until the agent was ducked, and until it was silenced, if it was within 1.5 s.
    pub ducked: Vec<Duration>,
    /// See [`Score::ducked`].
    pub silenced: Vec<Duration>,
}

impl Score {
    /// Plays `call` to an ear with `vad`.
    ///
    /// # Errors
    /// As [`Ear::new`], [`SimulatedRoom::new`] and [`Ear::process`].
    pub fn of(call: &Call, vad: Box<dyn Vad>) -> Result<Self, Error> {
        let (mut writer, mut capture) = capture_ring(RATE, 100);
        let config = PlaybackConfig { fade_ms: 1, ..PlaybackConfig::new(RATE) };
        let (mut mouth, control, mut renderer, mut reference) = playback_ring(&config)?;
        control.begin(Epoch(1));
        let mut ear = Ear::new(&EarConfig::default(), vad, RATE, RATE)?;
        let (mut room, _) = SimulatedRoom::new(call.room.clone())?;
        let mut judge = Judge::new(call);
        let (mut played, mut captured) = ([0.0; BLOCK], [0.0; BLOCK]);
        for (i, block) in call.played.chunks_exact(BLOCK).enumerate() {
            mouth.push(Epoch(1), block);
            renderer.render(&mut played);
            room.exchange(&played, &mut captured)?;
            writer.push(&captured);
            judge.now((i + 1) * BLOCK);
            ear.process(&mut capture, &mut reference, &mut |event| judge.hear(event))?;
        }
        Ok(judge.finish())
    }

    /// Adds what happened in another call.
    pub fn add(&mut self, other: &Self) {
        self.turns += other.turns;
        self.interruptions += other.interruptions;
        self.ducks.extend(&other.ducks);
        self.yields.extend(&other.yields);
        self.ducked.extend(&other.ducked);
        self.silenced.extend(&other.silenced);
    }

    /// Interruptions that did not silence the agent in time.
    #[must_use]
    pub fn missed(&self) -> usize {
        self.interruptions.saturating_sub(self.silenced.len())
    }
}

/// Holds what is heard against what is true.
struct Judge<'a> {
    call: &'a Call,
    now: usize,
    confirm: u64,
    voiced: u64,
    silent: u64,
    last: u64,
    /// For each interruption, when the agent was ducked and silenced.
    responses: Vec<[Option<Duration>; 2]>,
    score: Score,
}

impl<'a> Judge<'a> {
    fn new(call: &'a Call) -> Self {
        let confirm = Config::default().confirm_voiced.as_micros() as u64 * u64::from(RATE) / 1_000_000;
        let score =
            Score { turns: call.turns.len(), interruptions: call.interruptions.len(), ..Score::default() };
        let responses = vec![[None; 2]; call.interruptions.len()];
        Self { call, now: 0, confirm, voiced: 0, silent: 0, last: 0, responses, score }
    }

    fn now(&mut self, now: usize) {
        self.now = now;
        if self.call.turns.iter().any(|(from, _)| (now - BLOCK..now).contains(from)) {
            (self.voiced, self.silent) = (0, 0);
        }
    }

    fn hear(&mut self, event: EarEvent<'_>) {
        match event {
            EarEvent::SpeechStarted { .. } => self.note(0),
            EarEvent::Voice { at, voiced, probability, .. } => {
                let step = at.saturating_sub(self.last);
                self.last = at;
                if !voiced {
                    self.silent += step;
                    if self.silent > PAUSE {
                        self.voiced = 0;
                    }
                    return;
                }
                let before = self.voiced;
                self.voiced += (step as f32 * voice_weight(probability)) as u64;
                self.silent = 0;
                if before < self.confirm && self.voiced >= self.confirm {
                    self.note(1);
                }
            }
            _ => {}
        }
    }

    /// The agent would be ducked (0) or silenced (1) now.
    fn note(&mut self, which: usize) {
        let now = self.now;
        let interruption = self.call.interruptions.iter().position(|at| now > *at && now < at + MISSED);
        if let Some(i) = interruption {
            let _ = self.responses[i][which].get_or_insert(time(now - self.call.interruptions[i]));
            return;
        }
        let heard = self.call.said.iter().any(|(from, to)| now > *from && now < to + TAIL);
        let speaks = self.call.turns.iter().any(|(from, to)| now > *from && now < *to);
        if speaks && !heard {
            let at = time(now);
            if which == 0 { self.score.ducks.push(at) } else { self.score.yields.push(at) }
        }
    }

    fn finish(mut self) -> Score {
        self.score.ducked = self.responses.iter().filter_map(|[ducked, _]| *ducked).collect();
        self.score.silenced = self.responses.iter().filter_map(|[_, silenced]| *silenced).collect();
        self.score
    }
}

fn time(samples: usize) -> Duration {
    Duration::from_micros(samples as u64 * 1_000_000 / u64::from(RATE))
}
