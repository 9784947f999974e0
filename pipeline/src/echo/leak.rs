//! Judges whether what the canceller let through is the rest of an echo.
//!
//! A canceller needs a second or two of the agent's voice before it knows the room, and again after
//! the delay changed; until then it lets whole syllables through. Two things give them away: the
//! canceller took most of the sound's energy, so it recognised an echo; or the canceller does not
//! know the room yet, and the sound is no louder than an echo can be.
//!
//! The price: while the room is unknown, somebody quieter than the echo waits; and of speech over a
//! known echo some frames are lost. The constants were chosen on simulated scenes (three voices, two
//! measured rooms, delays up to 200 ms, echoes from -10 to +6 dB of the reference, a mild loudspeaker
//! distortion) and two real recordings; `tests/echo.rs` holds a part of them.

use sonora::AudioProcessingStats;

use crate::ear::BLOCK;

/// Below this level, in dB of full scale, the reference is silent.
const SILENT_DB: f32 = -50.0;
/// Below this level the reference is too quiet to learn from.
const QUIET_DB: f32 = -45.0;
/// Blocks for which an echo may follow its reference undiminished: the delay and early reflections.
const HOLD: u32 = 25;
/// How fast the echo's possible level falls afterwards, in dB a block: a reverberation time of 1.2 s.
const DECAY_DB: f32 = 0.5;
/// Echo over reference, in dB, before any echo was heard: a loud loudspeaker beside the microphone.
const FIRST_COUPLING_DB: f32 = 8.0;
/// An echo this much louder than expected, in dB, is still taken for one.
const MARGIN_DB: f32 = 4.0;
/// Suppression, in dB, from which on and at which a sound surely was an echo.
const SUPPRESSED_DB: (f32, f32) = (8.0, 14.0);
/// Suppression, in dB, that shows the canceller at work.
const WORKING_DB: f32 = 12.0;
/// Blocks at work before the canceller is trusted at first, and after a change of delay.
const TRUST_FIRST: u32 = 100;
const TRUST_AGAIN: u32 = 60;
/// What the canceller reports as echo return loss before it has found any.
const NO_ERL_DB: f64 = -29.0;

pub(super) struct Leak {
    /// The level the reference can still be heard at, in dB of full scale.
    far_db: f32,
    hold: u32,
    /// Echo over reference, in dB.
    coupling_db: f32,
    /// Blocks at work that are missing before the canceller is trusted.
    distrust: u32,
    delay_ms: Option<i32>,
}

impl Leak {
    pub(super) fn new() -> Self {
        Self {
            far_db: -100.0,
            hold: 0,
            coupling_db: FIRST_COUPLING_DB,
            distrust: TRUST_FIRST,
            delay_ms: None,
        }
    }

    pub(super) fn distrust(&mut self) {
        self.distrust = self.distrust.max(TRUST_AGAIN);
    }

    /// How likely, `0.0..=1.0`, `clean` is the rest of an echo.
    pub(super) fn judge(
        &mut self,
        reference: &[f32; BLOCK],
        captured: &[f32],
        clean: &[f32; BLOCK],
        stats: &AudioProcessingStats,
    ) -> f32 {
        self.follow_delay(stats.delay_ms);
        self.follow_reference(level_db(reference));
        if self.far_db <= SILENT_DB {
            return 0.0;
        }
        let (captured, clean) = (level_db(captured), level_db(clean));
        let suppressed = captured - clean;
        self.learn(captured, suppressed);
        let unknown = self.distrust > 0 || stats.echo_return_loss.is_none_or(|erl| erl < NO_ERL_DB);
        if unknown && captured <= self.far_db + self.coupling_db + MARGIN_DB {
            return 1.0;
        }
        let (from, to) = SUPPRESSED_DB;
        ((suppressed - from) / (to - from)).clamp(0.0, 1.0)
    }

    fn follow_delay(&mut self, delay_ms: Option<i32>) {
        if self.delay_ms.is_some() && self.delay_ms != delay_ms {
            self.distrust();
        }
        self.delay_ms = delay_ms;
    }

    fn follow_reference(&mut self, level: f32) {
        if level >= self.far_db {
            (self.far_db, self.hold) = (level, HOLD);
        } else if self.hold > 0 {
            self.hold -= 1;
        } else {
            self.far_db = (self.far_db - DECAY_DB).max(level);
        }
    }

    /// Learns the coupling: up from sounds that were surely echo, down from all.
    fn learn(&mut self, captured: f32, suppressed: f32) {
        if self.far_db <= QUIET_DB {
            return;
        }
        let over = captured - self.far_db - self.coupling_db;
        if over < 0.0 {
            self.coupling_db += 0.02 * over;
        } else if suppressed > 10.0 {
            self.coupling_db += 0.3 * over;
        }
        if suppressed > WORKING_DB && captured > SILENT_DB {
            self.distrust = self.distrust.saturating_sub(1);
        }
    }
}

/// Level in dB of full scale, not below -100.
fn level_db(samples: &[f32]) -> f32 {
    let power = samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32;
    10.0 * power.max(1e-10).log10()
}
