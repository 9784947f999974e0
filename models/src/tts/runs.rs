//! How a voice speaks a clause in runs of its graph: what is refused before the first, and how the runs'
//! audio and marks are joined.
//!
//! Invariant: the pieces' marks count the samples of the whole clause, pauses between runs among them, and
//! exactly one piece, the last, says that it is.

use super::{Piece, Speech, WordMark};
use crate::{Error, ErrorKind};

/// Longer text is refused before anything is done with it, in bytes.
const MAX_BYTES: usize = 8_000;

/// Longer text is refused, in phonemes; up to here it is spoken in several runs.
const MAX_CLAUSE_PHONEMES: usize = 1_000;

/// Silence between two runs of one over-long clause, in ms.
const JOIN_MS: usize = 50;

/// Refuses a speed that no voice speaks at.
pub(super) fn check_speed(speed: f32) -> Result<(), Error> {
    if (0.5..=2.0).contains(&speed) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("speed {speed}: must be 0.5 to 2.0")))
}

/// Refuses text that is too long to be worth turning into phonemes.
pub(super) fn check_bytes(text: &str) -> Result<(), Error> {
    check_length(text.len(), MAX_BYTES, "bytes")
}

/// Refuses text of too many phonemes.
pub(super) fn check_phonemes(phonemes: usize) -> Result<(), Error> {
    check_length(phonemes, MAX_CLAUSE_PHONEMES, "phonemes")
}

fn check_length(found: usize, most: usize, unit: &str) -> Result<(), Error> {
    if found <= most {
        return Ok(());
    }
    let message =
        format!("text of {found} {unit} (more than {most}) is no clause; split it with text::ClauseSplitter");
    Err(Error::new(ErrorKind::Config, message))
}

/// The whole speech of a voice that gives `pieces`.
pub(super) fn whole(
    pieces: impl FnOnce(&mut dyn FnMut(Piece)) -> Result<(), Error>,
) -> Result<Speech, Error> {
    let mut speech = Speech::default();
    pieces(&mut |piece| speech.push(piece))?;
    Ok(speech)
}

/// Gives each of `runs` as a piece, as soon as `say` has made its samples, at `rate` Hz, and its marks.
pub(super) fn speak<R>(
    runs: &[R],
    rate: u32,
    mut say: impl FnMut(&R) -> Result<(Vec<f32>, Vec<WordMark>), Error>,
    give: &mut dyn FnMut(Piece),
) -> Result<(), Error> {
    if runs.is_empty() {
        give(Piece { last: true, ..Piece::default() });
    }
    let mut said = 0;
    for (i, run) in runs.iter().enumerate() {
        let (samples, marks) = say(run)?;
        let pause = if i > 0 { JOIN_MS * rate as usize / 1000 } else { 0 };
        let mut piece = placed(samples, marks, said, pause);
        said += piece.samples.len();
        piece.last = i + 1 == runs.len();
        give(piece);
    }
    Ok(())
}

/// A run's audio and marks as a piece of its clause, of which `said` samples were given before; `pause`
/// samples of silence come first.
fn placed(mut samples: Vec<f32>, mut marks: Vec<WordMark>, said: usize, pause: usize) -> Piece {
    samples.splice(0..0, std::iter::repeat_n(0.0, pause));
    for mark in &mut marks {
        let offset = said + pause;
        mark.samples = mark.samples.start + offset..mark.samples.end + offset;
    }
    Piece { samples, marks, last: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_cut_in_two_runs_keeps_one_mark() {
        let mark = |source, samples| WordMark { source, samples };
        let mut speech = Speech::default();
        speech.push(placed(vec![0.1; 100], vec![mark(0..2, 0..40), mark(3..5, 50..100)], 0, 0));
        speech.push(placed(vec![0.2; 100], vec![mark(3..5, 0..30), mark(6..8, 40..100)], 100, 10));
        assert_eq!(speech.samples.len(), 210);
        assert_eq!(speech.marks, [mark(0..2, 0..40), mark(3..5, 50..140), mark(6..8, 150..210)]);
    }
}
