//! What models write and nobody should hear, filtered out of a stream of text.
//!
//! Reasoning in any dialect (`<think>`, `[THINK]`, `<|channel|>analysis`, `◁think▷`), control tokens, tags
//! with attributes, code blocks and the addresses of links do not come out; tool calls that are written
//! into the text (JSON, fenced JSON, `<tool_call>`, Mistral's, Harmony's) come out as calls.
//!
//! Invariant: for any cutting of the same text the same text, reasoning and calls come out. At most
//! [`MAX_HELD`] bytes are held back.
//!
//! ```
//! use duologue_models::text::{Piece, WrittenFilter};
//!
//! let mut filter = WrittenFilter::new();
//! let mut pieces = filter.push("<thi");
//! pieces.extend(filter.push("nk>Angry.</think>I can help. {\"name\": \"hang_up\", \"arguments\": {}}"));
//! pieces.extend(filter.finish());
//! assert!(pieces.contains(&Piece::Text("I can help. ".to_owned())));
//! assert!(pieces.contains(&Piece::ToolCall { name: "hang_up".to_owned(), arguments: "{}".to_owned() }));
//! ```

mod calls;
mod marks;
#[cfg(test)]
mod tests;

use marks::{Found, construct};

/// Most bytes that are held back until it is known what they are; more are text.
pub const MAX_HELD: usize = 64 * 1024;

/// A piece of what a model writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// To be spoken.
    Text(String),
    /// Thinking aloud: never spoken.
    Reasoning(String),
    /// A complete tool call.
    ToolCall {
        /// The tool.
        name: String,
        /// JSON text: an object.
        arguments: String,
    },
}

/// Parts what is to be spoken from what is not, as it streams.
#[derive(Debug, Default)]
pub struct WrittenFilter {
    /// Text that is not decided yet.
    held: String,
    /// Inside reasoning: what may end it, in lower case, and whether that is taken too.
    reasoning: Option<Vec<(String, bool)>>,
    /// Some text has come out; before that, blanks are none.
    started: bool,
}

impl WrittenFilter {
    /// A filter at the start of an answer.
    pub fn new() -> Self {
        Self::default()
    }

    /// More text; what is decided by now comes out.
    pub fn push(&mut self, text: &str) -> Vec<Piece> {
        self.held.push_str(text);
        self.advance(false)
    }

    /// What follows is no text: what was held back comes out, and the answer goes on.
    pub fn flush(&mut self) -> Vec<Piece> {
        let pieces = self.advance(true);
        *self = Self { started: self.started, ..Self::new() };
        pieces
    }

    /// The answer has ended: what was held back comes out, and the filter is as new.
    pub fn finish(&mut self) -> Vec<Piece> {
        let pieces = self.advance(true);
        *self = Self::new();
        pieces
    }

    fn advance(&mut self, ended: bool) -> Vec<Piece> {
        let mut pieces = Vec::new();
        loop {
            let goes_on = match self.reasoning.take() {
                Some(closers) => self.think(closers, ended, &mut pieces),
                None => self.read(ended, &mut pieces),
            };
            if !goes_on {
                return pieces;
            }
        }
    }

    /// Inside reasoning, up to its end.
    fn think(&mut self, closers: Vec<(String, bool)>, ended: bool, pieces: &mut Vec<Piece>) -> bool {
        let lower = self.held.to_ascii_lowercase();
        let found = closers
            .iter()
            .filter_map(|(closer, taken)| Some((lower.find(closer.as_str())?, closer.len(), *taken)))
            .min();
        if let Some((at, length, taken)) = found {
            give(pieces, Piece::Reasoning(self.held[..at].to_owned()));
            self.held.drain(..if taken { at + length } else { at });
            return true;
        }
        let longest = closers.iter().map(|(closer, _)| closer.len()).max().unwrap_or(0);
        let sure = if ended {
            self.held.len()
        } else {
            self.held.floor_char_boundary(self.held.len().saturating_sub(longest))
        };
        give(pieces, Piece::Reasoning(self.held.drain(..sure).collect()));
        self.reasoning = Some(closers);
        false
    }

    /// In text, up to the next mark; false when more is needed.
    fn read(&mut self, ended: bool, pieces: &mut Vec<Piece>) -> bool {
        let Some(at) = self.held.find(marks::STARTS) else {
            self.text_out(self.held.len(), pieces);
            return false;
        };
        self.text_out(at, pieces);
        let over = ended || self.held.len() > MAX_HELD;
        match construct(&self.held, over) {
            Found::More => return false,
            Found::Text(length) => self.text_out(length.min(self.held.len()), pieces),
            Found::Silent(length) => drop(self.held.drain(..length)),
            Found::Said(length, text) => {
                self.held.drain(..length);
                self.give_text(text, pieces);
            }
            Found::Reasoning(length, closers) => {
                self.held.drain(..length);
                self.reasoning = Some(closers);
            }
            Found::Calls(length, calls) => {
                self.held.drain(..length);
                pieces.extend(calls);
            }
        }
        !self.held.is_empty() || self.reasoning.is_some()
    }

    fn text_out(&mut self, length: usize, pieces: &mut Vec<Piece>) {
        let text: String = self.held.drain(..length).collect();
        self.give_text(text, pieces);
    }

    fn give_text(&mut self, text: String, pieces: &mut Vec<Piece>) {
        let text = if self.started { text } else { text.trim_start().to_owned() };
        self.started |= !text.is_empty();
        give(pieces, Piece::Text(text));
    }
}

/// Adds `piece`, unless it is empty; text joins the text before.
fn give(pieces: &mut Vec<Piece>, piece: Piece) {
    match (pieces.last_mut(), piece) {
        (_, Piece::Text(text) | Piece::Reasoning(text)) if text.is_empty() => {}
        (Some(Piece::Text(before)), Piece::Text(text))
        | (Some(Piece::Reasoning(before)), Piece::Reasoning(text)) => before.push_str(&text),
        (_, piece) => pieces.push(piece),
    }
}

/// What of a whole `text` is to be spoken.
///
/// ```
/// use duologue_models::text::to_be_spoken;
///
/// assert_eq!(to_be_spoken("<think>hm</think>See [the docs](https://a.b)."), "See the docs.");
/// ```
pub fn to_be_spoken(text: &str) -> String {
    let mut filter = WrittenFilter::new();
    let mut pieces = filter.push(text);
    pieces.extend(filter.finish());
    let said = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Text(text) => Some(text),
        Piece::Reasoning(_) | Piece::ToolCall { .. } => None,
    });
    said.collect()
}
