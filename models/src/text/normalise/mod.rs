//! Written text to spoken words, each with the bytes it came from.
//!
//! Three steps: markup, emoji and look-alike characters are cleaned away; the rest is cut into
//! words, numbers and symbols; rules, tried in a fixed order at each of them, say how a date, an
//! amount, an abbreviation or a link is spoken. The cases that hold are in
//! `data/normalise.golden.txt`; to teach the normaliser something, add a case there first.
//!
//! Invariant: for any text whatever, sources lie in the text, on character boundaries, in order,
//! and two words' sources are the same or disjoint. Time is linear in the text's length.
//!
//! ```
//! use duologue_models::text::normalise;
//!
//! let words = normalise("It's **$3.50** now.");
//! let spoken: Vec<&str> = words.iter().map(|word| word.spoken.as_str()).collect();
//! assert_eq!(spoken, ["It's", "three", "dollars", "and", "fifty", "cents", "now"]);
//! assert!(words[1..6].iter().all(|word| word.source == (7..12)));
//! assert_eq!(words[6].after, ".");
//! ```

mod atoms;
mod calendar;
mod clean;
mod codes;
#[cfg(test)]
mod golden;
mod numbers;
mod quantity;
mod symbols;
mod tables;
mod units;
mod words;

use std::ops::Range;

use atoms::{Cursor, Kind};
use clean::Clean;

/// How a [`SpokenWord`] is to be said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WordKind {
    /// As a word.
    #[default]
    Word,
    /// Letter by letter, but for a trailing lower-case `s` or `'s` ("FBI", "CDs").
    Spelled,
}

/// One word as it is to be said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpokenWord {
    /// The word: letters and inner apostrophes, in its written case.
    pub spoken: String,
    /// Bytes of the original text that it is spoken from. In order; two words' ranges are either
    /// the same (both spoken from one "42") or disjoint.
    pub source: Range<usize>,
    /// How to say it.
    pub kind: WordKind,
    /// Punctuation right before it: opening quotes and parentheses.
    pub before: String,
    /// Punctuation right after it: at most one of `; : , . ! ? — …`, then closing quotes and
    /// parentheses.
    pub after: String,
}

/// What a rule found: how many atoms it takes and what is said for them. Words are parted by
/// blanks; `^` marks one that is spelled, a final `,` a short pause.
struct Match {
    atoms: isize,
    say: String,
}

/// The words to speak for `text`. Never fails; linear in the length of `text`.
pub fn normalise(text: &str) -> Vec<SpokenWord> {
    let clean = Clean::new(text);
    let atoms = atoms::atoms(&clean.text);
    let mut speech = Speech { clean: &clean, words: Vec::new(), opening: String::new() };
    let shouted = is_shouted(&clean.text);
    let mut c = Cursor { text: &clean.text, atoms: &atoms, at: 0 };
    while let Some(kind) = c.kind(0) {
        if let Some(found) = matched(&c, kind, shouted) {
            let taken = found.atoms.max(1);
            let last = c.atom(taken - 1).map_or(clean.text.len(), |atom| atom.end);
            speech.say(&found.say, atoms[c.at].start..last);
            c.at += taken as usize;
            continue;
        }
        match kind {
            Kind::Break => speech.pause('.', true),
            Kind::Symbol(symbol) => speech.punctuate(&c, symbol),
            _ => {}
        }
        c.at += 1;
    }
    speech.words
}

/// The first rule that fits at `c`.
fn matched(c: &Cursor, kind: Kind, shouted: bool) -> Option<Match> {
    let dated = || calendar::date(c).or_else(|| calendar::time(c));
    let numeric = || dated().or_else(|| codes::code(c)).or_else(|| quantity::quantity(c));
    match kind {
        Kind::Space | Kind::Break => None,
        Kind::Symbol(_) => numeric().or_else(|| symbols::symbol(c)),
        Kind::Number => codes::address(c).or_else(numeric),
        Kind::Word => codes::address(c)
            .or_else(|| codes::code(c))
            .or_else(|| calendar::date(c))
            .or_else(|| words::abbreviation(c))
            .or_else(|| quantity::quantity(c))
            .or_else(|| words::word(c, shouted)),
    }
}

/// Whether nearly all of several words are in capitals, so that capitals mean nothing.
fn is_shouted(text: &str) -> bool {
    let upper = text.chars().filter(|c| c.is_uppercase()).count();
    let lower = text.chars().filter(|c| c.is_lowercase()).count();
    upper > 4 * lower && text.split(' ').filter(|w| w.len() > 1).count() > 3
}

/// The words so far.
struct Speech<'a> {
    clean: &'a Clean,
    words: Vec<SpokenWord>,
    /// Opening punctuation that waits for its word.
    opening: String,
}

impl Speech<'_> {
    /// Adds the words of `say`, spoken from `range` of the clean text.
    fn say(&mut self, say: &str, range: Range<usize>) {
        let source = self.clean.source(range);
        for piece in say.split(' ') {
            let (piece, comma) = piece.strip_suffix(',').map_or((piece, ""), |rest| (rest, ","));
            let (spoken, kind) =
                piece.strip_prefix('^').map_or((piece, WordKind::Word), |rest| (rest, WordKind::Spelled));
            if spoken.is_empty() {
                if !comma.is_empty() {
                    self.pause(',', false);
                }
                continue;
            }
            self.words.push(SpokenWord {
                spoken: spoken.to_owned(),
                source: source.clone(),
                kind,
                before: std::mem::take(&mut self.opening),
                after: comma.to_owned(),
            });
        }
    }

    /// Punctuation after the last word; of several marks the strongest stays. `soft` gives way to
    /// any mark that is there.
    fn pause(&mut self, mark: char, soft: bool) {
        let strength = |c: char| ",—:;.…".find(c).or(matches!(c, '?' | '!').then_some(usize::MAX));
        let Some(word) = self.words.last_mut() else { return };
        let there = word.after.chars().find(|c| strength(*c).is_some());
        match there {
            None => word.after.push(mark),
            Some(old) if !soft && strength(old) < strength(mark) => {
                word.after = word.after.replace(old, mark.encode_utf8(&mut [0; 4]));
            }
            Some(_) => {}
        }
    }

    fn punctuate(&mut self, c: &Cursor, symbol: char) {
        let opens = c.starts() && !matches!(c.kind(1), None | Some(Kind::Space | Kind::Break));
        match symbol {
            '.' if c.is(-1, '.') => self.pause('…', false),
            ';' | ':' | ',' | '.' | '!' | '?' | '—' | '…' => self.pause(symbol, false),
            '–' => self.pause('—', false),
            '-' if c.is_space(-1) && c.is_space(1) => self.pause('—', false),
            // A command's flag ("--release") is no dash.
            '-' if c.is(-1, '-') && !(c.is_space(-2) && c.word(1).is_some()) => self.pause('—', false),
            '<' | '>' if c.is_space(-1) => self.pause(',', true),
            '|' => self.pause(',', true),
            '(' | '[' | '{' if symbol == '(' => self.open('('),
            '“' => self.open('“'),
            '"' if opens => self.open('“'),
            '"' | '”' => self.close('”'),
            ')' => self.close(')'),
            '。' | '！' | '？' => self.pause(
                if symbol == '！' {
                    '!'
                } else if symbol == '？' {
                    '?'
                } else {
                    '.'
                },
                false,
            ),
            _ => {}
        }
    }

    /// An opening mark; one is enough.
    fn open(&mut self, mark: char) {
        if !self.opening.contains(mark) {
            self.opening.push(mark);
        }
    }

    /// A closing mark after the last word, unless it closes what nothing was said in.
    fn close(&mut self, mark: char) {
        let open = if mark == ')' { '(' } else { '“' };
        if self.opening.contains(open) {
            self.opening = self.opening.replace(open, "");
        } else if let Some(word) = self.words.last_mut()
            && !word.after.contains(mark)
        {
            word.after.push(mark);
        }
    }
}
