//! Words that are spelled alike and sound apart, told apart by the words around them.
//!
//! The table is `data/homographs.txt`; its head tells the format. A condition looks at a few
//! words on either side, inside one clause: cheap, and right often enough to matter.

use std::collections::HashMap;

use crate::text::SpokenWord;

const TABLE: &str = include_str!("../../../../data/homographs.txt");

const BEFORE_VERB: &[&str] = &[
    "to",
    "will",
    "would",
    "can",
    "could",
    "should",
    "may",
    "might",
    "must",
    "shall",
    "i",
    "you",
    "we",
    "they",
    "don't",
    "doesn't",
    "didn't",
    "can't",
    "won't",
    "couldn't",
    "shouldn't",
    "wouldn't",
    "cannot",
    "let's",
    "please",
    "i'll",
    "you'll",
    "we'll",
    "they'll",
    "he'll",
    "she'll",
    "it'll",
    "i'd",
    "you'd",
    "we'd",
    "they'd",
    "who",
    "always",
    "never",
    "just",
    "then",
    "also",
    "now",
];
const BEFORE_NOUN: &[&str] = &[
    "the", "a", "an", "my", "your", "his", "her", "its", "our", "their", "this", "that", "these", "those",
    "of", "no", "any", "some", "every", "each", "another", "in", "for", "with", "on", "at", "from", "by",
    "as", "new", "old", "good", "first", "last", "best", "is", "was", "are", "what", "which", "whose",
    "more", "much", "many",
];
const DETERMINERS: &[&str] = &[
    "the", "a", "an", "my", "your", "his", "her", "its", "our", "their", "this", "that", "these", "those",
    "it", "them", "me", "us", "all", "every", "some",
];
const BE: &[&str] = &[
    "is",
    "are",
    "am",
    "was",
    "were",
    "be",
    "been",
    "being",
    "i'm",
    "you're",
    "we're",
    "they're",
    "he's",
    "she's",
    "it's",
    "that's",
    "seem",
    "seems",
    "feel",
    "feels",
    "perfectly",
    "very",
    "not",
    "now",
    "quite",
];
const BEFORE_PAST: &[&str] = &[
    "have", "has", "had", "was", "were", "been", "be", "is", "are", "he", "she", "it", "i've", "you've",
    "we've", "they've", "already", "having", "being", "well", "wasn't", "haven't", "hasn't",
];
const PAST_TIMES: &[&str] = &["yesterday", "ago", "last", "once", "earlier", "previously"];

#[derive(Clone, Debug)]
enum Condition {
    Verb,
    Noun,
    Past,
    Be,
    Next(Vec<&'static str>),
    Prev(Vec<&'static str>),
    Upper,
}

#[derive(Clone, Debug)]
struct Homograph {
    usual: &'static str,
    others: Vec<(&'static str, Condition)>,
}

/// The table of homographs.
#[derive(Clone, Debug)]
pub(crate) struct Homographs {
    words: HashMap<&'static str, Homograph>,
}

impl Homographs {
    /// The shipped table.
    pub(crate) fn shipped() -> Self {
        Self::parse(TABLE).expect("invariant: the shipped table is valid")
    }

    fn parse(table: &'static str) -> Option<Self> {
        let mut words: HashMap<&str, Homograph> = HashMap::new();
        let mut word = None;
        for line in table.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let mut fields = line.split_whitespace();
            if line.starts_with(' ') {
                let other = (fields.next()?, condition(&mut fields)?);
                words.get_mut(word?)?.others.push(other);
            } else {
                let name = fields.next()?;
                words.insert(name, Homograph { usual: fields.next()?, others: Vec::new() });
                word = Some(name);
            }
        }
        Some(Self { words })
    }

    /// How the word at `index` sounds among `clause`, if it is a homograph; `lower` holds the
    /// clause's words in lower case.
    pub(crate) fn get(&self, clause: &[SpokenWord], lower: &[String], index: usize) -> Option<&'static str> {
        let homograph = self.words.get(lower[index].as_str())?;
        let holds = |condition: &Condition| holds(condition, clause, lower, index);
        let other = homograph.others.iter().find(|(_, condition)| holds(condition));
        Some(other.map_or(homograph.usual, |(sound, _)| sound))
    }
}

fn condition(fields: &mut dyn Iterator<Item = &'static str>) -> Option<Condition> {
    Some(match fields.next()? {
        "verb" => Condition::Verb,
        "noun" => Condition::Noun,
        "past" => Condition::Past,
        "be" => Condition::Be,
        "upper" => Condition::Upper,
        "next" => Condition::Next(fields.collect()),
        "prev" => Condition::Prev(fields.collect()),
        _ => return None,
    })
}

fn holds(condition: &Condition, clause: &[SpokenWord], lower: &[String], index: usize) -> bool {
    // A word across punctuation says nothing about this one.
    let previous =
        index.checked_sub(1).filter(|&i| clause[i].after.is_empty()).map_or("", |i| lower[i].as_str());
    let next =
        if clause[index].after.is_empty() { lower.get(index + 1).map_or("", String::as_str) } else { "" };
    match condition {
        Condition::Verb => {
            BEFORE_VERB.contains(&previous) || (previous.is_empty() && DETERMINERS.contains(&next))
        }
        Condition::Noun => BEFORE_NOUN.contains(&previous) || previous.ends_with("'s"),
        Condition::Past => is_past(lower, index, previous),
        Condition::Be => BE.contains(&previous),
        Condition::Next(words) => words.contains(&next),
        Condition::Prev(words) => words.contains(&previous),
        Condition::Upper => {
            index > 0 && !previous.is_empty() && clause[index].spoken.starts_with(char::is_uppercase)
        }
    }
}

fn is_past(lower: &[String], index: usize, previous: &str) -> bool {
    let commanded =
        matches!(previous, "to" | "will" | "can" | "please" | "could" | "didn't" | "don't" | "should");
    if commanded {
        return false;
    }
    // "Was it read" asks, "did he read" does not.
    let window = &lower[index.saturating_sub(3)..index];
    let asked =
        window.iter().any(|w| matches!(w.as_str(), "did" | "does" | "do" | "can" | "will" | "could" | "to"));
    let around = &lower[index..lower.len().min(index + 8)];
    !asked
        && (BEFORE_PAST.contains(&previous)
            || window
                .iter()
                .any(|w| matches!(w.as_str(), "have" | "has" | "had" | "i've" | "you've" | "yesterday"))
            || around.iter().any(|w| PAST_TIMES.contains(&w.as_str())))
}
