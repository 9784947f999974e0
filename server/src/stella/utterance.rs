//! What is heard to the events of STELLA's speech-to-text: a plain machine, without clock and threads.
//!
//! ```text
//! speech_started → partials (whole text so far) → speech_confirmed, once → speech_ended → final, if there are words
//! ```
//!
//! Invariants: every event of an utterance has its id, and no two utterances share one; events of speech carry no text;
//! no text is empty.

use duologue_pipeline::Heard;

use super::proto::stt::TranscriptEvent;

/// Samples, at 16 kHz, of speech that confirm an interruption: 600 ms, more than most backchannels last.
const CONFIRMED: u64 = 9_600;

/// The utterances of one stream.
pub(super) struct Utterances {
    /// What the ids begin with.
    stream: String,
    participant: String,
    /// Silence, in ms, that ends an utterance.
    pause_ms: i32,
    number: u64,
    open: Option<Open>,
}

struct Open {
    started: u64,
    ended: Option<u64>,
    confirmed: bool,
}

/// Samples at 16 kHz in ms.
fn milliseconds(samples: u64) -> i32 {
    i32::try_from(samples / 16).unwrap_or(i32::MAX)
}

impl Utterances {
    pub(super) fn new(stream: String, pause_ms: u32) -> Self {
        let pause_ms = i32::try_from(pause_ms).unwrap_or(i32::MAX);
        Self { stream, participant: String::new(), pause_ms, number: 0, open: None }
    }

    /// Whose sound it is from now on.
    pub(super) fn participant(&mut self, name: &str) {
        if self.participant != name {
            name.clone_into(&mut self.participant);
        }
    }

    /// What `heard` means, after `samples` samples of sound; `decode_ms` is what it took to find out.
    pub(super) fn hear(&mut self, heard: Heard, decode_ms: i32) -> Option<TranscriptEvent> {
        match heard {
            Heard::SpeechStarted { at } => {
                self.number += 1;
                self.open = Some(Open { started: at, ended: None, confirmed: false });
                Some(TranscriptEvent { speech_started: true, ..self.event() })
            }
            Heard::Partial { text, .. } => self.text(text, false),
            Heard::SpeechEnded { at } => {
                self.open.as_mut()?.ended = Some(at);
                Some(TranscriptEvent { speech_ended: true, ..self.event() })
            }
            Heard::Final { text, .. } => {
                let open = self.open.take()?;
                let speech = open.ended.unwrap_or(open.started).saturating_sub(open.started);
                let mut last = self.text(text, true)?;
                last.trailing_silence_ms = Some(self.pause_ms);
                last.decode_ms = Some(decode_ms);
                last.speech_ms = Some(milliseconds(speech));
                Some(last)
            }
            _ => None,
        }
    }

    /// What `samples` samples of sound since the beginning confirm.
    pub(super) fn confirm(&mut self, samples: u64) -> Option<TranscriptEvent> {
        let open = self.open.as_mut().filter(|open| !open.confirmed && open.ended.is_none())?;
        if samples < open.started.saturating_add(CONFIRMED) {
            return None;
        }
        open.confirmed = true;
        Some(TranscriptEvent { speech_confirmed: true, ..self.event() })
    }

    fn text(&self, text: String, is_final: bool) -> Option<TranscriptEvent> {
        if text.is_empty() {
            return None;
        }
        let (language, sure) = if is_final { ("en".to_owned(), 1.0) } else { Default::default() };
        Some(TranscriptEvent {
            text,
            is_final,
            confidence: 1.0,
            detected_language: language,
            language_confidence: sure,
            ..self.event()
        })
    }

    fn event(&self) -> TranscriptEvent {
        TranscriptEvent {
            transcript_id: format!("{}-{}", self.stream, self.number),
            participant_id: self.participant.clone(),
            ..TranscriptEvent::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn last(text: &str) -> Heard {
        Heard::Final { range: 0..1, text: text.to_owned(), words: Vec::new() }
    }

    fn partial(text: &str) -> Heard {
        Heard::Partial { start: 0, text: text.to_owned() }
    }

    #[test]
    fn an_utterance_has_its_events_in_order_and_one_id() {
        let mut utterances = Utterances::new("s".into(), 500);
        utterances.participant("ann");
        let mut events = vec![utterances.hear(Heard::SpeechStarted { at: 1_600 }, 0)];
        events.push(utterances.hear(partial("turn"), 0));
        events.push(utterances.confirm(11_000));
        events.push(utterances.confirm(11_200));
        events.push(utterances.confirm(12_000));
        events.push(utterances.hear(Heard::SpeechEnded { at: 17_600 }, 0));
        events.push(utterances.hear(last("turn left"), 7));
        let events: Vec<_> = events.into_iter().flatten().collect();
        assert!(events.iter().all(|event| event.transcript_id == "s-1" && event.participant_id == "ann"));
        assert!(events[0].speech_started && events[2].speech_confirmed && events[3].speech_ended);
        assert_eq!((events[1].text.as_str(), events[1].is_final), ("turn", false));
        let end = &events[4];
        assert_eq!((end.text.as_str(), end.is_final), ("turn left", true));
        assert_eq!(
            (end.trailing_silence_ms, end.decode_ms, end.speech_ms),
            (Some(500), Some(7), Some(1_000))
        );
        assert_eq!(events.len(), 5);
        assert_eq!(utterances.hear(Heard::SpeechStarted { at: 30_000 }, 0).unwrap().transcript_id, "s-2");
    }

    #[test]
    fn nothing_said_has_no_final() {
        let mut utterances = Utterances::new("s".into(), 500);
        utterances.hear(Heard::SpeechStarted { at: 0 }, 0);
        utterances.hear(Heard::SpeechEnded { at: 800 }, 0);
        assert_eq!(utterances.hear(last(""), 0), None);
    }

    proptest! {
        #[test]
        fn no_event_of_speech_has_text_and_no_text_is_empty(
            steps in prop::collection::vec((0_u8..5, 0_u64..40_000, "[a-c ]{0,3}"), 0..60),
        ) {
            let mut utterances = Utterances::new("s".into(), 500);
            let mut confirmed = std::collections::HashSet::new();
            for (kind, at, text) in steps {
                let event = match kind {
                    0 => utterances.hear(Heard::SpeechStarted { at }, 0),
                    1 => utterances.hear(partial(text.trim()), 0),
                    2 => utterances.confirm(at),
                    3 => utterances.hear(Heard::SpeechEnded { at }, 0),
                    _ => utterances.hear(last(text.trim()), 0),
                };
                let Some(event) = event else { continue };
                let edge = event.speech_started || event.speech_ended || event.speech_confirmed;
                prop_assert_eq!(edge, event.text.is_empty());
                prop_assert!(!event.speech_confirmed || confirmed.insert(event.transcript_id));
            }
        }
    }
}
