//! Parts reasoning written between think tags from the text around it, however the tags are cut.
//!
//! Invariant: for any cutting of the same content, the same reasoning and the same text come out. A
//! tag never does.

const OPEN: [&str; 2] = ["<think>", "<thinking>"];
const CLOSE: [&str; 2] = ["</think>", "</thinking>"];

/// Content, as it comes, in two kinds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Reasoning(String),
}

#[derive(Debug)]
pub(super) struct ThinkFilter {
    thinking: bool,
    /// The end of the content so far that may be the beginning of a tag.
    held: String,
    /// Right after the reasoning: blanks before the first word are not text.
    fresh: bool,
}

impl ThinkFilter {
    pub(super) fn new(begins_thinking: bool) -> Self {
        Self { thinking: begins_thinking, held: String::new(), fresh: begins_thinking }
    }

    pub(super) fn push(&mut self, content: &str) -> Vec<Part> {
        self.held.push_str(content);
        let mut parts = Vec::new();
        loop {
            match self.next_tag() {
                Some((at, length)) => {
                    let rest = self.held.split_off(at + length);
                    self.held.truncate(at);
                    self.give(&mut parts);
                    self.held = rest;
                    self.thinking = !self.thinking;
                    self.fresh = !self.thinking;
                }
                None => {
                    let sure = self.held.len() - self.doubtful();
                    let doubtful = self.held.split_off(sure);
                    self.give(&mut parts);
                    self.held = doubtful;
                    return parts;
                }
            }
        }
    }

    /// What was held back, at the end.
    pub(super) fn finish(&mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        self.give(&mut parts);
        parts
    }

    fn tags(&self) -> [&'static str; 2] {
        if self.thinking { CLOSE } else { OPEN }
    }

    fn next_tag(&self) -> Option<(usize, usize)> {
        let found = self.tags().into_iter().filter_map(|tag| Some((self.held.find(tag)?, tag.len())));
        found.min()
    }

    /// How many bytes at the end may begin a tag.
    fn doubtful(&self) -> usize {
        let begins = |tag: &str| (1..tag.len()).rev().find(|&length| self.held.ends_with(&tag[..length]));
        self.tags().into_iter().filter_map(begins).max().unwrap_or(0)
    }

    fn give(&mut self, parts: &mut Vec<Part>) {
        let mut text = std::mem::take(&mut self.held);
        if self.fresh && !self.thinking {
            text = text.trim_start().to_owned();
        }
        if text.is_empty() {
            return;
        }
        if self.thinking {
            parts.push(Part::Reasoning(text));
        } else {
            self.fresh = false;
            parts.push(Part::Text(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filtered(begins_thinking: bool, pieces: &[&str]) -> (String, String) {
        let mut filter = ThinkFilter::new(begins_thinking);
        let mut parts: Vec<Part> = pieces.iter().flat_map(|piece| filter.push(piece)).collect();
        parts.extend(filter.finish());
        let (mut text, mut reasoning) = (String::new(), String::new());
        for part in parts {
            match part {
                Part::Text(part) => text.push_str(&part),
                Part::Reasoning(part) => reasoning.push_str(&part),
            }
        }
        (text, reasoning)
    }

    #[test]
    fn thoughts_are_not_spoken() {
        let pair = |text: &str, reasoning: &str| (text.to_owned(), reasoning.to_owned());
        assert_eq!(filtered(false, &["<th", "ink>hm", "m</thi", "nk>\n\nHi", " <b"]), pair("Hi <b", "hmm"));
        assert_eq!(filtered(false, &["a < b <think"]), pair("a < b <think", ""));
        assert_eq!(filtered(true, &["hm</think> Hi"]), pair("Hi", "hm"));
        assert_eq!(filtered(false, &["<thinking>x</thinking>y<think>z"]), pair("y", "xz"));
        assert_eq!(filtered(false, &[" Hi"]), pair(" Hi", ""));
    }

    proptest! {
        #[test]
        fn a_cut_does_not_change_what_is_spoken(
            parts in prop::collection::vec(
                prop::sample::select(vec!["<think>", "</think>", "<thinking>", "</thinking>", "<th", ">", " ", "a", "é"]),
                0..12,
            ),
            cuts in prop::collection::vec(1usize..5, 1..8),
            begins in any::<bool>(),
        ) {
            let whole = parts.concat();
            let chars: Vec<char> = whole.chars().collect();
            let (mut pieces, mut at, mut cut) = (Vec::new(), 0, cuts.iter().cycle());
            while at < chars.len() {
                let end = (at + cut.next().unwrap()).min(chars.len());
                pieces.push(chars[at..end].iter().collect::<String>());
                at = end;
            }
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            prop_assert_eq!(filtered(begins, &pieces), filtered(begins, &[&whole]));
        }
    }
}
