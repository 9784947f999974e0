//! Hotwords: phrases that a recogniser prefers, from what a person writes to what the engine takes.
//!
//! The engine divides each phrase into the model's tokens by a list of pieces with scores, and takes the division
//! whose scores sum up highest. That list is seldom shipped; but `tokens.txt` has the same pieces, the more frequent
//! first. Nearly equal scores give the fewest pieces, and of these the more frequent ones: what byte pairs give, too.
//! Invariant: a phrase with a letter that the model cannot write is refused, by name.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use duologue_fetch::plain;
use duologue_native::sherpa::{Decoding, Hotwords, OnlineConfig, OnlineModel};
use tempfile::NamedTempFile;

use super::options::SttOptions;
use super::words::Style;
use crate::{Error, ErrorKind, Family};

/// Most phrases; each is one branch of the graph that every step of the search walks.
const MOST: usize = 1_000;
/// Longest phrase, in characters.
const LONGEST: usize = 100;
/// Sequences that the search keeps if nothing says otherwise: sherpa-onnx's own default.
const PATHS: u16 = 4;

/// Checks what any model would refuse.
pub(super) fn check(phrases: &[String], score: f32) -> Result<(), Error> {
    if !(0.0..=10.0).contains(&score) {
        return Err(wrong("hotword_score", &format!("= {score}: must be within 0 and 10")));
    }
    if phrases.len() > MOST {
        return Err(wrong("hotwords", &format!("has {} phrases; at most {MOST} are taken", phrases.len())));
    }
    let refused = phrases.iter().find_map(|phrase| Some((phrase, fault(phrase)?)));
    refused.map_or(Ok(()), |(phrase, fault)| Err(wrong("hotwords", &format!("has {phrase:?}, {fault}"))))
}

fn fault(phrase: &str) -> Option<&'static str> {
    if phrase.trim().is_empty() {
        return Some("which is empty; leave it out");
    }
    if phrase.chars().count() > LONGEST {
        return Some("which has more than 100 characters; shorten it");
    }
    // Line breaks part phrases for the engine, and a colon begins a score.
    phrase.contains([':', '\n', '\r']).then_some("which has a colon or a line break; write words only")
}

fn wrong(key: &str, what: &str) -> Error {
    Error::new(ErrorKind::Config, format!("recogniser.{key} {what}"))
}

/// Refuses hotwords for a model that has no use for them.
pub(super) fn refuse(options: &SttOptions, name: &str, family: Family) -> Result<(), Error> {
    if options.hotwords.is_empty() {
        return Ok(());
    }
    let what = format!(
        "need a streaming transducer, and {name} is of the family {family}; leave them out, or choose another `stt`"
    );
    Err(wrong("hotwords", &what))
}

/// Gives `config` the hotwords of `options`, if there are any. The file that comes back must outlive the
/// recogniser's making.
pub(super) fn give(
    config: &mut OnlineConfig,
    options: &SttOptions,
    tokens: &Path,
) -> Result<Option<NamedTempFile>, Error> {
    if options.hotwords.is_empty() {
        return Ok(None);
    }
    debug_assert!(matches!(config.model, OnlineModel::Transducer { .. }));
    let text = plain::read_text(tokens, plain::MODEL_TEXT)
        .map_err(|e| Error::new(ErrorKind::Io, format!("cannot read {}: {e}", tokens.display())))?;
    let pieces: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let phrases = written(&options.hotwords, Style::of(&text), &pieces)?;
    let vocabulary = vocabulary(&pieces).map_err(|e| {
        Error::new(ErrorKind::Io, format!("hotwords need a temporary file: {e}; free some space"))
    })?;
    config.hotwords = Some(Hotwords {
        phrases,
        score: options.hotword_score,
        bpe_vocabulary: Some(vocabulary.path().to_owned()),
    });
    if config.decoding == Decoding::Greedy {
        config.decoding = Decoding::ModifiedBeam { max_active_paths: PATHS };
    }
    Ok(Some(vocabulary))
}

/// The phrases as the model writes, one a line.
fn written(phrases: &[String], style: Style, pieces: &[&str]) -> Result<String, Error> {
    let letters: HashSet<&str> = pieces.iter().copied().collect();
    let mut lines = String::new();
    for phrase in phrases {
        let words: Vec<&str> = phrase.split_whitespace().collect();
        let line = style.as_tokens(&words.join(" "));
        let known = |c: char| c == ' ' || letters.contains(c.encode_utf8(&mut [0; 4]) as &str);
        if let Some(letter) = line.chars().find(|&c| !known(c)) {
            let what = format!(
                "has {phrase:?}, but this recogniser cannot write {letter:?}; spell the phrase as it would write it"
            );
            return Err(wrong("hotwords", &what));
        }
        lines.push_str(&line);
        lines.push('\n');
    }
    Ok(lines)
}

/// The model's pieces with scores that are nearly equal and fall in their order.
fn vocabulary(pieces: &[&str]) -> std::io::Result<NamedTempFile> {
    let mut file = NamedTempFile::with_prefix("duologue-bpe-")?;
    let lines =
        pieces.iter().enumerate().map(|(rank, piece)| format!("{piece}\t-{:.4}\n", 1.0 + rank as f64 * 1e-4));
    file.write_all(lines.collect::<String>().as_bytes())?;
    file.flush()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_that_the_model_cannot_write_is_named() {
        let style = Style::of("A 0\nB 1\n\u{2581}AB 2");
        let pieces = ["<blk>", "A", "B", "\u{2581}AB"];
        assert_eq!(written(&["ab  Ba".into()], style, &pieces).unwrap(), "AB BA\n");
        let error = written(&["abba".into(), "zab".into()], style, &pieces).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("\"zab\"") && error.to_string().contains("'Z'"), "{error}");
    }

    #[test]
    fn pieces_keep_their_order() {
        let file = vocabulary(&["<blk>", "A", "\u{2581}AB"]).unwrap();
        assert_eq!(
            std::fs::read_to_string(file.path()).unwrap(),
            "<blk>\t-1.0000\nA\t-1.0001\n\u{2581}AB\t-1.0002\n"
        );
    }

    #[test]
    fn hotwords_are_not_ignored_by_a_model_without_use_for_them() {
        let options = SttOptions { hotwords: vec!["tintern".into()], ..SttOptions::default() };
        let error = refuse(&options, "builtin-stt", Family::Zipformer2Ctc).unwrap_err().to_string();
        for part in ["recogniser.hotwords", "builtin-stt", "zipformer2-ctc", "transducer"] {
            assert!(error.contains(part), "{error}");
        }
        refuse(&SttOptions::default(), "builtin-stt", Family::Zipformer2Ctc).unwrap();
    }
}
