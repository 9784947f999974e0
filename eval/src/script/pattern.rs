//! Patterns over what was said, without regular expressions.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Words that a pattern has captured, by the name of their slot.
pub(crate) type Captures = BTreeMap<String, String>;

/// What a text must be like. Case never matters.
///
/// In TOML a plain text means [`Pattern::Words`] if it holds `*` or `{name}`, and
/// [`Pattern::Contains`] otherwise; `{ exact = "…" }` and the like say it outright.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub enum Pattern {
    /// It holds this text.
    Contains(String),
    /// It is this text, but for blanks around it.
    Exact(String),
    /// Its words are these: `*` stands for any number of words, `{name}` for one or more, as few as
    /// fit, which are captured. Punctuation around words is ignored.
    Words(String),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, or one of { contains = … }, { exact = … }, { words = … }")]
enum Written {
    Text(String),
    Table(Table),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Table {
    Contains(String),
    Exact(String),
    Words(String),
}

impl From<Written> for Pattern {
    fn from(written: Written) -> Self {
        match written {
            Written::Text(text) => text.as_str().into(),
            Written::Table(Table::Contains(text)) => Self::Contains(text),
            Written::Table(Table::Exact(text)) => Self::Exact(text),
            Written::Table(Table::Words(text)) => Self::Words(text),
        }
    }
}

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        let wild = text.contains('*') || text.contains('{');
        if wild { Self::Words(text.to_owned()) } else { Self::Contains(text.to_owned()) }
    }
}

impl Pattern {
    /// What it captures of `text`, or `None` if it does not fit.
    pub(crate) fn captures(&self, text: &str) -> Option<Captures> {
        let lower = text.to_lowercase();
        match self {
            Self::Contains(part) => lower.contains(&part.to_lowercase()).then(Captures::new),
            Self::Exact(whole) => (lower.trim() == whole.to_lowercase().trim()).then(Captures::new),
            Self::Words(pattern) => capture_words(&parts(pattern), text),
        }
    }
}

enum Part {
    Word(String),
    Any,
    Slot(String),
}

fn parts(pattern: &str) -> Vec<Part> {
    let spaced = pattern.replace('*', " * ").replace('{', " {").replace('}', "} ");
    spaced
        .split_whitespace()
        .filter_map(|word| match word {
            "*" => Some(Part::Any),
            _ => match word.strip_prefix('{').and_then(|slot| slot.strip_suffix('}')) {
                Some(slot) => Some(Part::Slot(slot.to_owned())),
                None => Some(bare(word).to_lowercase()).filter(|word| !word.is_empty()).map(Part::Word),
            },
        })
        .collect()
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

fn capture_words(parts: &[Part], text: &str) -> Option<Captures> {
    let words: Vec<&str> = text.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    let mut search = Search {
        parts,
        words: &words,
        dead: vec![false; parts.len() * (words.len() + 1)],
        found: Captures::new(),
    };
    search.fits(0, 0).then_some(search.found)
}

struct Search<'a> {
    parts: &'a [Part],
    words: &'a [&'a str],
    /// Pairs of part and word from which nothing fits: keeps the search polynomial.
    dead: Vec<bool>,
    found: Captures,
}

impl Search<'_> {
    fn fits(&mut self, part: usize, word: usize) -> bool {
        let (parts, end) = (self.parts, self.words.len());
        let Some(first) = parts.get(part) else { return word == end };
        let state = part * (end + 1) + word;
        if self.dead[state] {
            return false;
        }
        let fits = match first {
            Part::Word(want) => {
                word < end && self.words[word].to_lowercase() == *want && self.fits(part + 1, word + 1)
            }
            Part::Any => (word..=end).any(|next| self.fits(part + 1, next)),
            Part::Slot(name) => (word + 1..=end).any(|next| {
                let fits = self.fits(part + 1, next);
                if fits {
                    self.found.insert(name.clone(), self.words[word..next].join(" "));
                }
                fits
            }),
        };
        self.dead[state] = !fits;
        fits
    }
}

/// `template` with `{name}` replaced by what was captured; unknown names stay.
pub(crate) fn fill(template: &str, captures: &Captures) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        filled.push_str(&rest[..open]);
        rest = &rest[open..];
        let known = rest.find('}').and_then(|close| Some((close, captures.get(&rest[1..close])?)));
        match known {
            Some((close, value)) => {
                filled.push_str(value);
                rest = &rest[close + 1..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled + rest
}

/// `value` with every text in it filled; a text that is `{#name}` becomes the number captured.
pub(crate) fn fill_value(value: &Value, captures: &Captures) -> Value {
    match value {
        Value::String(text) => fill_text(text, captures),
        Value::Array(items) => items.iter().map(|item| fill_value(item, captures)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, field)| (key.clone(), fill_value(field, captures))).collect()
        }
        other => other.clone(),
    }
}

fn fill_text(text: &str, captures: &Captures) -> Value {
    let number = text.strip_prefix("{#").and_then(|rest| captures.get(rest.strip_suffix('}')?));
    match number {
        Some(words) => {
            words.parse::<serde_json::Number>().map_or_else(|_| Value::String(words.clone()), Value::Number)
        }
        None => Value::String(fill(text, captures)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn captured(pattern: &str, text: &str) -> Option<Vec<(String, String)>> {
        Pattern::from(pattern).captures(text).map(|found| found.into_iter().collect())
    }

    #[test]
    fn punctuation_and_case_do_not_hide_a_word() {
        let city = Some(vec![("city".to_owned(), "New York".to_owned())]);
        assert_eq!(captured("* weather in {city}", "What's the WEATHER, in New York?"), city);
        assert_eq!(captured("*weather*", "How is the weather today"), Some(vec![]));
        assert_eq!(captured("weather *", "the weather"), None);
        assert_eq!(captured("weather", "bad Weathers"), Some(vec![]));
    }

    #[test]
    fn many_wildcards_do_not_take_forever() {
        let text = "a ".repeat(400);
        assert_eq!(captured(&format!("{}b", "* a ".repeat(20)), &text), None);
    }

    #[test]
    fn a_filled_template_does_not_lose_braces() {
        let captures = Captures::from([("n".to_owned(), "4".to_owned()), ("s".to_owned(), "x".to_owned())]);
        assert_eq!(fill("a {n} {unknown} {", &captures), "a 4 {unknown} {");
        assert_eq!(
            fill_value(&json!({ "n": ["{#n}", "{n}"], "s": "{#s}", "t": true }), &captures),
            json!({ "n": [4, "4"], "s": "x", "t": true })
        );
    }
}
