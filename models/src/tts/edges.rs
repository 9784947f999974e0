//! Where speech begins and ends in what a model returned.
//!
//! A model surrounds a clause with silence (about 0.2 s before, up to 0.4 s after in real Kokoro
//! output), and Kokoro may add a burst of noise after a very short one. Both cost time to the first
//! sound or are heard as faults, and pauses between clauses belong to the mouth. Invariant: the
//! extent found holds everything loud that touches the words; with durations, nothing that is
//! separated from them.

use std::f32::consts::PI;
use std::ops::Range;

/// Length over which a level is measured, in ms.
const WINDOW_MS: usize = 5;

/// A window is quiet this far below the loudest one (−50 dB: in real Kokoro output the silence around
/// speech lies 60 dB and more below it, the softest fricatives 30 to 40 dB).
const QUIET: f32 = 0.003_162;

/// What lies outside the words by the model's own durations is quiet already this far below (−42 dB).
const QUIET_OUTSIDE: f32 = 0.008;

/// Whatever the loudest window is, one below this is quiet (−66 dBFS).
const FLOOR: f32 = 0.000_5;

/// Kept before and after the loud part, in ms: onsets and decays below the threshold.
const MARGIN_MS: (usize, usize) = (10, 20);

/// How far speech may reach into the silence that durations claim, in ms; alignments are off by a few frames.
const REACH_MS: usize = 200;

/// A quiet gap up to this length, in ms, is still part of a word (the closure before a stop).
const GAP_MS: usize = 60;

/// Fade at the ends, in ms, so that no cut clicks.
const FADE_MS: (usize, usize) = (2, 10);

/// The samples to keep. `words` is where the words lie by the model's own durations, if it tells.
pub(super) fn voiced(samples: &[f32], rate: u32, words: Option<Range<usize>>) -> Range<usize> {
    let ms = |ms: usize| ms * rate as usize / 1000;
    let window = ms(WINDOW_MS).max(1);
    let levels: Vec<f32> = samples.chunks(window).map(level).collect();
    let loudest = levels.iter().copied().fold(0.0, f32::max);
    let words = words.map_or(0..samples.len(), |w| w.start.min(samples.len())..w.end.min(samples.len()));
    let inside = words.start / window..words.end.div_ceil(window);
    let threshold = |relative: f32| (loudest * relative).max(FLOOR);
    let Some((first, last)) = loud_span(&levels, inside, threshold(QUIET), threshold(QUIET_OUTSIDE)) else {
        return 0..0;
    };
    let start = (first * window).saturating_sub(ms(MARGIN_MS.0));
    let end = ((last + 1) * window + ms(MARGIN_MS.1)).min(samples.len());
    start..end
}

/// Fades `samples` in and out.
pub(super) fn fade(samples: &mut [f32], rate: u32) {
    let ramp = |ms: usize| (ms * rate as usize / 1000).min(samples.len() / 2);
    let (fade_in, fade_out) = (ramp(FADE_MS.0), ramp(FADE_MS.1));
    let gain = |i: usize, length: usize| 0.5 - 0.5 * (PI * (i as f32 + 0.5) / length as f32).cos();
    samples[..fade_in].iter_mut().enumerate().for_each(|(i, s)| *s *= gain(i, fade_in));
    samples.iter_mut().rev().take(fade_out).enumerate().for_each(|(i, s)| *s *= gain(i, fade_out));
}

fn level(window: &[f32]) -> f32 {
    (window.iter().map(|s| s * s).sum::<f32>() / window.len() as f32).sqrt()
}

/// First and last window to keep: those inside the words that reach `quiet`, and those outside that touch
/// them and reach `quiet_outside`.
fn loud_span(levels: &[f32], words: Range<usize>, quiet: f32, quiet_outside: f32) -> Option<(usize, usize)> {
    let inside = &levels[words.clone()];
    let first = words.start + inside.iter().position(|level| *level >= quiet)?;
    let last = words.start + inside.iter().rposition(|level| *level >= quiet)?;
    let before = levels[..first].iter().rev().map(|level| *level >= quiet_outside);
    let after = levels[last + 1..].iter().map(|level| *level >= quiet_outside);
    Some((first - reach(before, first - words.start), last + reach(after, words.end - 1 - last)))
}

/// How many windows of `outward` still belong: up to the last loud one before a gap or the reach's
/// end. The first `inner` windows lie inside the words and count for neither.
fn reach(outward: impl Iterator<Item = bool>, inner: usize) -> usize {
    let (mut kept, mut gap) = (0, 0);
    for (i, loud) in outward.enumerate().take(inner + REACH_MS / WINDOW_MS) {
        if loud {
            (kept, gap) = (i + 1, 0);
            continue;
        }
        gap += usize::from(i >= inner);
        if gap > GAP_MS / WINDOW_MS {
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 24_000;

    /// Sound made of (ms, amplitude) stretches.
    fn sound(parts: &[(usize, f32)]) -> Vec<f32> {
        let stretch = |(ms, amplitude): &(usize, f32)| vec![*amplitude; ms * RATE as usize / 1000];
        parts.iter().flat_map(stretch).collect()
    }

    fn ms(range: Range<usize>) -> Range<usize> {
        range.start * 1000 / RATE as usize..range.end * 1000 / RATE as usize
    }

    fn samples(range: Range<usize>) -> Option<Range<usize>> {
        Some(range.start * RATE as usize / 1000..range.end * RATE as usize / 1000)
    }

    #[test]
    fn silence_around_a_clause_is_not_played() {
        let clause = sound(&[(300, 1e-4), (500, 0.3), (400, 1e-4)]);
        assert_eq!(ms(voiced(&clause, RATE, None)), 290..820);
        assert_eq!(ms(voiced(&clause, RATE, samples(250..850))), 290..820);
    }

    #[test]
    fn a_soft_onset_or_ending_is_not_cut() {
        let clause = sound(&[(300, 1e-4), (80, 0.003), (500, 0.3), (100, 0.003), (400, 1e-4)]);
        assert_eq!(ms(voiced(&clause, RATE, None)), 290..1000);
        // Durations that are late by 70 ms at the start and early by 90 ms at the end.
        assert_eq!(ms(voiced(&clause, RATE, samples(370..890))), 290..1000);
    }

    #[test]
    fn a_stop_after_its_closure_is_not_cut() {
        let clause = sound(&[(100, 0.0), (300, 0.3), (50, 0.0), (30, 0.1), (400, 0.0)]);
        assert_eq!(ms(voiced(&clause, RATE, samples(100..400))).end, 500);
    }

    #[test]
    fn noise_after_a_short_clause_is_not_played() {
        let clause = sound(&[(200, 0.0), (300, 0.3), (150, 0.0), (120, 0.2), (100, 0.0)]);
        assert_eq!(ms(voiced(&clause, RATE, samples(200..500))), 190..520);
    }

    #[test]
    fn noise_that_touches_the_last_word_does_not_go_on_for_ever() {
        let clause = sound(&[(200, 0.0), (300, 0.3), (2000, 0.2)]);
        assert_eq!(ms(voiced(&clause, RATE, samples(200..500))), 190..720);
    }

    #[test]
    fn silence_alone_leaves_nothing() {
        assert_eq!(voiced(&sound(&[(500, 1e-5)]), RATE, None), 0..0);
        assert_eq!(voiced(&[], RATE, None), 0..0);
        assert_eq!(voiced(&sound(&[(500, 0.1)]), RATE, Some(90_000..95_000)), 0..0);
        fade(&mut [], RATE);
    }

    #[test]
    fn a_cut_does_not_click() {
        let mut clause = sound(&[(100, 0.5)]);
        fade(&mut clause, RATE);
        assert!(clause[0].abs() < 0.001 && clause[clause.len() - 1].abs() < 0.001);
        assert_eq!(clause[clause.len() / 2], 0.5);
    }

    #[test]
    fn real_speech_keeps_all_that_can_be_heard() {
        let dir =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/material/kokoro/reference");
        let Ok(files) = std::fs::read_dir(&dir) else {
            println!("SKIPPED: {} is absent", dir.display());
            return;
        };
        for file in files {
            // Each is a 44-byte header and 16-bit samples at 24 kHz.
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let to_f32 = |b: &[u8; 2]| f32::from(i16::from_le_bytes(*b)) / 32768.0;
            let audio: Vec<f32> = bytes[44..].as_chunks().0.iter().map(to_f32).collect();
            let kept = voiced(&audio, RATE, None);
            let energy = |s: &[f32]| s.iter().map(|v| v * v).sum::<f32>();
            let lost = (energy(&audio[..kept.start]) + energy(&audio[kept.end..])) / energy(&audio);
            assert!(lost < 1e-6, "lost {lost}");
            assert!(kept.start > 4800 && kept.end + 4800 < audio.len(), "kept silence: {kept:?}");
        }
    }
}
