//! Where a stalled text may be cut: not within a number, a date, a name or an amount.

use super::ClauseWords;

/// Signs that a number or a name goes on from.
const OPEN_SIGNS: [char; 20] =
    ['$', '€', '£', '¥', '₹', '#', '№', '+', '-', '–', '−', '~', '@', '/', '(', '±', '&', '°', '“', '"'];

impl ClauseWords {
    /// Bytes of `text` that can be said whatever follows. `text` ends after a blank or a mark.
    pub(super) fn safe_end(&self, text: &str) -> usize {
        let mut end = text.len();
        loop {
            let said = text[..end].trim_end();
            let start = said
                .rfind(char::is_whitespace)
                .map_or(0, |at| at + said[at..].chars().next().map_or(1, char::len_utf8));
            let token = &said[start..];
            if token.is_empty() || !self.is_open(token, said[..start].trim_end()) {
                return end;
            }
            end = start;
        }
    }

    /// Whether what follows may belong to `token`, which stands after `before`.
    fn is_open(&self, token: &str, before: &str) -> bool {
        let Some(last) = token.chars().next_back() else { return false };
        let counted = |text: &str| text.ends_with(|c: char| c.is_ascii_digit());
        if OPEN_SIGNS.contains(&last) || last.is_ascii_digit() {
            return !matches!(token, "-" | "–");
        }
        let body = &token[..token.len() - last.len_utf8()];
        let lower = body.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        match last {
            ':' => counted(body),
            // "Nov. 21, 2026": after a day of the month.
            ',' if counted(body) => {
                let month = before.split_whitespace().next_back().unwrap_or_default();
                self.is_part_of_date(month)
            }
            '.' => {
                let initial =
                    body.chars().count() == 1 && body.starts_with(char::is_uppercase) && body != "I";
                let pointed = body.contains('.') && !counted(body);
                initial
                    || pointed
                    || self.titles.contains(&lower.as_str())
                    || self.counted.contains(&lower.as_str())
            }
            c if !c.is_alphanumeric() => false,
            _ => {
                let word = token.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
                let listed = self.open.iter().any(|words| words.split(' ').any(|open| open == word));
                listed
                    || self.titles.contains(&word.as_str()) && token.starts_with(char::is_uppercase)
                    || is_name(token, before)
            }
        }
    }

    fn is_part_of_date(&self, word: &str) -> bool {
        let lower = word.trim_end_matches('.').to_lowercase();
        self.counted.contains(&lower.as_str())
            || self.open.iter().any(|words| words.split(' ').any(|open| open == lower))
    }
}

/// Whether `token` may be a first name: a capital where no sentence begins.
fn is_name(token: &str, before: &str) -> bool {
    let begins = before.is_empty() || before.ends_with(['.', '!', '?', ':', '…', '"', '”']);
    let capital = token.starts_with(char::is_uppercase) && token.chars().any(char::is_lowercase);
    capital && !begins && !token.contains('\'') && !token.contains('’')
}
