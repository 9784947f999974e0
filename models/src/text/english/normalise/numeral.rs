//! A number as it is written in digits: grouping commas and a decimal point.

use super::atoms::{Cursor, Kind};
use super::numbers::{cardinal, decimal, each_digit};

/// A number as written: "1,234.5".
pub(super) struct Numeral {
    /// Atoms it takes.
    pub(super) atoms: isize,
    pub(super) whole: String,
    pub(super) fraction: String,
    pub(super) grouped: bool,
}

impl Numeral {
    /// Reads the number at `k`.
    pub(super) fn at(c: &Cursor, k: isize) -> Option<Self> {
        if c.is(k, '.') {
            // ".5", but not the full stop of a sentence.
            let digits =
                c.number(k + 1).filter(|_| !matches!(c.kind(k - 1), Some(Kind::Word | Kind::Number)))?;
            return Some(Self {
                atoms: 2,
                whole: String::new(),
                fraction: digits.to_owned(),
                grouped: false,
            });
        }
        let mut whole = c.number(k)?.to_owned();
        let mut atoms = 1;
        if whole.len() <= 3 && !whole.starts_with('0') {
            while c.is(k + atoms, ',')
                && let Some(group) = c.number(k + atoms + 1).filter(|group| group.len() == 3)
            {
                whole.push_str(group);
                atoms += 2;
            }
        }
        let grouped = atoms > 1;
        let mut fraction = String::new();
        if c.is(k + atoms, '.')
            && let Some(digits) = c.number(k + atoms + 1)
        {
            fraction.push_str(digits);
            atoms += 2;
        }
        Some(Self { atoms, whole, fraction, grouped })
    }

    pub(super) fn is_one(&self) -> bool {
        self.whole == "1" && self.fraction.is_empty()
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        if self.fraction.is_empty() {
            return if self.whole.len() > 1 && self.whole.starts_with('0') {
                each_digit(&self.whole)
            } else {
                cardinal(&self.whole)
            };
        }
        if self.whole.is_empty() {
            return format!("point {}", each_digit(&self.fraction));
        }
        decimal(&self.whole, &self.fraction)
    }
}
