//! Second step: words, numbers, symbols and blanks, and a cursor that the rules look through.

use super::clean::BREAK;

/// What an [`Atom`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters, with apostrophes inside.
    Word,
    /// Digits 0–9.
    Number,
    /// Any other visible character.
    Symbol(char),
    /// Blanks.
    Space,
    /// The end of a paragraph, heading or list item.
    Break,
}

/// One piece of clean text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Atom {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Cuts clean text into atoms that cover it.
pub(super) fn atoms(text: &str) -> Vec<Atom> {
    let mut atoms: Vec<Atom> = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let kind = match c {
            BREAK => Kind::Break,
            ' ' => Kind::Space,
            '0'..='9' => Kind::Number,
            c if c.is_alphabetic() => Kind::Word,
            c => Kind::Symbol(c),
        };
        let mut end = start + c.len_utf8();
        while let Some(&(at, c)) = chars.peek() {
            let apostrophe = c == '\'' && text[at + 1..].starts_with(char::is_alphabetic);
            let goes_on = match kind {
                Kind::Word => c.is_alphabetic() || apostrophe,
                Kind::Number => c.is_ascii_digit(),
                _ => false,
            };
            if !goes_on {
                break;
            }
            chars.next();
            end = at + c.len_utf8();
        }
        atoms.push(Atom { kind, start, end });
    }
    atoms
}

/// A place among the atoms; `k` counts from it, and may be negative.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) atoms: &'a [Atom],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn atom(&self, k: isize) -> Option<Atom> {
        self.atoms.get(self.at.checked_add_signed(k)?).copied()
    }

    pub(super) fn kind(&self, k: isize) -> Option<Kind> {
        self.atom(k).map(|atom| atom.kind)
    }

    /// How many atoms cover exactly the next `length` bytes.
    pub(super) fn atoms_within(&self, length: usize) -> Option<isize> {
        let end = self.atom(0)?.start + length;
        let rest = self.atoms.get(self.at..)?;
        let count = rest.iter().take_while(|atom| atom.end <= end).count();
        (rest.get(count.checked_sub(1)?)?.end == end).then_some(count as isize)
    }

    fn str_of(&self, atom: Atom) -> &'a str {
        &self.text[atom.start..atom.end]
    }

    /// The word at `k`.
    pub(super) fn word(&self, k: isize) -> Option<&'a str> {
        self.atom(k).filter(|a| a.kind == Kind::Word).map(|a| self.str_of(a))
    }

    /// The digits at `k`.
    pub(super) fn number(&self, k: isize) -> Option<&'a str> {
        self.atom(k).filter(|a| a.kind == Kind::Number).map(|a| self.str_of(a))
    }

    pub(super) fn symbol(&self, k: isize) -> Option<char> {
        match self.kind(k)? {
            Kind::Symbol(c) => Some(c),
            _ => None,
        }
    }

    pub(super) fn is(&self, k: isize, symbol: char) -> bool {
        self.symbol(k) == Some(symbol)
    }

    pub(super) fn is_space(&self, k: isize) -> bool {
        self.kind(k) == Some(Kind::Space)
    }

    /// `k`, or the atom after it if `k` is a space.
    pub(super) fn skip_space(&self, k: isize) -> isize {
        if self.is_space(k) { k + 1 } else { k }
    }

    /// Whether no word, number or joining symbol touches the left side.
    pub(super) fn starts(&self) -> bool {
        match self.kind(-1) {
            None | Some(Kind::Space | Kind::Break) => true,
            Some(Kind::Symbol(c)) => {
                matches!(c, '(' | '"' | '“' | '\'' | '—' | '–' | '=' | '~' | '|' | '>' | '<' | ':' | ',')
            }
            Some(_) => false,
        }
    }

    /// Whether the text, or the paragraph, ends before `k`.
    pub(super) fn ends(&self, k: isize) -> bool {
        matches!(self.kind(self.skip_space(k)), None | Some(Kind::Break))
    }

    /// The word before, across one blank.
    pub(super) fn word_before(&self) -> Option<&'a str> {
        if self.is_space(-1) { self.word(-2) } else { self.word(-1) }
    }

    /// The word after `k` atoms, across one blank.
    pub(super) fn word_after(&self, k: isize) -> Option<&'a str> {
        self.word(self.skip_space(k))
    }

    /// Whether a sentence ends before `k`, where an abbreviation's point has just been passed:
    /// a capital follows that is not a date's or an acronym's ("2 p.m. EST").
    pub(super) fn sentence_ends(&self, k: isize) -> bool {
        let dated = |word: &str| super::calendar::month(word).is_some() || word.ends_with("day");
        let acronym = |word: &str| word.len() > 1 && word.chars().all(char::is_uppercase);
        self.ends(k)
            || self.capital_after(k) && !self.word_after(k).is_some_and(|word| dated(word) || acronym(word))
    }

    /// Whether a word with a capital follows `k` atoms, across one blank.
    pub(super) fn capital_after(&self, k: isize) -> bool {
        self.word_after(k).is_some_and(is_capital)
    }
}

/// Whether `word` starts with a capital.
pub(super) fn is_capital(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}
