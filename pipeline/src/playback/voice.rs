//! How the samples of one epoch become sound: fades, holds, underruns and ends, sample by sample.
//!
//! Pure: no ring, no atomics. Invariants: the phase moves by at most [`END_STEP`] a sample, so the
//! level never jumps; while there is sound, enough samples are left to fade it out; a sample counts
//! as played only if the sound was not being cut when it was rendered.

use super::PlaybackConfig;
use super::ramp::Ramp;

/// Phases per sample of the fade at an order: the full `fade_ms`.
const ORDER_STEP: usize = 1;
/// Phases per sample of the fade at an underrun, which must fit into the look-ahead.
const UNDERRUN_STEP: usize = 2;
/// Phases per sample where an epoch starts and ends: a quarter of `fade_ms`, against clicks only.
const END_STEP: usize = 4;

/// What to do with the epoch's samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Will {
    Sound {
        ducked: bool,
    },
    /// Fade out and keep what is left.
    Hold,
    /// Fade out; the caller drops what is left.
    Cut,
}

/// The samples of the epoch that are in the ring, the played ones gone.
#[derive(Clone, Copy)]
pub(super) struct Queue<'a> {
    pub(super) parts: (&'a [f32], &'a [f32]),
    /// How many of them are the epoch's.
    pub(super) len: usize,
    /// No more will come.
    pub(super) last: bool,
}

impl Queue<'_> {
    fn get(&self, index: usize) -> f32 {
        let (front, back) = self.parts;
        if index < front.len() { front[index] } else { back[index - front.len()] }
    }
}

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    /// Samples of the output that were filled; short only if the sound was cut and is silent now.
    pub(super) filled: usize,
    /// Samples at the queue's front that were played and must be removed.
    pub(super) played: usize,
}

/// Why the sound was cut; what was rendered since is not counted as played yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Ordered,
    Starved,
}

/// The sound of one epoch.
#[derive(Debug)]
pub(super) struct Voice {
    fade: Ramp,
    duck: Ramp,
    /// What a full duck takes away from the level.
    duck_depth: f32,
    /// Phases per sample while ducking; one while restoring.
    duck_step: usize,
    duck_phase: usize,
    /// Position within `fade`: 0 is silence.
    phase: usize,
    /// Phases per sample of the next rise.
    step: usize,
    cut: Option<Cut>,
    /// Samples rendered since the cut began.
    ahead: usize,
    underruns: u64,
}

impl Voice {
    pub(super) fn new(config: &PlaybackConfig) -> Self {
        let fade = config.samples(config.fade_ms).next_multiple_of(END_STEP);
        let restore = config.samples(config.restore_ms);
        Self {
            fade: Ramp::new(fade),
            duck: Ramp::new(restore),
            duck_depth: 1.0 - 10f32.powf(config.duck_db / 20.0),
            duck_step: restore.div_ceil(config.samples(config.duck_ms)),
            duck_phase: 0,
            phase: 0,
            step: END_STEP,
            cut: None,
            ahead: 0,
            underruns: 0,
        }
    }

    /// Makes ready for a new epoch. The voice must be silent.
    pub(super) fn begin(&mut self) {
        debug_assert!(self.is_silent());
        (self.duck_phase, self.step, self.cut, self.ahead) = (0, END_STEP, None, 0);
    }

    pub(super) fn is_silent(&self) -> bool {
        self.phase == 0
    }

    pub(super) fn underruns(&self) -> u64 {
        self.underruns
    }

    /// Renders into `out` from the front.
    pub(super) fn run(&mut self, out: &mut [f32], queue: &Queue<'_>, will: Will) -> Run {
        let mut run = Run::default();
        for sample in out.iter_mut() {
            if will == Will::Cut && self.is_silent() {
                return run;
            }
            self.move_duck(will);
            self.move_fade(queue, will, &mut run);
            *sample = if self.is_silent() { 0.0 } else { self.sound(queue, &mut run) };
            run.filled += 1;
        }
        run
    }

    /// Renders the next sample at the current level.
    fn sound(&mut self, queue: &Queue<'_>, run: &mut Run) -> f32 {
        let duck = 1.0 - self.duck_depth * self.duck.gain(self.duck_phase);
        let sample = queue.get(run.played + self.ahead) * self.fade.gain(self.phase) * duck;
        self.ahead += 1;
        if self.cut.is_none() {
            self.count_as_played(run);
        }
        sample
    }

    fn count_as_played(&mut self, run: &mut Run) {
        run.played += self.ahead;
        self.ahead = 0;
    }

    fn move_duck(&mut self, will: Will) {
        let Will::Sound { ducked } = will else { return };
        self.duck_phase = match (ducked, self.is_silent()) {
            // In silence the level changes unheard: a resumed turn is not still ducked.
            (true, true) => self.duck.top(),
            (false, true) => 0,
            (true, false) => (self.duck_phase + self.duck_step).min(self.duck.top()),
            (false, false) => self.duck_phase.saturating_sub(1),
        };
    }

    fn move_fade(&mut self, queue: &Queue<'_>, will: Will, run: &mut Run) {
        if self.is_silent() {
            if will.sounds() && self.may_start(queue, run) {
                // A cut sound resumes at the sample where the cut began.
                (self.cut, self.ahead) = (None, 0);
                self.rise(queue, run);
            }
            return;
        }
        if will.sounds() && self.rise(queue, run) {
            self.cut = None;
            return;
        }
        self.fall(queue, will, run);
    }

    /// Whether silence may end: not before the look-ahead is filled.
    fn may_start(&mut self, queue: &Queue<'_>, run: &mut Run) -> bool {
        let new = self.left(queue, run);
        if !queue.last {
            return new >= self.fade.top() / UNDERRUN_STEP;
        }
        if self.cut == Some(Cut::Starved) && new == 0 {
            // The samples that were faded out for want of more turned out to be the last.
            self.count_as_played(run);
            self.cut = None;
            return false;
        }
        true
    }

    /// Moves towards full level, if enough samples are left to come down again.
    fn rise(&mut self, queue: &Queue<'_>, run: &Run) -> bool {
        let phase = (self.phase + self.step).min(self.fade.top());
        let left = self.left(queue, run);
        if left == 0 || left < phase.div_ceil(steepest(queue)) {
            return false;
        }
        self.phase = phase;
        true
    }

    /// Moves towards silence, as gently as the samples that are left allow.
    fn fall(&mut self, queue: &Queue<'_>, will: Will, run: &Run) {
        let whole = self.phase == self.fade.top() || self.cut.is_some() && self.step != END_STEP;
        self.cut = match (will.sounds(), queue.last) {
            (true, true) => None,
            (true, false) => self.starve(),
            (false, _) => self.cut.or(Some(Cut::Ordered)),
        };
        let left = self.left(queue, run);
        let fits = |step: usize| left >= self.phase.saturating_sub(step).div_ceil(step);
        let step = [ORDER_STEP, UNDERRUN_STEP].into_iter().find(|&step| fits(step)).unwrap_or(END_STEP);
        // A rise over the samples of a whole fall, at its pace, makes up for it exactly. After less
        // than that the rise is only a declick: a slower one would take the level from new samples.
        self.step = if whole { step } else { END_STEP };
        self.phase = self.phase.saturating_sub(step);
    }

    fn starve(&mut self) -> Option<Cut> {
        self.underruns += u64::from(self.cut != Some(Cut::Starved));
        Some(Cut::Starved)
    }

    /// Samples that are neither played nor rendered.
    fn left(&self, queue: &Queue<'_>, run: &Run) -> usize {
        queue.len - run.played - self.ahead
    }
}

impl Will {
    fn sounds(self) -> bool {
        matches!(self, Self::Sound { .. })
    }
}

/// The fastest fall for which samples are kept ready.
fn steepest(queue: &Queue<'_>) -> usize {
    if queue.last { END_STEP } else { UNDERRUN_STEP }
}
