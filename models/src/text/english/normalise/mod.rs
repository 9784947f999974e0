//! Written English to spoken words, each with the bytes it came from.
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
//! use duologue_models::text::english::normalise;
//!
//! let words = normalise("It's **$3.50** now.");
//! let spoken: Vec<&str> = words.iter().map(|word| word.spoken.as_str()).collect();
//! assert_eq!(spoken, ["It's", "three", "dollars", "and", "fifty", "cents", "now"]);
//! assert!(words[1..6].iter().all(|word| word.source == (7..12)));
//! assert_eq!(words[6].after, ".");
//! ```

mod atoms;
mod calendar;
mod caps;
mod clean;
mod codes;
mod context;
mod durations;
mod fractions;
#[cfg(test)]
mod golden;
mod identifiers;
mod inches;
mod marks;
mod maths;
mod measures;
mod money;
mod numbers;
mod numeral;
mod ordinals;
mod phone;
mod places;
mod quantity;
mod roman;
mod slash;
mod spans;
mod symbols;
mod tables;
mod temperature;
mod units;
mod words;

use std::ops::Range;

use atoms::{Cursor, Kind};
use clean::Clean;
pub use numbers::{SMALL_NUMBERS, TENS};

use crate::text::{SpokenWord, WordKind};

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
    let shouted = caps::is_shouted(&clean.text);
    let mut c = Cursor { text: &clean.text, atoms: &atoms, at: 0 };
    while let Some(kind) = c.kind(0) {
        if let Some((rule, found)) = matched(&c, kind, shouted) {
            let taken = found.atoms.max(1);
            let last = c.atom(taken - 1).map_or(clean.text.len(), |atom| atom.end);
            speech.say(&found.say, rule, atoms[c.at].start..last);
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

/// A kind of writing: its name, and what reads it where it begins.
struct Rule {
    name: &'static str,
    read: fn(&Cursor) -> Option<Match>,
}

macro_rules! rules {
    ($($name:literal $read:path),* $(,)?) => { &[$(Rule { name: $name, read: $read }),*] };
}

/// All kinds, in the order in which they are tried: the more telling first.
const RULES: &[Rule] = rules![
    "key" identifiers::keys,
    "keypad" phone::keypad,
    "masked" phone::masked,
    "password" identifiers::password,
    "address" codes::address,
    "formula" maths::letters,
    "power" maths::power,
    "scientific" maths::scientific,
    "difference" maths::difference,
    "operator" maths::operator,
    "grade" maths::grade,
    "span" spans::span,
    "date" calendar::date,
    "era" calendar::era,
    "fiscal" calendar::fiscal,
    "military time" durations::military,
    "duration" durations::compound,
    "duration" durations::elapsed,
    "verse" durations::book,
    "verse" durations::verse,
    "time zone" durations::offset,
    "time" calendar::clock,
    "postcode" places::postcode,
    "phone" phone::phone,
    "engine" identifiers::engine,
    "version" codes::version,
    "emergency" phone::emergency,
    "digits" phone::grouped,
    "zip" phone::zip,
    "size" inches::inches,
    "money" money::money,
    "model" identifiers::model,
    "identifier" identifiers::identifier,
    "gate" places::gate,
    "house number" places::house_number,
    "number sign" codes::hash_number,
    "short form" slash::short,
    "ratio" slash::numbers,
    "slash" slash::parted,
    "initialism" caps::ampersand,
    "initialism" caps::organisation,
    "initialism" slash::capitals,
    "choice" slash::choice,
    "direction" places::direction,
    "state" places::state,
    "address" places::numbered,
    "address" places::saint_or_street,
    "roman" roman::roman,
    "extension" identifiers::extension,
    "abbreviation" words::abbreviation,
    "quantity" quantity::quantity,
    "symbol" symbols::symbol,
];

/// The first rule that fits at `c`, by name.
fn matched(c: &Cursor, kind: Kind, shouted: bool) -> Option<(&'static str, Match)> {
    if matches!(kind, Kind::Space | Kind::Break) {
        return None;
    }
    let known = RULES.iter().find_map(|rule| (rule.read)(c).map(|found| (rule.name, found)));
    known.or_else(|| words::word(c, shouted).map(|found| ("word", found)))
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
    fn say(&mut self, say: &str, rule: &'static str, range: Range<usize>) {
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
                rule,
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
