//! The mouth: streamed text → clauses → speech → the playback ring; or sound of the caller's own.
//!
//! It speaks one epoch at a time. While a clause plays it synthesizes the next; when the ring is
//! full it waits (back-pressure). Between any two steps, and inside a running inference, it can be
//! silenced through [`MouthCancel`].
//!
//! Invariant: for every word pushed into the ring, the conversation has been told (by
//! [`MouthEvent::Spoken`], before its samples can be played) which bytes of the text it was spoken
//! from and which samples of the epoch it lies in, so that what was heard can be told from a count
//! of samples.
//!
//! Life cycle of an epoch: [`Mouth::begin`] → [`Mouth::text`] … → [`Mouth::finish`] →
//! [`MouthEvent::Done`]; [`Mouth::begin`] of another epoch or [`Mouth::silence`] drops it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use duologue_models::text::{Clause, ClauseConfig, ClauseSplitter, Haste};
use duologue_models::{Cancel, ErrorKind, Piece, SpeakOptions, Tts};

use crate::conversation::SpokenWord;
use crate::playback::{Epoch, PlaybackWriter};
use crate::player::Player;
use crate::resample::Resampler;

/// Text that has waited this long without more coming is spoken although no clause is complete:
/// the writer has stalled and the listener would hear a gap.
const STALL: Duration = Duration::from_millis(400);

/// From the first text of an epoch the whole first clause is waited for as long; then the first phrase
/// that can stand alone is spoken. A model that writes quickly has written the clause by then.
const HASTE: Duration = Duration::from_millis(80);
/// As long a phrase is waited for; then any words that can stand alone are spoken.
const HURRY: Duration = Duration::from_millis(400);
/// With less than this left to play the next clause is not waited for either.
const HUNGRY: Duration = Duration::from_millis(250);

/// What the mouth has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MouthEvent {
    /// A clause, or a piece of one, was synthesized and is on its way into the ring.
    Spoken {
        /// Which epoch.
        epoch: Epoch,
        /// The words that begin in it.
        words: Vec<SpokenWord>,
        /// Samples of the epoch so far, this piece included; with a clause's last piece its pause, too.
        end: u64,
    },
    /// Everything of the epoch is in the ring; `total` samples.
    Done {
        /// Which epoch.
        epoch: Epoch,
        /// Samples of the whole epoch.
        total: u64,
    },
    /// A clause could not be spoken: what was synthesized before it is in the ring, nothing more of
    /// the epoch will come.
    Failed {
        /// Which epoch.
        epoch: Epoch,
        /// Why.
        reason: String,
    },
}

/// Silences a running inference from another thread; see [`Mouth::cancel_handle`].
#[derive(Clone, Default)]
pub struct MouthCancel {
    current: Arc<Mutex<(Option<Epoch>, Cancel)>>,
}

impl MouthCancel {
    /// Terminates the inference of `epoch`, if it is running; it will not run again.
    pub fn cancel(&self, epoch: Epoch) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 == Some(epoch) {
            current.1.cancel();
        }
    }

    fn arm(&self, epoch: Epoch) -> Cancel {
        let cancel = Cancel::new();
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = (Some(epoch), cancel.clone());
        cancel
    }
}

/// What an epoch says.
enum Says {
    /// Text, clause by clause.
    Text { options: SpeakOptions, splitter: ClauseSplitter, cancel: Cancel },
    /// Sound of the caller's own.
    Clip(Player),
}

struct Speaking {
    epoch: Epoch,
    says: Says,
    /// Samples at the playback rate that wait for room in the ring; `sent` of them are gone.
    waiting: Vec<f32>,
    sent: usize,
    produced: u64,
    first_text: Option<Duration>,
    last_text: Duration,
    unspoken: bool,
    finished: bool,
    failed: Option<String>,
}

/// What came of making samples.
enum Made {
    Sound,
    Nothing,
    /// The epoch was silenced in the middle.
    Cancelled,
}

impl Speaking {
    fn new(epoch: Epoch, says: Says, now: Duration) -> Self {
        Self {
            epoch,
            says,
            waiting: Vec::new(),
            sent: 0,
            produced: 0,
            first_text: None,
            last_text: now,
            unspoken: false,
            finished: false,
            failed: None,
        }
    }

    /// Makes the next samples of the caller's own sound, once all its text is known.
    fn play(&mut self, out: &mut dyn FnMut(MouthEvent)) -> Made {
        let Says::Clip(player) = &mut self.says else { return Made::Nothing };
        if !self.finished {
            return Made::Nothing;
        }
        let before = self.waiting.len();
        let Some(words) = player.step(&mut self.waiting) else { return Made::Nothing };
        self.produced += (self.waiting.len() - before) as u64;
        out(MouthEvent::Spoken { epoch: self.epoch, words, end: self.produced });
        Made::Sound
    }
}

/// Speaks streamed text into the playback ring.
pub struct Mouth {
    tts: Arc<dyn Tts>,
    writer: PlaybackWriter,
    resampler: Resampler,
    rate: u32,
    clauses: ClauseConfig,
    cancel: MouthCancel,
    speaking: Option<Speaking>,
}

impl Mouth {
    /// A mouth that speaks with `tts` into `writer`, whose ring runs at `rate` Hz.
    ///
    /// # Errors
    /// If no resampler exists between the voice's rate and `rate`.
    pub fn new(
        tts: Arc<dyn Tts>,
        writer: PlaybackWriter,
        rate: u32,
        clauses: ClauseConfig,
    ) -> Result<Self, crate::Error> {
        let resampler = Resampler::new(tts.sample_rate(), rate)?;
        Ok(Self { tts, writer, resampler, rate, clauses, cancel: MouthCancel::default(), speaking: None })
    }

    /// A handle that silences a running inference.
    pub fn cancel_handle(&self) -> MouthCancel {
        self.cancel.clone()
    }

    /// Starts `epoch`; whatever was being spoken is dropped.
    pub fn begin(&mut self, epoch: Epoch, options: SpeakOptions, now: Duration) {
        self.resampler.reset();
        let splitter = ClauseSplitter::new(self.clauses.clone());
        let says = Says::Text { options, splitter, cancel: self.cancel.arm(epoch) };
        self.speaking = Some(Speaking::new(epoch, says, now));
    }

    /// Starts `epoch`, which `player` plays once its text is complete; whatever was being spoken is
    /// dropped.
    pub(crate) fn play(&mut self, epoch: Epoch, player: Player) {
        self.speaking = Some(Speaking::new(epoch, Says::Clip(player), Duration::ZERO));
    }

    /// Adds text to `epoch`; text of any other epoch is stale and ignored.
    pub fn text(&mut self, epoch: Epoch, delta: &str, now: Duration) {
        let Some(speaking) = self.at(epoch) else { return };
        match &mut speaking.says {
            Says::Clip(player) => player.text(delta),
            Says::Text { splitter, .. } => {
                splitter.push(delta);
                speaking.first_text.get_or_insert(now);
                speaking.last_text = now;
                speaking.unspoken = true;
            }
        }
    }

    /// No more text will come for `epoch`.
    pub fn finish(&mut self, epoch: Epoch) {
        if let Some(speaking) = self.at(epoch) {
            if let Says::Text { splitter, .. } = &mut speaking.says {
                splitter.finish();
            }
            speaking.finished = true;
        }
    }

    /// Drops `epoch`.
    pub fn silence(&mut self, epoch: Epoch) {
        if self.at(epoch).is_some() {
            self.speaking = None;
        }
    }

    /// When [`Mouth::step`] should run again though nothing new arrives; `None`: on the next command.
    pub fn next_step(&self, now: Duration) -> Option<Duration> {
        let speaking = self.speaking.as_ref()?;
        if speaking.sent < speaking.waiting.len() {
            return Some(now + Duration::from_millis(10));
        }
        if speaking.finished || speaking.failed.is_some() {
            return Some(now + Duration::from_millis(1));
        }
        let stall = speaking.last_text + STALL;
        let first = speaking.first_text.filter(|_| speaking.produced == 0);
        let waits = first.into_iter().flat_map(|at| [at + HASTE, at + HURRY]).filter(|at| *at > now);
        speaking.unspoken.then(|| waits.fold(stall, Duration::min))
    }

    /// Does one thing: fills the ring, or synthesizes one clause. Returns whether it did anything.
    pub fn step(&mut self, now: Duration, out: &mut dyn FnMut(MouthEvent)) -> bool {
        let Some(mut speaking) = self.speaking.take() else { return false };
        let progressed = self.fill(&mut speaking);
        if speaking.sent < speaking.waiting.len() {
            self.speaking = Some(speaking);
            return progressed;
        }
        match self.make(&mut speaking, now, out) {
            Made::Sound => {
                self.fill(&mut speaking);
                self.speaking = Some(speaking);
                true
            }
            Made::Nothing => self.close(speaking, progressed, out),
            Made::Cancelled => true,
        }
    }

    /// Makes the next samples: of one clause, or of the caller's own sound.
    fn make(&mut self, speaking: &mut Speaking, now: Duration, out: &mut dyn FnMut(MouthEvent)) -> Made {
        if speaking.failed.is_some() {
            return Made::Nothing;
        }
        let Some(clause) = next_clause(speaking, now, self.in_hand()) else {
            return speaking.play(out);
        };
        let Says::Text { options, cancel, .. } = &speaking.says else { return Made::Nothing };
        let (tts, options, cancel) = (Arc::clone(&self.tts), options.clone(), cancel.clone());
        let start = speaking.produced;
        let made = tts.speak_in_pieces(&clause.text, &options, &cancel, &mut |piece| {
            self.enqueue(speaking, &clause, start, &piece, out);
            // Played while the next piece is made.
            self.fill(speaking);
        });
        match made {
            Ok(()) => Made::Sound,
            Err(error) if error.kind() == ErrorKind::Cancelled => Made::Cancelled,
            Err(error) => {
                speaking.failed = Some(error.to_string());
                Made::Nothing
            }
        }
    }

    /// What is left for the listener to hear.
    fn in_hand(&self) -> Duration {
        let samples = self.writer.capacity() - self.writer.free();
        Duration::from_secs_f64(samples as f64 / f64::from(self.rate))
    }

    fn at(&mut self, epoch: Epoch) -> Option<&mut Speaking> {
        self.speaking.as_mut().filter(|s| s.epoch == epoch)
    }

    /// Pushes what waits into the ring; returns whether any of it went.
    fn fill(&mut self, speaking: &mut Speaking) -> bool {
        let sent = self.writer.push(speaking.epoch, &speaking.waiting[speaking.sent..]);
        speaking.sent += sent;
        if speaking.sent == speaking.waiting.len() {
            speaking.waiting.clear();
            speaking.sent = 0;
        }
        sent > 0
    }

    /// Puts a piece of `clause`, which began at sample `start` of the epoch, before the ring.
    fn enqueue(
        &mut self,
        speaking: &mut Speaking,
        clause: &Clause,
        start: u64,
        piece: &Piece,
        out: &mut dyn FnMut(MouthEvent),
    ) {
        let ratio = f64::from(self.rate) / f64::from(self.tts.sample_rate());
        let place = |n: usize| start + (n as f64 * ratio).round() as u64;
        let words = piece
            .marks
            .iter()
            .map(|mark| SpokenWord {
                source: clause.source.start + mark.source.start as u64
                    ..clause.source.start + mark.source.end as u64,
                samples: place(mark.samples.start)..place(mark.samples.end),
            })
            .collect();
        let before = speaking.waiting.len();
        let waiting = &mut speaking.waiting;
        self.resampler.process(&piece.samples, &mut |samples| waiting.extend_from_slice(samples));
        speaking.produced += (speaking.waiting.len() - before) as u64;
        if piece.last {
            self.end_clause(speaking, clause, start);
        }
        out(MouthEvent::Spoken { epoch: speaking.epoch, words, end: speaking.produced });
    }

    /// The rest of the clause that began at sample `start`, and the pause after it, if it said anything.
    fn end_clause(&mut self, speaking: &mut Speaking, clause: &Clause, start: u64) {
        let before = speaking.waiting.len();
        let waiting = &mut speaking.waiting;
        self.resampler.flush(&mut |samples| waiting.extend_from_slice(samples));
        let rest = (waiting.len() - before) as u64;
        if speaking.produced + rest > start {
            let pause = (clause.pause_after.as_secs_f64() * f64::from(self.rate)) as usize;
            waiting.resize(waiting.len() + pause, 0.0);
        }
        speaking.produced += (speaking.waiting.len() - before) as u64;
    }

    /// Nothing is left to synthesize: ends the epoch if no more text will come.
    fn close(&mut self, speaking: Speaking, progressed: bool, out: &mut dyn FnMut(MouthEvent)) -> bool {
        let over = speaking.finished || speaking.failed.is_some();
        if !over || !self.writer.finish(speaking.epoch) {
            self.speaking = Some(speaking);
            return progressed;
        }
        let epoch = speaking.epoch;
        out(match speaking.failed {
            Some(reason) => MouthEvent::Failed { epoch, reason },
            None => MouthEvent::Done { epoch, total: speaking.produced },
        });
        true
    }
}

fn next_clause(speaking: &mut Speaking, now: Duration, in_hand: Duration) -> Option<Clause> {
    let Says::Text { splitter, .. } = &mut speaking.says else { return None };
    let mut clause = splitter.next_clause();
    let waited = speaking.first_text.map_or(Duration::ZERO, |first| now.saturating_sub(first));
    if clause.is_none() && in_hand < HUNGRY && waited >= HASTE {
        let silent = in_hand.is_zero() && waited >= HURRY;
        splitter.hasten(if silent { Haste::Words } else { Haste::Phrases });
        clause = splitter.next_clause();
    }
    if clause.is_none() && speaking.unspoken && now >= speaking.last_text + STALL {
        splitter.flush();
        speaking.unspoken = false;
        clause = splitter.next_clause();
    }
    clause
}
