//! The [`Agent`] trait: instructions, and defaults for everything else.
//!
//! An agent says who it is and what it can do; the [`AgentSession`] runs it. One agent is current at
//! a time; a [`Handoff`] makes another one current.
//!
//! Life cycle: `on_enter` → turns → `on_exit`; `on_connect` and `on_disconnect` follow the endpoint.

use std::sync::Arc;

use async_trait::async_trait;
use duologue_models::Stt;
use duologue_pipeline::conversation::Policy;
use futures_util::stream::BoxStream;

use crate::Error;
use crate::llm::Llm;
use crate::message::DataMessage;
use crate::session::{AgentSession, Participant, Recogniser, TranscriptEvent};
use crate::tool::{Tool, Toolset};

/// Text as it is written.
pub type TextStream = BoxStream<'static, String>;
/// Sound as it comes: blocks of mono samples (±1.0) at 16 kHz, of any length.
pub type AudioStream = BoxStream<'static, Vec<f32>>;
/// What the user says, as it is recognised.
pub type TranscriptStream = BoxStream<'static, TranscriptEvent>;

/// Who answers the user. `U` is the session's userdata.
///
/// Only [`Agent::instructions`] is required. Hooks run on the session's runtime, in order; a hook
/// that fails is reported as an event and the conversation goes on.
#[async_trait]
pub trait Agent<U: Send + Sync + 'static = ()>: Send + Sync + 'static {
    /// What the model is told about its role.
    fn instructions(&self) -> String;

    /// Stable name, used in history and hand-offs: by default the type's name.
    fn id(&self) -> String {
        let name = std::any::type_name::<Self>();
        let name = name.split('<').next().unwrap_or(name);
        name.rsplit("::").next().unwrap_or(name).to_owned()
    }

    /// What the model may call.
    fn tools(&self) -> Toolset<U> {
        Toolset::new()
    }

    /// What differs from the session's settings while this agent is current.
    fn overrides(&self) -> Overrides {
        Overrides::default()
    }

    /// It has become current: greet, ask, or wait.
    async fn on_enter(&self, _session: &AgentSession<U>) -> Result<(), Error> {
        Ok(())
    }

    /// Another agent takes over, or the session closes.
    async fn on_exit(&self, _session: &AgentSession<U>) -> Result<(), Error> {
        Ok(())
    }

    /// The endpoint is connected and sound flows.
    async fn on_connect(&self, _session: &AgentSession<U>) -> Result<(), Error> {
        Ok(())
    }

    /// The endpoint is gone.
    async fn on_disconnect(&self, _session: &AgentSession<U>) -> Result<(), Error> {
        Ok(())
    }

    /// The user has finished a turn; `text` may be rewritten before the model sees it. Called once for
    /// each turn, when it is certain. What the model says to a turn that is not certain yet waits for
    /// this hook, unless the agent leaves it as it is.
    async fn on_user_turn(
        &self,
        session: &AgentSession<U>,
        _text: &mut String,
    ) -> Result<TurnDecision, Error> {
        session.note_plain_turn();
        Ok(TurnDecision::Generate)
    }

    /// Words of the user, as they are recognised.
    async fn on_transcript(&self, _session: &AgentSession<U>, _text: &str, _is_final: bool) {}

    /// Words of somebody else in the room, as they are recognised, where the endpoint listens to them as
    /// well. They are no turn: nobody answers unless this hook does.
    async fn on_overheard(
        &self,
        _session: &AgentSession<U>,
        _speaker: &Participant,
        _text: &str,
        _is_final: bool,
    ) {
    }

    /// A frontend has sent a message that the session does not handle itself.
    async fn on_data_message(&self, _session: &AgentSession<U>, _message: &DataMessage) -> Result<(), Error> {
        Ok(())
    }

    /// Somebody joined the room.
    async fn on_participant_joined(&self, _session: &AgentSession<U>, _participant: &Participant) {}

    /// Somebody left the room.
    async fn on_participant_left(&self, _session: &AgentSession<U>, _participant: &Participant) {}

    /// Turns the sound of one utterance, the moment before it began included, into what was said; what
    /// it yields is what the whole session knows of the utterance. It may transform the sound on its
    /// way to `recogniser`, the transcripts on their way out, or do without the recogniser. Final
    /// transcripts are joined; a partial one stands for what follows them.
    ///
    /// The stream is polled on the recogniser's thread, each time sound has come: it must wait for
    /// nothing else. Typed text does not pass through here.
    ///
    /// ```
    /// use duologue_agent::agent::{AudioStream, TranscriptStream};
    /// use duologue_agent::session::Recogniser;
    /// use futures_util::StreamExt;
    ///
    /// /// As an agent for soft speakers would write it.
    /// fn stt_node(audio: AudioStream, recogniser: Recogniser) -> TranscriptStream {
    ///     let louder = audio.map(|block| block.iter().map(|sample| sample * 2.0).collect());
    ///     let heard = recogniser.recognise(louder.boxed());
    ///     heard.map(|mut said| {
    ///         said.text = said.text.replace("north light", "Northlight");
    ///         said
    ///     }).boxed()
    /// }
    /// ```
    fn stt_node(&self, audio: AudioStream, recogniser: Recogniser) -> TranscriptStream {
        recogniser.recognise(audio)
    }

    /// Transforms the model's text, one answer a stream, before anybody sees it. It may run for turns
    /// that are taken back.
    fn llm_node(&self, text: TextStream) -> TextStream {
        text
    }

    /// Transforms text on its way to the voice; history holds what this yields, as far as it was
    /// heard.
    fn tts_node(&self, text: TextStream) -> TextStream {
        text
    }

    /// Transforms text on its way to transcripts that frontends show.
    fn transcription_node(&self, text: TextStream) -> TextStream {
        text
    }
}

/// What becomes of a user turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TurnDecision {
    /// The model answers.
    #[default]
    Generate,
    /// This text is the answer; the model is not asked.
    Answer(String),
    /// Nobody answers; the turn stays in the history.
    Decline,
}

/// What differs from the session's settings while an agent is current; `None` keeps them.
#[derive(Clone, Default)]
pub struct Overrides {
    /// Name of the voice.
    pub voice: Option<String>,
    /// Tempo, `0.5..=2.0`.
    pub speed: Option<f32>,
    /// The recogniser, from the next utterance on.
    pub stt: Option<Arc<dyn Stt>>,
    /// The language model.
    pub llm: Option<Arc<dyn Llm>>,
    /// The barge-in policy.
    pub policy: Option<Policy>,
}

/// How much of the conversation the next agent knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carry {
    /// All of it.
    #[default]
    All,
    /// The latest this many items.
    Last(usize),
    /// None of it.
    Fresh,
}

/// Another agent takes over. Returned by a tool or given to [`AgentSession::update_agent`].
pub struct Handoff<U: Send + Sync + 'static> {
    /// Who takes over.
    pub agent: Arc<dyn Agent<U>>,
    /// What the model that handed over is told as the tool's result.
    pub message: Option<String>,
    /// What the next agent knows.
    pub carry: Carry,
}

impl<U: Send + Sync + 'static> Handoff<U> {
    /// To `agent`, which knows the whole conversation.
    pub fn to(agent: impl Agent<U>) -> Self {
        Self { agent: Arc::new(agent), message: None, carry: Carry::All }
    }

    /// With a message for the history, for example "transferring to billing".
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// With this much of the conversation.
    #[must_use]
    pub fn carry(mut self, carry: Carry) -> Self {
        self.carry = carry;
        self
    }
}

/// An agent made of data, without a type of one's own.
pub struct SimpleAgent<U: Send + Sync + 'static = ()> {
    id: String,
    instructions: String,
    greeting: Option<String>,
    tools: Toolset<U>,
    overrides: Overrides,
}

impl<U: Send + Sync + 'static> SimpleAgent<U> {
    /// An agent that follows `instructions`.
    pub fn new(instructions: impl Into<String>) -> Self {
        Self {
            id: "agent".into(),
            instructions: instructions.into(),
            greeting: None,
            tools: Toolset::new(),
            overrides: Overrides::default(),
        }
    }

    /// Its name in history and hand-offs.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// What it says when it becomes current.
    #[must_use]
    pub fn greeting(mut self, greeting: impl Into<String>) -> Self {
        self.greeting = Some(greeting.into());
        self
    }

    /// One more thing the model may call.
    #[must_use]
    pub fn tool(mut self, tool: impl Tool<U>) -> Self {
        self.tools.add(tool);
        self
    }

    /// What differs from the session's settings.
    #[must_use]
    pub fn overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }
}

#[async_trait]
impl<U: Send + Sync + 'static> Agent<U> for SimpleAgent<U> {
    fn instructions(&self) -> String {
        self.instructions.clone()
    }

    fn id(&self) -> String {
        self.id.clone()
    }

    fn tools(&self) -> Toolset<U> {
        self.tools.clone()
    }

    fn overrides(&self) -> Overrides {
        self.overrides.clone()
    }

    async fn on_enter(&self, session: &AgentSession<U>) -> Result<(), Error> {
        if let Some(greeting) = &self.greeting {
            session.say(greeting)?;
        }
        Ok(())
    }
}
