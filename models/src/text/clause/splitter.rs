//! The splitter: a state machine over characters.

use std::collections::VecDeque;
use std::time::Duration;

use super::boundary::{Joint, Rank};
use super::{Boundary, Clause, ClauseConfig, HARD_LIMIT, Haste};

/// Most bytes of a clause, for text that costs nothing (emoji, markup).
const MAX_BYTES: usize = 4096;

/// A clause that is spoken in haste has at least so many phonemes: three short words.
const HASTY_PHONEMES: usize = 10;

/// A place where the pending text may be cut.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Byte of the pending text; a clause would end before it.
    at: usize,
    cost: usize,
    rank: Rank,
    /// How the word after it joins the one before.
    joint: Joint,
    /// Whether the line there is a heading or list item.
    marked: bool,
}

/// Cuts streamed text into clauses. See the [module](super) for its life cycle.
#[derive(Clone, Debug)]
pub struct ClauseSplitter {
    config: ClauseConfig,
    /// What is not in a clause yet, and where it starts in the stream.
    pending: String,
    start: u64,
    /// Clauses cut so far.
    index: usize,
    /// Estimated phonemes of `pending`.
    cost: usize,
    places: Vec<Place>,
    /// Where the last run without blanks starts and, once a blank follows, ends.
    token: usize,
    token_end: Option<usize>,
    token_cost: usize,
    /// Whether the last token starts its line, and whether that line is a heading or list item.
    line_start: bool,
    marked: bool,
    before: char,
    /// A complete clause that waits until more than a fragment follows.
    held: Option<Clause>,
    ready: VecDeque<Clause>,
}

impl ClauseSplitter {
    /// A splitter at the start of a stream. Sizes out of range are moved into it;
    /// [`ClauseConfig::validate`] tells.
    pub fn new(config: ClauseConfig) -> Self {
        Self {
            config,
            pending: String::new(),
            start: 0,
            index: 0,
            cost: 0,
            places: Vec::new(),
            token: 0,
            token_end: None,
            token_cost: 0,
            line_start: true,
            marked: false,
            before: ' ',
            held: None,
            ready: VecDeque::new(),
        }
    }

    /// More text.
    pub fn push(&mut self, text: &str) {
        // What a cut leaves over is fed again: a queue, not recursion.
        let mut again = String::new();
        for c in text.chars() {
            self.feed(c, &mut again);
            while !again.is_empty() {
                for c in std::mem::take(&mut again).chars() {
                    if again.is_empty() {
                        self.feed(c, &mut again);
                    } else {
                        again.push(c);
                    }
                }
            }
        }
    }

    /// The next clause that is complete, if any; more may follow after another `push`.
    pub fn next_clause(&mut self) -> Option<Clause> {
        self.ready.pop_front()
    }

    /// The stream stalls: gives out the whole words so far, up to a place where no number, date, name or
    /// amount is torn. A last word that may still go on stays.
    pub fn flush(&mut self) {
        self.release();
        let said = self.pending.trim_end();
        let ended = said.len() < self.pending.len()
            || said.ends_with(['!', '?', '—', '…'])
            || said.ends_with(['.', ',', ';'])
                && !said.trim_end_matches(['.', ',', ';']).ends_with(|c: char| c.is_ascii_digit());
        let at = if ended { self.pending.len() } else { self.token };
        let at = self.config.words.safe_end(&self.pending[..at]);
        if self.pending[..at].trim().is_empty() {
            return;
        }
        let rest = self.pending.split_off(at);
        self.emit(Boundary::Flush);
        self.release();
        self.push(&rest);
    }

    /// Somebody waits to hear more, and more text comes slowly: gives out the words so far that can
    /// stand alone, up to the best place among them that `haste` allows. Unlike
    /// [`ClauseSplitter::flush`] it gives out nothing that ends on "the" or "of" or within a number or a
    /// time, nor less than a phrase or three words.
    pub fn hasten(&mut self, haste: Haste) {
        if self.held.is_some() {
            // It comes with the next words, which would be too few alone.
            return;
        }
        let parts = |joint| match haste {
            Haste::Phrases => joint == Joint::Opens,
            Haste::Words => matches!(joint, Joint::Opens | Joint::Plain),
        };
        let fits = |place: &&Place| {
            let whole = place.rank >= Rank::Phrase;
            let word = place.rank >= Rank::Word
                && parts(place.joint)
                && self.config.words.stands_alone(&self.pending[..place.at]);
            (whole || word) && place.cost >= self.config.min_phonemes.max(HASTY_PHONEMES)
        };
        let worth =
            |place: &&Place| (place.rank.max(Rank::Conjunction), place.joint == Joint::Opens, place.at);
        let Some(best) = self.places.iter().chain(&self.end()).filter(fits).max_by_key(worth).copied() else {
            return;
        };
        let rest = self.cut(best);
        self.release();
        self.push(&rest);
    }

    /// The end of the pending text as a place, if it is a good one whatever follows.
    fn end(&self) -> Option<Place> {
        let end = self.token_end.unwrap_or(self.pending.len());
        let (token, blank) = (&self.pending[self.token..end], &self.pending[end..]);
        // Before a blank "." and ":" may stand inside an address or a number.
        if blank.is_empty() && !token.ends_with([',', ';', '!', '?', '…', '，', '。', '！', '？']) {
            return None;
        }
        // A comma is part of a number only behind a digit.
        let counts = token.trim_end_matches(',').ends_with(|c: char| c.is_ascii_digit());
        let nexts = if token.ends_with(',') && !counts { &['A', 'a'][..] } else { &['A', 'a', '0'] };
        let ranks = nexts
            .iter()
            .map(|&next| self.config.words.rank(token, blank, next, self.line_start, self.marked));
        let (at, joint) = (self.pending.len(), Joint::Unknown);
        let rank = ranks.min().filter(|rank| *rank >= Rank::Phrase)?;
        Some(Place { at, cost: self.cost, rank, joint, marked: self.marked })
    }

    /// The stream has ended: gives out the rest. The next `push` starts a new stream.
    pub fn finish(&mut self) {
        let fragment = self.cost < self.config.min_phonemes;
        match &mut self.held {
            Some(held)
                if fragment
                    && held.phonemes + self.cost <= HARD_LIMIT
                    && held.text.len() + self.pending.len() <= MAX_BYTES =>
            {
                held.text.push_str(&self.pending);
                held.source.end += self.pending.len() as u64;
                held.phonemes += self.cost;
                held.boundary = Boundary::End;
                held.pause_after = self.config.sentence_pause;
            }
            _ => {
                self.release();
                self.emit(Boundary::End);
            }
        }
        self.release();
        let ready = std::mem::take(&mut self.ready);
        *self = Self { ready, ..Self::new(self.config.clone()) };
    }

    /// One character; what a cut leaves over is put into `again`.
    fn feed(&mut self, c: char, again: &mut String) {
        let blank = c.is_whitespace();
        if blank && self.token_end.is_none() && !self.before.is_whitespace() {
            self.end_token();
        } else if !blank && self.before.is_whitespace() {
            self.start_token(c);
        } else if !blank && matches!(self.before, '—' | '。' | '！' | '？' | '、' | '，') {
            let rank =
                if matches!(self.before, '—' | '、' | '，') { Rank::Phrase } else { Rank::Sentence };
            self.note(self.pending.len(), rank);
        }
        if let Some(at) = self.due(c) {
            again.push_str(&self.cut(at));
            again.push(c);
            return;
        }
        self.cost += cost(self.before, c);
        self.pending.push(c);
        self.before = c;
        if self.held.is_some() && self.cost >= self.config.min_phonemes {
            self.release();
        }
    }

    /// A blank follows a word: the place before the word may turn out better than it looked.
    fn end_token(&mut self) {
        self.token_end = Some(self.pending.len());
        let words = self.config.words;
        let word = &self.pending[self.token..];
        if let Some(place) = self.places.last_mut().filter(|p| p.at == self.token) {
            place.joint = words.joint(word);
            if place.rank == Rank::Word
                && words.is_conjunction(word)
                && !words.leans(&self.pending[..place.at])
            {
                place.rank = Rank::Conjunction;
            }
        }
    }

    /// A word starts with `c`: the place before it is a boundary of some rank.
    fn start_token(&mut self, c: char) {
        let at = self.pending.len();
        if let Some(end) = self.token_end.take() {
            let (token, blank) = (&self.pending[self.token..end], &self.pending[end..]);
            let rank = self.config.words.rank(token, blank, c, self.line_start, self.marked);
            self.line_start = blank.contains('\n');
            if self.line_start {
                self.marked = is_mark(c);
            }
            self.note(at, rank);
        } else {
            self.marked = self.marked || self.line_start && is_mark(c);
        }
        self.token = at;
        self.token_cost = self.cost;
    }

    fn note(&mut self, at: usize, rank: Rank) {
        self.places.push(Place { at, cost: self.cost, rank, joint: Joint::Unknown, marked: self.marked });
    }

    /// Whether the pending text is to be cut before `c` is added, and where.
    fn due(&self, c: char) -> Option<Place> {
        let aim = self.config.aim(self.index);
        let min = self.config.min_phonemes;
        if let Some(place) = self.places.last().filter(|p| p.at == self.pending.len()) {
            let first = self.index == 0;
            let enough = match place.rank {
                Rank::Paragraph => min,
                Rank::Sentence if first => min,
                Rank::Sentence | Rank::Phrase if first => aim / 3,
                Rank::Sentence => aim / 3,
                Rank::Phrase => aim * 2 / 3,
                _ => usize::MAX,
            };
            if place.cost >= enough.max(min) {
                return Some(*place);
            }
        }
        let cost = self.cost + cost(self.before, c);
        if cost > aim {
            let good = |p: &&Place| p.rank >= Rank::Conjunction && p.cost >= (aim / 3).max(min);
            if let Some(best) = self.places.iter().filter(good).max_by_key(|p| (p.rank, p.at)) {
                return Some(*best);
            }
        }
        if cost > aim + aim / 4 {
            let possible = self.places.iter().filter(|p| p.cost >= min);
            if let Some(best) = possible.max_by_key(|p| (p.rank, p.at)) {
                return Some(*best);
            }
        }
        let full = cost > HARD_LIMIT || self.pending.len() + c.len_utf8() > MAX_BYTES;
        let (at, cost, rank) = (self.pending.len(), self.cost, Rank::Glued);
        let place = Place { at, cost, rank, joint: Joint::Unknown, marked: self.marked };
        (full && !self.pending.is_empty()).then_some(place)
    }

    /// Makes a clause of the pending text before `place`; gives back what came after.
    fn cut(&mut self, place: Place) -> String {
        let rest = self.pending.split_off(place.at);
        let blank = self.pending.ends_with(char::is_whitespace);
        let boundary = match place.rank {
            Rank::Sentence | Rank::Paragraph => Boundary::Sentence,
            Rank::Phrase => Boundary::Phrase,
            _ if blank => Boundary::Word,
            _ => Boundary::Forced,
        };
        self.cost = place.cost;
        let line_start = self.pending.ends_with('\n');
        self.emit(boundary);
        self.marked = place.marked;
        self.line_start = line_start;
        if let Some(clause) = self.held.as_mut().filter(|_| place.rank == Rank::Paragraph) {
            clause.pause_after = self.config.paragraph_pause;
        }
        if self.index == 1 {
            self.release();
        }
        rest
    }

    /// Makes a clause of all that is pending and holds it.
    fn emit(&mut self, boundary: Boundary) {
        let text = std::mem::take(&mut self.pending);
        if !text.is_empty() {
            self.release();
            let source = self.start..self.start + text.len() as u64;
            self.start = source.end;
            let pause_after = self.pause(boundary, &text);
            let (phonemes, first) = (self.cost, self.index == 0);
            self.held = Some(Clause { text, source, boundary, pause_after, phonemes, first });
            self.index += 1;
        }
        self.cost = 0;
        self.places.clear();
        (self.token, self.token_end, self.token_cost) = (0, None, 0);
        self.before = ' ';
        self.line_start = false;
    }

    fn release(&mut self) {
        self.ready.extend(self.held.take());
    }

    fn pause(&self, boundary: Boundary, text: &str) -> Duration {
        let stopped = |marks: &[char]| text.trim_end().ends_with(marks);
        match boundary {
            Boundary::Sentence | Boundary::End => self.config.sentence_pause,
            Boundary::Phrase => self.config.phrase_pause,
            Boundary::Flush if stopped(&['.', '!', '?', '…']) => self.config.sentence_pause,
            Boundary::Flush if stopped(&[',', ';', ':', '—']) => self.config.phrase_pause,
            _ => Duration::ZERO,
        }
    }
}

/// Whether a line that starts with `c` is a heading, list item or table row.
fn is_mark(c: char) -> bool {
    matches!(c, '-' | '*' | '+' | '#' | '>' | '|' | '•') || c.is_ascii_digit()
}

/// Estimated phonemes that `c` adds after `before`. A letter is about one symbol, as are blanks
/// and stress marks together with the letters that are silent; digits and signs are words.
fn cost(before: char, c: char) -> usize {
    match c {
        c if c.is_whitespace() => usize::from(!before.is_whitespace()),
        '0'..='9' if before.is_ascii_digit() => 9,
        '0'..='9' => 5,
        c if c.is_uppercase() && before.is_uppercase() => 4,
        c if c.is_alphabetic() => 1,
        ',' | '.' | ';' | ':' | '!' | '?' | '—' | '…' => 1,
        '%' | '$' | '€' | '£' | '¥' | '°' | '½' | '¼' | '¾' => 9,
        '&' | '+' | '=' | '@' | '/' | '<' | '>' | '≤' | '≥' | '×' | '÷' | '±' | '²' | '³' => 6,
        _ => 0,
    }
}
