//! Recognises the tones of a telephone's keypad (DTMF, ITU-T Q.23), so that they are digits and no speech.
//!
//! Each block looks at the latest 30 ms through a Hann window, by Goertzel's algorithm at the eight
//! frequencies. A key is two of them, one out of each group, that hold nearly all of the energy; and
//! both must be where the keypad has them, told by how their phases move on from block to block: a
//! vowel's harmonics now and then have the right levels, but not the right frequencies for long.
//!
//! Sans-IO: blocks in, [`Tone`]s out. Invariant: each key that is held for 40 ms or more is told once; what is
//! shorter than 20 ms, or interrupted for less than 20 ms, is told never, or not again (Q.24: 40 ms must be
//! recognised, 23 ms must not; a pause below 10 ms does not separate).
//!
//! Life cycle: [`Keypad::new`] → [`Keypad::hear`] for every block.

use super::{BLOCK, RATE};

/// Samples that are looked at: 30 ms.
const WINDOW: usize = 3 * BLOCK;
/// Hz; Q.23. The low group is the key's row, the high group its column.
const LOW: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
const TONES: usize = LOW.len() + HIGH.len();
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Share of the window's energy that both tones hold at least: a ratio to the noise of 3 dB.
const SHARE: f32 = 0.65;
/// Share from which a block may be the beginning of a key.
const SUSPECT: f32 = 0.45;
/// How much louder each tone is than the next of its group, in power: 6 dB.
const OVER_NEXT: f32 = 4.0;
/// Greatest difference of the two tones' levels, in power: 9 dB. Q.24 asks for 4 dB one way and 8 dB the
/// other; loudspeakers and rooms add to that.
const TWIST: f32 = 8.0;
/// How far a tone may be off, as a share of its frequency. Q.24: 1.5 % must be taken, 3.5 % must not.
const OFF: f32 = 0.025;
/// Power of a window below which nothing is looked for: −55 dB of full scale.
const QUIET: f32 = 3e-6;
/// Blocks in a row with the same key that make it, and without that end it.
const MAKE: u32 = 2;
const BREAK: u32 = 2;

/// What was found in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// No key.
    None,
    /// It may be the beginning of a key.
    Suspect,
    /// A key is held; it was told already.
    Held,
    /// This key has just been recognised.
    Pressed(char),
}

pub(super) struct Keypad {
    latest: [f32; WINDOW],
    window: [f32; WINDOW],
    /// `2 cos ω` of each tone, and its phase's step from block to block.
    coefficients: [f32; TONES],
    steps: [f32; TONES],
    /// Phases of the block before; `None` if it was too soft.
    phases: Option<[f32; TONES]>,
    /// The key of the latest blocks, how many they are, and whether it was told.
    key: Option<char>,
    blocks: u32,
    told: bool,
    without: u32,
}

impl Keypad {
    pub(super) fn new() -> Self {
        let omega: [f32; TONES] = std::array::from_fn(|i| std::f32::consts::TAU * hz(i) / RATE as f32);
        Self {
            latest: [0.0; WINDOW],
            window: std::array::from_fn(|i| {
                0.5 - 0.5 * (std::f32::consts::TAU * (i as f32 + 0.5) / WINDOW as f32).cos()
            }),
            coefficients: omega.map(|w| 2.0 * w.cos()),
            steps: omega.map(|w| w * BLOCK as f32),
            phases: None,
            key: None,
            blocks: 0,
            told: false,
            without: 0,
        }
    }

    /// Hears 10 ms.
    pub(super) fn hear(&mut self, block: &[f32; BLOCK]) -> Tone {
        self.latest.copy_within(BLOCK.., 0);
        self.latest[WINDOW - BLOCK..].copy_from_slice(block);
        let power = self.latest.iter().map(|x| x * x).sum::<f32>() / WINDOW as f32;
        if power < QUIET {
            self.phases = None;
            return self.follow(None);
        }
        let (powers, phases) = self.tones();
        let before = self.phases.replace(phases);
        let (low, high) = (loudest(&powers[..4]), loudest(&powers[4..]) + 4);
        let share = (powers[low] + powers[high]) / self.energy();
        if share < SUSPECT || !stands_out(&powers[..4], low) || !stands_out(&powers[4..], high - 4) {
            return self.follow(None);
        }
        let twist = powers[low] / powers[high];
        let tuned = |tone| before.is_some_and(|before| self.is_tuned(tone, before[tone], phases[tone]));
        if share < SHARE || !(1.0 / TWIST..=TWIST).contains(&twist) || !tuned(low) || !tuned(high) {
            return match self.follow(None) {
                Tone::None => Tone::Suspect,
                held => held,
            };
        }
        self.follow(Some(KEYS[low][high - 4]))
    }

    /// Counts blocks with and without a key.
    fn follow(&mut self, key: Option<char>) -> Tone {
        let Some(key) = key else {
            self.without += 1;
            if self.without >= BREAK {
                (self.key, self.blocks, self.told) = (None, 0, false);
            }
            return if self.told { Tone::Held } else { Tone::None };
        };
        self.without = 0;
        if self.key != Some(key) {
            (self.key, self.blocks, self.told) = (Some(key), 0, false);
        }
        self.blocks += 1;
        if self.told {
            return Tone::Held;
        }
        if self.blocks < MAKE {
            return Tone::Suspect;
        }
        self.told = true;
        Tone::Pressed(key)
    }

    /// Whether a tone's phase has moved on as its frequency says.
    fn is_tuned(&self, tone: usize, before: f32, now: f32) -> bool {
        let tau = std::f32::consts::TAU;
        let off = (now - before - self.steps[tone]).rem_euclid(tau);
        let off = if off > tau / 2.0 { tau - off } else { off };
        off <= self.steps[tone] * OFF
    }

    /// Energy of the window, on the scale of [`Keypad::tones`]: a sine that fills the window has all of it.
    fn energy(&self) -> f32 {
        let energy: f32 = self.latest.iter().zip(&self.window).map(|(x, w)| (x * w) * (x * w)).sum();
        // A sine of amplitude a has |X|² = (a/2 · N/2)² and, windowed, the energy a²/2 · 3N/8.
        energy * WINDOW as f32 / 3.0 + 1e-12
    }

    /// Power and phase of each tone, by Goertzel's algorithm, all eight at once.
    fn tones(&self) -> ([f32; TONES], [f32; TONES]) {
        let (mut s1, mut s2) = ([0.0f32; TONES], [0.0f32; TONES]);
        for (x, w) in self.latest.iter().zip(&self.window) {
            let x = x * w;
            for ((coefficient, s1), s2) in self.coefficients.iter().zip(&mut s1).zip(&mut s2) {
                (*s1, *s2) = (x + coefficient * *s1 - *s2, *s1);
            }
        }
        let (mut powers, mut phases) = ([0.0; TONES], [0.0; TONES]);
        let states = self.coefficients.iter().zip(s1).zip(s2);
        for (((coefficient, s1), s2), (power, phase)) in states.zip(powers.iter_mut().zip(&mut phases)) {
            let cos = coefficient / 2.0;
            let sin = (1.0 - cos * cos).max(0.0).sqrt();
            let (re, im) = (s1 - cos * s2, sin * s2);
            *power = re * re + im * im;
            *phase = im.atan2(re);
        }
        (powers, phases)
    }
}

fn hz(tone: usize) -> f32 {
    if tone < LOW.len() { LOW[tone] } else { HIGH[tone - LOW.len()] }
}

fn loudest(powers: &[f32]) -> usize {
    (0..powers.len()).max_by(|&a, &b| powers[a].total_cmp(&powers[b])).unwrap_or(0)
}

/// Whether nothing else of the group comes near.
fn stands_out(group: &[f32], loudest: usize) -> bool {
    group.iter().enumerate().all(|(i, power)| i == loudest || power * OVER_NEXT <= group[loudest])
}

#[cfg(test)]
#[path = "keypad_tests.rs"]
mod tests;
