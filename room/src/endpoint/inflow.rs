//! Keeps captured sound to the endpoint's clock, whatever comes from the room, and when.
//!
//! The engine delivers 10 ms frames by a clock of its own while a track flows, nothing while there is
//! none, and several at once after a stall. The pipeline's ear wants a steady stream: so what is missing
//! becomes silence, and what is too much is left out. Pure: no audio, no clock.
//!
//! Invariant: after each tick the samples passed on differ from the clock's by at most [`SLACK`] ticks.
//!
//! ```
//! use duologue_room::endpoint::inflow::{Inflow, Pass};
//!
//! let mut inflow = Inflow::new(480);
//! assert_eq!(inflow.tick(480), Pass { skip: 0, take: 480, silence: 0 });
//! for _ in 0..6 {
//!     assert_eq!(inflow.tick(0).silence, 0, "a frame that is late is waited for");
//! }
//! assert_eq!(inflow.tick(0).silence, 480);
//! ```

/// How many ticks the sound may be behind or ahead of the clock: 60 ms, more than the jitter of a loaded
/// machine, less than a syllable.
pub const SLACK: u64 = 6;

/// What to do with the samples that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// Oldest samples to leave out.
    pub skip: usize,
    /// Samples to pass on after these.
    pub take: usize,
    /// Silence to pass on after these.
    pub silence: usize,
}

/// What was mended so far, in samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InflowStats {
    /// Silence in place of what did not come.
    pub filled: u64,
    /// Left out because it came too late or by too fast a clock.
    pub skipped: u64,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Inflow {
    /// Samples of a tick.
    tick: u64,
    clock: u64,
    passed: u64,
    stats: InflowStats,
}

impl Inflow {
    /// Of ticks of `tick` samples.
    pub fn new(tick: usize) -> Self {
        Self { tick: tick as u64, clock: 0, passed: 0, stats: InflowStats::default() }
    }

    /// A tick has passed, and `waiting` samples have come since the one before.
    pub fn tick(&mut self, waiting: usize) -> Pass {
        self.clock += self.tick;
        let room = self.clock + SLACK * self.tick - self.passed;
        let take = (waiting as u64).min(room);
        let skip = waiting as u64 - take;
        self.passed += take;
        let silence = self.clock.saturating_sub(SLACK * self.tick + self.passed);
        self.passed += silence;
        self.stats.filled += silence;
        self.stats.skipped += skip;
        Pass { skip: skip as usize, take: take as usize, silence: silence as usize }
    }

    /// What was mended so far.
    pub fn stats(&self) -> InflowStats {
        self.stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_room_without_sound_does_not_starve_the_ear() {
        let mut inflow = Inflow::new(480);
        let passed: usize = (0..100).map(|_| inflow.tick(0).silence).sum();
        assert_eq!(passed, 94 * 480);
    }

    #[test]
    fn a_burst_after_a_stall_does_not_delay_what_follows() {
        let mut inflow = Inflow::new(480);
        for _ in 0..50 {
            inflow.tick(0);
        }
        // What was held up for half a second comes at once; most of its time was filled already.
        let pass = inflow.tick(50 * 480);
        assert!(pass.take <= 2 * SLACK as usize * 480 + 480, "{pass:?}");
        assert_eq!(pass.skip + pass.take, 50 * 480);
    }

    #[test]
    fn a_frame_that_jitters_is_neither_cut_nor_followed_by_silence() {
        let mut inflow = Inflow::new(480);
        for n in 0..1_000 {
            inflow.tick([0, 960, 480, 0, 0, 1_440][n % 6]);
        }
        assert_eq!(inflow.stats(), InflowStats::default());
    }

    #[test]
    fn a_fast_clock_does_not_build_up_delay() {
        let mut inflow = Inflow::new(480);
        for _ in 0..10_000 {
            inflow.tick(481);
        }
        let stats = inflow.stats();
        assert_eq!(stats.filled, 0);
        assert!(stats.skipped > 10_000 - (SLACK + 1) * 480, "{stats:?}");
    }

    proptest! {
        #[test]
        fn the_sound_never_leaves_the_clock(waiting in prop::collection::vec(0usize..5_000, 1..300)) {
            let mut inflow = Inflow::new(480);
            let (mut clock, mut passed) = (0i64, 0i64);
            for n in waiting {
                let pass = inflow.tick(n);
                prop_assert_eq!(pass.skip + pass.take, n);
                clock += 480;
                passed += (pass.take + pass.silence) as i64;
                prop_assert!((clock - passed).abs() <= SLACK as i64 * 480);
            }
        }
    }
}
