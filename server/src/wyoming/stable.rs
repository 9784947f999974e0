//! Text that is sent while it grows, and never taken back: [`Stable`].
//!
//! Recognisers change their mind about the latest words. A word is sent once several partials in a row agree on it and
//! on all before it, and another word follows ("local agreement"). Invariant: what was given, joined, is at any time the beginning
//! of [`Stable::text`], and all of it after a final.
//!
//! ```
//! use duologue_server::wyoming::Stable;
//!
//! let mut text = Stable::new(2);
//! assert_eq!(text.partial("set a"), "");
//! assert_eq!(text.partial("set a time"), "set a");
//! assert_eq!(text.last("set a timer"), " timer");
//! assert_eq!(text.text(), "set a timer");
//! ```

/// What of a growing transcript will not change any more.
#[derive(Clone, Debug)]
pub struct Stable {
    /// Partials that must agree.
    agreeing: usize,
    text: String,
    /// Words of the utterance under way that are in `text`.
    sent: usize,
    /// The latest partial.
    words: Vec<String>,
    /// How many partials in a row each of its words, with all before it, has been in.
    seen: Vec<usize>,
}

impl Stable {
    /// No text yet; a word needs so many partials, at least 1.
    pub fn new(agreeing: usize) -> Self {
        Self { agreeing, text: String::new(), sent: 0, words: Vec::new(), seen: Vec::new() }
    }

    /// What was given so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Hears what the utterance under way seems to be; gives what is certain by now, with the blank before it.
    pub fn partial(&mut self, text: &str) -> String {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let same = words.iter().zip(&self.words).take_while(|(new, old)| new == old).count();
        self.seen.truncate(same);
        self.seen.iter_mut().for_each(|seen| *seen += 1);
        self.seen.resize(words.len(), 1);
        self.words = words;
        // The latest word may still grow.
        let settled = self.words.len().saturating_sub(1);
        let certain = self.seen[..settled].iter().take_while(|&&seen| seen >= self.agreeing).count();
        let from = self.sent.min(certain);
        let more = self.words[from..certain].to_vec();
        self.sent = self.sent.max(certain);
        self.give(&more)
    }

    /// Ends the utterance, whose words are `text`; gives those that were not given yet. Where they contradict what was
    /// given, that stands, and the words after it follow.
    pub fn last(&mut self, text: &str) -> String {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let more = words.get(self.sent..).unwrap_or_default();
        let more = self.give(more);
        (self.sent, self.words, self.seen) = (0, Vec::new(), Vec::new());
        more
    }

    fn give(&mut self, words: &[String]) -> String {
        let mut more = String::new();
        for word in words {
            if !(self.text.is_empty() && more.is_empty()) {
                more.push(' ');
            }
            more.push_str(word);
        }
        self.text.push_str(&more);
        more
    }
}
