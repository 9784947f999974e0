//! What frontends are shown of the speech, segment by segment: no clock, no room.
//!
//! A segment is one utterance of the user, or one answer or speech of the agent. Of the agent only what
//! was heard is shown, piece by piece; of the user each update holds the whole utterance so far.
//!
//! Invariant: every segment that was begun is ended, by [`AgentSegments::finished`] or
//! [`AgentSegments::abandon`]; the pieces of a segment, put together, are what was heard.
//!
//! ```
//! use duologue_room::transcript::{AgentSegments, Piece};
//!
//! let mut segments = AgentSegments::new();
//! let begun = segments.heard("It is");
//! let [Piece::Begin { segment }, Piece::Text { text, .. }] = &begun[..] else { panic!() };
//! assert_eq!(text, "It is");
//! let ended = segments.finished("It is noon.");
//! assert_eq!(ended[0], Piece::Text { segment: segment.clone(), text: " noon.".into() });
//! assert_eq!(ended[1], Piece::End { segment: segment.clone(), text: "It is noon.".into() });
//! ```

/// A step of showing what the agent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A segment begins.
    Begin {
        /// Its id.
        segment: String,
    },
    /// More of it was heard.
    Text {
        /// Its id.
        segment: String,
        /// What comes after the pieces before.
        text: String,
    },
    /// It is over.
    End {
        /// Its id.
        segment: String,
        /// All that was heard.
        text: String,
    },
}

/// Cuts what is heard of the agent into segments.
#[derive(Debug, Default)]
pub struct AgentSegments {
    /// Id and text of the segment that is under way.
    current: Option<(String, String)>,
}

impl AgentSegments {
    /// Before the first word.
    pub fn new() -> Self {
        Self::default()
    }

    /// The user has heard `whole` of what is being said.
    pub fn heard(&mut self, whole: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        // A speech whose end was lost, and another.
        if self.current.as_ref().is_some_and(|(_, shown)| !whole.starts_with(shown.as_str())) {
            pieces.extend(self.abandon());
        }
        if whole.is_empty() {
            return pieces;
        }
        if self.current.is_none() {
            let segment = fresh_segment();
            pieces.push(Piece::Begin { segment: segment.clone() });
            self.current = Some((segment, String::new()));
        }
        if let Some((segment, shown)) = &mut self.current
            && shown.len() < whole.len()
        {
            let text = whole[shown.len()..].to_owned();
            shown.push_str(&text);
            pieces.push(Piece::Text { segment: segment.clone(), text });
        }
        pieces
    }

    /// What was being said is over, and `whole` of it was heard.
    pub fn finished(&mut self, whole: &str) -> Vec<Piece> {
        let mut pieces = self.heard(whole);
        pieces.extend(self.abandon());
        pieces
    }

    /// Ends the segment under way with what was shown of it.
    pub fn abandon(&mut self) -> Option<Piece> {
        let (segment, text) = self.current.take()?;
        Some(Piece::End { segment, text })
    }
}

/// One update of what the user says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserUpdate {
    /// The same for all updates of an utterance.
    pub segment: String,
    /// The whole utterance so far.
    pub text: String,
    /// Whether it will not change.
    pub is_final: bool,
}

/// Cuts what is recognised into segments.
#[derive(Debug, Default)]
pub struct UserSegments {
    current: Option<String>,
    shown: String,
}

impl UserSegments {
    /// Before the first word.
    pub fn new() -> Self {
        Self::default()
    }

    /// The utterance is `text` so far; nothing if that is known already.
    pub fn recognised(&mut self, text: &str, is_final: bool) -> Option<UserUpdate> {
        if !is_final && self.current.is_some() && self.shown == text {
            return None;
        }
        let segment = self.current.take().unwrap_or_else(fresh_segment);
        text.clone_into(&mut self.shown);
        if !is_final {
            self.current = Some(segment.clone());
        }
        Some(UserUpdate { segment, text: text.to_owned(), is_final })
    }
}

/// An id as existing frontends know it: `SG_` and 12 hexadecimal digits.
fn fresh_segment() -> String {
    let id = uuid::Uuid::now_v7().simple().to_string();
    // The last digits are the random ones.
    format!("SG_{}", &id[id.len() - 12..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[Piece]) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Text { text, .. } => text.clone(),
            _ => String::new(),
        };
        pieces.iter().map(text).collect()
    }

    #[test]
    fn what_was_not_heard_is_not_shown() {
        let mut segments = AgentSegments::new();
        let mut pieces = segments.heard("");
        assert!(pieces.is_empty(), "nothing was heard yet: {pieces:?}");
        for whole in ["Once", "Once upon", "Once upon", "Once upon a time"] {
            pieces.extend(segments.heard(whole));
        }
        // Interrupted: no more was heard.
        pieces.extend(segments.finished("Once upon a time"));
        assert_eq!(shown(&pieces), "Once upon a time");
        let ends =
            pieces.iter().filter(|p| matches!(p, Piece::End { text, .. } if text == "Once upon a time"));
        assert_eq!(ends.count(), 1);
        assert!(segments.abandon().is_none());
    }

    #[test]
    fn two_speeches_do_not_share_a_segment() {
        let mut segments = AgentSegments::new();
        let first = segments.finished("Hello!");
        let second = segments.finished("Hello!");
        assert_eq!((first.len(), second.len()), (3, 3));
        let id = |pieces: &[Piece]| match &pieces[0] {
            Piece::Begin { segment } => segment.clone(),
            other => panic!("not a beginning: {other:?}"),
        };
        assert_ne!(id(&first), id(&second));
        assert!(id(&first).starts_with("SG_") && id(&first).len() == 15);
    }

    #[test]
    fn a_speech_of_which_nothing_was_heard_leaves_no_segment() {
        assert!(AgentSegments::new().finished("").is_empty());
    }

    #[test]
    fn a_lost_end_does_not_leave_a_segment_open() {
        let mut segments = AgentSegments::new();
        segments.heard("It is noon.");
        let next = segments.heard("Good");
        assert!(matches!(&next[0], Piece::End { text, .. } if text == "It is noon."), "{next:?}");
        assert_eq!(shown(&next), "Good");
    }

    #[test]
    fn text_is_not_cut_within_a_character() {
        let mut segments = AgentSegments::new();
        let pieces: Vec<_> = ["żółw", "żółw idzie…"].iter().flat_map(|text| segments.heard(text)).collect();
        assert_eq!(shown(&pieces), "żółw idzie…");
    }

    #[test]
    fn updates_of_an_utterance_share_a_segment_and_the_next_does_not() {
        let mut user = UserSegments::new();
        let first = user.recognised("what", false).unwrap();
        assert!(user.recognised("what", false).is_none(), "nothing new");
        let last = user.recognised("what time", true).unwrap();
        assert_eq!(
            (first.segment, last.text.as_str(), last.is_final),
            (last.segment.clone(), "what time", true)
        );
        assert_ne!(user.recognised("is it", true).unwrap().segment, last.segment);
    }
}
