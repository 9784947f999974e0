//! What the agent says of its own accord: ordered here, queued and spoken by the pipeline, and over when
//! the pipeline says so.
//!
//! Invariant: every speech ends. The pipeline has the only queue of them; [`SpeechQueue`] knows who
//! waits for which, and ends that come before it does.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use duologue_pipeline::conversation::{AgentTurn, Event, Fault, Origin};
use duologue_pipeline::{Clip, Handle, Stamped, TurnId};

use super::core::{Output, SessionCore, lock};
use super::history::{TurnKey, TurnOver};
use super::speech::SpeechState;
use super::turn::OpenedSink;
use super::{SessionEvent, SpeechHandle, SpeechOutcome};
use crate::{Error, ErrorKind};

/// Ends of speeches that are not known yet: the pipeline was faster than who ordered them.
const MAX_EARLY: usize = 64;

/// Who waits for which of the pipeline's speeches.
#[derive(Default)]
pub(crate) struct SpeechQueue(Mutex<Speeches>);

#[derive(Default)]
struct Speeches {
    open: BTreeMap<u64, Arc<SpeechState>>,
    early: VecDeque<(u64, String, SpeechOutcome)>,
}

impl SpeechQueue {
    /// The pipeline says `speech` under `key`.
    fn add(&self, key: u64, speech: &Arc<SpeechState>) {
        let mut speeches = lock(&self.0);
        let early = speeches.early.iter().position(|(known, ..)| *known == key);
        match early.and_then(|index| speeches.early.remove(index)) {
            Some((_, heard, outcome)) => speech.end(&heard, outcome),
            None => drop(speeches.open.insert(key, Arc::clone(speech))),
        }
    }

    fn over(&self, key: u64, heard: &str, outcome: SpeechOutcome) {
        let mut speeches = lock(&self.0);
        match speeches.open.remove(&key) {
            Some(speech) => speech.end(heard, outcome),
            None => {
                speeches.early.push_back((key, heard.to_owned(), outcome));
                if speeches.early.len() > MAX_EARLY {
                    speeches.early.pop_front();
                }
            }
        }
    }

    /// Nothing is said any more.
    pub(crate) fn close(&self) {
        for speech in std::mem::take(&mut *lock(&self.0)).open.into_values() {
            speech.end("", SpeechOutcome::Dropped);
        }
    }
}

/// What a speech of the agent's own accord says.
struct Order {
    text: String,
    /// What sounds, if it is not the agent's voice.
    clip: Option<Clip>,
    at_once: bool,
}

impl SessionCore {
    /// Speaks `text` after what is being said, or at once.
    pub(crate) fn say(&self, agent: &str, text: &str, at_once: bool) -> Result<SpeechHandle, Error> {
        let speech = SpeechState::new();
        self.order(agent, Order { text: text.to_owned(), clip: None, at_once }, &speech)?;
        Ok(speech.handle())
    }

    /// Speaks `text` after what is being said, for those who wait for `speech`.
    pub(crate) fn say_after(&self, agent: &str, text: &str, speech: &Arc<SpeechState>) -> Result<(), Error> {
        self.order(agent, Order { text: text.to_owned(), clip: None, at_once: false }, speech)
    }

    /// Plays `clip`, which says `text`, after what is being said.
    pub(crate) fn publish(&self, agent: &str, clip: Clip, text: &str) -> Result<SpeechHandle, Error> {
        let speech = SpeechState::new();
        let order = Order { text: text.to_owned(), clip: Some(clip), at_once: false };
        self.order(agent, order, &speech)?;
        Ok(speech.handle())
    }

    fn order(&self, agent: &str, order: Order, speech: &Arc<SpeechState>) -> Result<(), Error> {
        let output = self.output()?;
        if self.is_silenced() {
            return Err(Error::new(ErrorKind::Closed, "the session ends; nothing more is said"));
        }
        self.note_order();
        match output {
            Output::Audio(handle) => self.order_sound(agent, handle, order, speech)?,
            Output::Text => self.say_as_text(agent, &order.text, speech),
        }
        Ok(())
    }

    fn order_sound(
        &self,
        agent: &str,
        handle: &Handle,
        Order { text, clip, at_once }: Order,
        speech: &Arc<SpeechState>,
    ) -> Result<(), Error> {
        let said = match (clip, at_once) {
            (None, false) => handle.say(text.as_str()),
            (None, true) => handle.say_now(text.as_str()),
            (Some(clip), false) => handle.play(clip, text.as_str()),
            (Some(clip), true) => handle.play_now(clip, text.as_str()),
        }?;
        let key = said.key();
        speech.is_said_by(said);
        self.record(|history| history.speech(TurnKey::Say(key), agent, &text, Arc::clone(speech)));
        self.speeches.add(key, speech);
        Ok(())
    }

    fn say_as_text(&self, agent: &str, text: &str, speech: &Arc<SpeechState>) {
        self.record(|history| {
            let key = history.next_text();
            history.speech(key, agent, text, Arc::clone(speech));
            history.ended(key, TurnOver { heard: text.len(), outcome: SpeechOutcome::Finished })
        });
        self.tell_speech_over(text.to_owned(), SpeechOutcome::Finished);
    }

    /// A speech of `agent` that is written as it is said, after what is being said; or, without audio, a
    /// text.
    pub(crate) fn open_sink(&self, agent: &str) -> Result<OpenedSink, Error> {
        let output = self.output()?;
        if self.is_silenced() {
            return Err(Error::new(ErrorKind::Closed, "the session ends; nothing more is said"));
        }
        let Output::Audio(handle) = output else {
            let mut key = TurnKey::Text(0);
            self.record(|history| {
                key = history.next_text();
                history.begin(key, agent, None, true)
            });
            return Ok(OpenedSink::text(key));
        };
        let stream = handle.say_stream()?;
        let (said, speech) = (stream.speech().clone(), SpeechState::new());
        let key = said.key();
        speech.is_said_by(said);
        self.record(|history| history.begin(TurnKey::Say(key), agent, None, true));
        self.speeches.add(key, &speech);
        Ok(OpenedSink::speech(stream, speech))
    }

    /// Silences the agent, and forgets what was to be said.
    pub(crate) fn interrupt(&self) -> Result<(), Error> {
        match self.output()? {
            Output::Audio(handle) => Ok(handle.cancel_tts()?),
            Output::Text => {
                self.stop_turns();
                Ok(())
            }
        }
    }

    /// From here on nothing more is begun to be said, and what is being said is cut off.
    pub(crate) fn silence(&self) {
        self.silenced.store(true, Ordering::Release);
        // A session that has not started says nothing.
        let _ = self.interrupt();
    }

    /// Ends the pipeline's conversation, and waits until it has told what was heard.
    pub(crate) async fn end_conversation(&self) {
        if self.audio().is_some_and(|handle| handle.close().is_ok()) {
            self.closed().await;
        }
    }

    /// Learns what happened in the pipeline. Runs on its conversation thread: it must not wait.
    pub(crate) fn observe(&self, stamped: &Stamped) {
        match &stamped.event {
            Event::StateChanged(state) => self.set_state(*state),
            Event::PartialTranscript { text, .. } => self.transcript(text, false),
            Event::FinalTranscript { text, .. } => self.transcript(text, true),
            Event::Heard { heard, .. } => {
                self.events.publish(SessionEvent::AgentHeard { text: heard.clone() });
            }
            Event::AgentTurn(turn) => self.turn_over(turn),
            Event::SayDropped { key } => self.dropped(*key),
            Event::Fault(fault) => {
                if let Fault::SayRefused { key } = fault {
                    self.dropped(*key);
                }
                // A turn without words is no fault here: tools and hand-offs end silently.
                if !matches!(fault, Fault::AgentSilent { .. }) {
                    self.events.publish(SessionEvent::Fault(fault.clone()));
                }
            }
            Event::Metrics(metrics) => {
                self.events.publish(SessionEvent::SpeechStarted);
                self.events.publish(SessionEvent::Metrics(*metrics));
            }
            _ => {}
        }
    }

    fn turn_over(&self, turn: &AgentTurn) {
        let outcome = turn.end.into();
        let TurnId(number) = turn.turn;
        let over = TurnOver { heard: turn.heard.len(), outcome };
        match turn.origin {
            Origin::Reply => self.record(|history| history.ended(TurnKey::Reply(number), over)),
            Origin::Say { key } => {
                self.record(|history| history.ended(TurnKey::Say(key), over));
                self.speeches.over(key, &turn.heard, outcome);
            }
        }
        if !turn.text.is_empty() || turn.played > 0 {
            self.tell_speech_over(turn.heard.clone(), outcome);
        }
    }

    fn dropped(&self, key: u64) {
        self.record(|history| history.ended(TurnKey::Say(key), TurnOver::NEVER));
        self.speeches.over(key, "", SpeechOutcome::Dropped);
    }
}
