//! Frontends: what they are told of a session, and what they tell it, as messages.
//!
//! Invariant: of everything that is shown piece by piece, each message holds the whole so far under
//! the same `transcript_id`; a lost message heals with the next. The last message of what the agent
//! says holds what was heard.
//!
//! ```
//! use duologue_agent::message::{Envelope, Message};
//! use duologue_agent::session::Envelopes;
//! use duologue_eval::{Script, ScriptedLlm};
//! use duologue_agent::{AgentSession, SimpleAgent};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let session = AgentSession::builder(()).llm(ScriptedLlm::new(Script::saying("Noon."))).build()?;
//! let mut events = session.events();
//! session.start_text(SimpleAgent::new("You tell the time.")).await?;
//!
//! // From a frontend:
//! let received = br#"{"type":"user_text","data":{"text":"What time is it?"}}"#;
//! session.receive(Envelope::parse(received).unwrap().message)?;
//!
//! // To frontends:
//! let mut envelopes = Envelopes::new();
//! while let Some(event) = events.next().await {
//!     let Some(envelope) = envelopes.next(&event) else { continue };
//!     println!("{}", envelope.to_json());
//!     if matches!(envelope.message, Message::AgentText(text) if text.is_final) {
//!         break;
//!     }
//! }
//! # Ok::<(), duologue_agent::Error>(())
//! # }).unwrap();
//! ```

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use super::{AgentSession, AgentState, Participant, SessionEvent};
use crate::agent::Agent;
use crate::chat::{ChatContent, ChatItem, Role};
use crate::message::{
    self, AgentText, Control, ControlAction, DataMessage, Envelope, ErrorMessage, Handoff, Message, Status,
    ToolCall, ToolResult, UserText,
};
use crate::{Error, ErrorKind};

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// Does what a frontend asks for: takes typed text as the user's turn, interrupts, mutes, unmutes or
    /// ends; other data goes to [`crate::Agent::on_data_message`]. Returns at once.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a message that only agents send; [`ErrorKind::Closed`] if the session
    /// is not running.
    pub fn receive(&self, message: Message) -> Result<(), Error> {
        self.check_running()?;
        match message {
            Message::UserText(UserText { text, .. }) => self.user_text(&text),
            Message::Control(Control { action, .. }) => match action {
                ControlAction::Interrupt => self.interrupt(),
                ControlAction::Mute => self.set_muted(true),
                ControlAction::Unmute => self.set_muted(false),
                ControlAction::End => {
                    self.end();
                    Ok(())
                }
            },
            Message::Data(data) => {
                self.take_data(data);
                Ok(())
            }
            other => {
                let message = format!(
                    "{} is what agents send; a frontend sends user_text, control or data",
                    other.type_name()
                );
                Err(Error::new(ErrorKind::Invalid, message))
            }
        }
    }

    /// Tells the agent that somebody has joined the room. Returns at once.
    pub fn participant_joined(&self, participant: Participant) {
        self.tell("on_participant_joined", |session, agent| async move {
            agent.on_participant_joined(&session, &participant).await;
            Ok(())
        });
    }

    /// Tells the agent that somebody has left the room. Returns at once.
    pub fn participant_left(&self, participant: Participant) {
        self.tell("on_participant_left", |session, agent| async move {
            agent.on_participant_left(&session, &participant).await;
            Ok(())
        });
    }

    fn end(&self) {
        let session = self.without_turn();
        // Closing waits for everything that is under way, so it must not be under way itself.
        let close = async move { session.close().await };
        self.shared.core.spawn(close);
    }

    fn take_data(&self, data: DataMessage) {
        self.tell(
            "on_data_message",
            |session, agent| async move { agent.on_data_message(&session, &data).await },
        );
    }

    /// Runs a hook of the current agent, if there is one.
    fn tell<F>(&self, name: &'static str, hook: impl FnOnce(Self, Arc<dyn Agent<U>>) -> F)
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let session = self.without_turn();
        let Some(agent) = session.current_agent() else { return };
        let told = hook(session.clone(), agent);
        self.spawn(name, async move {
            // A hook that fails has been told of.
            let _ = session.hook(name, told).await;
        });
    }
}

/// Makes messages for frontends of a session's events.
#[derive(Debug, Default)]
pub struct Envelopes {
    user: Option<String>,
    /// What the others are saying: `transcript_id` by identity.
    others: BTreeMap<String, String>,
    /// What the agent is saying: `transcript_id`, and the words so far.
    agent: Option<(String, String)>,
    agent_id: Option<String>,
}

impl Envelopes {
    /// Before the first event.
    pub fn new() -> Self {
        Self::default()
    }

    /// The message that tells frontends of `event`, if they are to know.
    pub fn next(&mut self, event: &SessionEvent) -> Option<Envelope> {
        Some(match event {
            SessionEvent::UserTranscript { text, is_final } => self.heard(text, *is_final).into(),
            SessionEvent::Overheard { speaker, text, is_final } => {
                self.overheard(speaker, text, *is_final).into()
            }
            SessionEvent::AgentTranscript { text, is_final: false } => self.writes(text).into(),
            SessionEvent::ItemAdded(item) => self.said(item)?.into(),
            SessionEvent::AgentStateChanged(state) => Status::new(state_of(*state)).into(),
            SessionEvent::Status(text) => Status::new(message::StatusState::Processing).text(text).into(),
            SessionEvent::Todo(list) => list.clone().into(),
            SessionEvent::ToolStarted { call_id, name, arguments } => {
                ToolCall { call_id: call_id.clone(), name: name.clone(), arguments: arguments.clone() }.into()
            }
            SessionEvent::ToolFinished { call_id, name, output, is_error, .. } => ToolResult {
                call_id: call_id.clone(),
                name: name.clone(),
                output: output.clone(),
                is_error: *is_error,
            }
            .into(),
            SessionEvent::Handoff { from, to } => {
                self.agent_id = Some(to.clone());
                Handoff { from: from.clone(), to: to.clone() }.into()
            }
            SessionEvent::Error { message, .. } => ErrorMessage::internal(message).into(),
            SessionEvent::Closed => Control::new(ControlAction::End).into(),
            _ => return None,
        })
    }

    fn heard(&mut self, text: &str, is_final: bool) -> message::TranscriptMessage {
        let id = self.user.take().unwrap_or_else(fresh_id);
        self.user = (!is_final).then(|| id.clone());
        message::TranscriptMessage {
            is_final,
            transcript_id: Some(id),
            ..message::TranscriptMessage::new(text)
        }
    }

    fn overheard(&mut self, speaker: &Participant, text: &str, is_final: bool) -> message::TranscriptMessage {
        let id = self.others.remove(&speaker.identity).unwrap_or_else(fresh_id);
        if !is_final {
            self.others.insert(speaker.identity.clone(), id.clone());
        }
        message::TranscriptMessage {
            is_final,
            transcript_id: Some(id),
            speaker_id: Some(speaker.identity.clone()),
            speaker_name: Some(speaker.name.clone()).filter(|name| !name.is_empty()),
            ..message::TranscriptMessage::new(text)
        }
    }

    fn writes(&mut self, piece: &str) -> AgentText {
        let (id, words) = self.agent.get_or_insert_with(|| (fresh_id(), String::new()));
        words.push_str(piece);
        AgentText {
            is_final: false,
            transcript_id: Some(id.clone()),
            agent_id: self.agent_id.clone(),
            ..AgentText::new(words.clone())
        }
    }

    /// What was heard of an answer or a speech ends what was shown of it.
    fn said(&mut self, item: &ChatItem) -> Option<AgentText> {
        let ChatContent::Message { role: Role::Assistant, text, .. } = &item.content else { return None };
        let shown = self.agent.take_if(|(_, words)| words.trim_start().starts_with(text.trim()));
        let id = shown.map_or_else(|| item.id.clone(), |(id, _)| id);
        let agent_id = Some(item.agent.clone());
        Some(AgentText { transcript_id: Some(id), agent_id, ..AgentText::new(text) })
    }
}

fn fresh_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn state_of(state: AgentState) -> message::StatusState {
    match state {
        AgentState::Idle => message::StatusState::Idle,
        AgentState::Listening => message::StatusState::Listening,
        AgentState::Thinking => message::StatusState::Thinking,
        AgentState::Speaking => message::StatusState::Speaking,
        AgentState::Closed => message::StatusState::Ended,
        _ => message::StatusState::Initializing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(envelope: Option<Envelope>) -> AgentText {
        match envelope.map(|envelope| envelope.message) {
            Some(Message::AgentText(text)) => text,
            other => panic!("not what the agent says: {other:?}"),
        }
    }

    fn said(words: &str) -> SessionEvent {
        let content = ChatContent::Message { role: Role::Assistant, text: words.into(), interrupted: false };
        SessionEvent::ItemAdded(ChatItem::new("support", content))
    }

    fn writes(piece: &str) -> SessionEvent {
        SessionEvent::AgentTranscript { text: piece.into(), is_final: false }
    }

    #[test]
    fn a_lost_piece_does_not_leave_a_gap_and_the_end_is_what_was_heard() {
        let mut envelopes = Envelopes::new();
        let first = text(envelopes.next(&writes("It is ")));
        let second = text(envelopes.next(&writes("noon, my friend.")));
        assert_eq!((second.text.as_str(), second.is_final), ("It is noon, my friend.", false));
        let last = text(envelopes.next(&said("It is noon")));
        assert_eq!((last.text.as_str(), last.is_final), ("It is noon", true));
        assert_eq!(
            (&second.transcript_id, &last.transcript_id),
            (&first.transcript_id, &first.transcript_id)
        );
        assert_ne!(text(envelopes.next(&writes("Next."))).transcript_id, first.transcript_id);
    }

    #[test]
    fn words_of_others_are_not_taken_for_the_users() {
        let mut envelopes = Envelopes::new();
        let mut heard = |event| match envelopes.next(&event).map(|envelope| envelope.message) {
            Some(Message::Transcript(transcript)) => transcript,
            other => panic!("no transcript: {other:?}"),
        };
        let bob = Participant { identity: "bob".into(), name: String::new() };
        let user = heard(SessionEvent::UserTranscript { text: "what".into(), is_final: false });
        let first =
            heard(SessionEvent::Overheard { speaker: bob.clone(), text: "turn".into(), is_final: false });
        let last = heard(SessionEvent::Overheard { speaker: bob, text: "turn on".into(), is_final: true });
        assert_eq!((user.speaker_id, last.speaker_id.as_deref()), (None, Some("bob")));
        assert_eq!((&last.transcript_id, last.is_final), (&first.transcript_id, true));
        assert_ne!(first.transcript_id, user.transcript_id);
    }

    #[test]
    fn a_greeting_does_not_end_an_answer_that_is_being_written() {
        let mut envelopes = Envelopes::new();
        let answer = text(envelopes.next(&writes("It is noon.")));
        let greeting = text(envelopes.next(&said("Hello!")));
        assert_ne!(greeting.transcript_id, answer.transcript_id);
        assert_eq!(text(envelopes.next(&said("It is noon."))).transcript_id, answer.transcript_id);
    }
}
