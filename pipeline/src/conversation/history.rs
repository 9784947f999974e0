//! What both sides know was said: [`History`].

use std::collections::VecDeque;

use super::TurnId;

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The user.
    User,
    /// The agent.
    Agent,
}

/// One turn as it was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The turn.
    pub turn: TurnId,
    /// Who said it.
    pub role: Role,
    /// What was heard of it; never empty.
    pub text: String,
    /// More was meant to be said.
    pub interrupted: bool,
}

/// The latest turns, oldest first. Holds nothing that was not heard.
#[derive(Clone, Debug)]
pub struct History {
    entries: VecDeque<Entry>,
    limit: usize,
}

impl History {
    pub(super) fn new(limit: usize) -> Self {
        Self { entries: VecDeque::new(), limit: limit.max(1) }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        if entry.text.trim().is_empty() {
            return;
        }
        if self.entries.len() >= self.limit {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The entries, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Nothing was said yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
