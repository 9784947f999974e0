//! How a session behaves in a room.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use duologue_pipeline::{Error as PipelineError, Listener};

use crate::engine::{ConnectOptions, RpcCall, RpcFailure};
use crate::link::LinkConfig;

/// Whether packets of the old kind go with the transcripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LegacyTranscription {
    /// While a standard participant has a client protocol below 3.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How frontends are told of the session in data messages, beside LiveKit's own conventions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageStyle {
    /// Not at all; what they send is understood nevertheless.
    Off,
    /// In [envelopes](duologue_agent::message).
    #[default]
    Envelopes,
    /// In the words of STELLA's frontends.
    Stella,
}

/// Who may use LiveKit's debug panel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DebugPanel {
    /// Nobody: right for production.
    #[default]
    Off,
    /// The participant that is talked with.
    Linked,
    /// The participant that is talked with, and these identities. A server lets nobody join under an identity that its token does
    /// not name, so that an identity is a grant.
    Granted(BTreeSet<String>),
}

impl DebugPanel {
    /// Whether `identity` may use it; `linked`: it is talked with.
    pub(super) fn admits(&self, identity: &str, linked: bool) -> bool {
        match self {
            Self::Off => false,
            Self::Linked => linked,
            Self::Granted(identities) => linked || identities.contains(identity),
        }
    }
}

/// Answers the calls of a method.
pub type RpcHandler =
    Arc<dyn Fn(RpcCall) -> Pin<Box<dyn Future<Output = Result<String, RpcFailure>> + Send>> + Send + Sync>;

/// Makes a listener to one voice, whose samples come at this rate in Hz.
pub(super) type Listeners = Arc<dyn Fn(u32) -> Result<Listener, PipelineError> + Send + Sync>;

/// How a session behaves in a room. The defaults are what existing frontends expect.
///
/// ```
/// use duologue_room::session::RoomOptions;
///
/// let options = RoomOptions::default().rpc("ping", |call| async move { Ok(call.payload) });
/// assert!(!options.echo_cancellation);
/// ```
#[derive(Clone)]
pub struct RoomOptions {
    /// Whom to listen to, and when the session is over.
    pub link: LinkConfig,
    /// How long the session waits for somebody to talk with.
    pub participant_limit: Duration,
    /// How long the agent's first words wait for somebody to subscribe to its track.
    pub subscription_limit: Duration,
    /// Cancel the echo of the agent's voice. Clients do so themselves; a telephone line may not.
    pub echo_cancellation: bool,
    /// Show transcripts.
    pub transcription: bool,
    /// In packets of the old kind too.
    pub legacy_transcription: LegacyTranscription,
    /// Take typed text (`lk.chat`) as the user's turn.
    pub chat: bool,
    /// Tell frontends of the session in data messages.
    pub messages: MessageStyle,
    /// Topic of these.
    pub message_topic: String,
    /// Whose requests of LiveKit's debug panel (`lk.agent.session`) are answered: it reads instructions and the whole conversation,
    /// types as the user, and mutes.
    pub debug: DebugPanel,
    /// Leave the room when the session is over; otherwise whoever started it does.
    pub leave: bool,
    pub(super) rpc: BTreeMap<String, RpcHandler>,
    pub(super) listeners: Option<Listeners>,
}

impl Default for RoomOptions {
    fn default() -> Self {
        Self {
            link: LinkConfig::default(),
            participant_limit: Duration::from_secs(120),
            subscription_limit: Duration::from_secs(3),
            echo_cancellation: false,
            transcription: true,
            legacy_transcription: LegacyTranscription::Auto,
            chat: true,
            messages: MessageStyle::Envelopes,
            message_topic: "duologue".into(),
            debug: DebugPanel::Off,
            leave: true,
            rpc: BTreeMap::new(),
            listeners: None,
        }
    }
}

impl RoomOptions {
    /// Answers calls of `method` with `handler`.
    #[must_use]
    pub fn rpc<F>(
        mut self,
        method: impl Into<String>,
        handler: impl Fn(RpcCall) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<String, RpcFailure>> + Send + 'static,
    {
        self.rpc.insert(method.into(), Arc::new(move |call| Box::pin(handler(call))));
        self
    }

    /// Listens to the other people in the room as well, who are not linked: what they say is shown and
    /// remembered under their names ([`SessionEvent::Overheard`](duologue_agent::SessionEvent::Overheard),
    /// [`Agent::on_overheard`](duologue_agent::Agent::on_overheard),
    /// [`ChatContent::Overheard`](duologue_agent::chat::ChatContent::Overheard)), and it is never answered
    /// nor does it interrupt. `listener` is called for each of them, with the rate of their sound in Hz; the
    /// agent's `stt_node` has no part in it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use duologue_pipeline::Listener;
    /// use duologue_room::session::RoomOptions;
    /// # use duologue_models::Stt;
    /// # use duologue_vad::Energy;
    ///
    /// fn options(stt: Arc<dyn Stt>) -> RoomOptions {
    ///     RoomOptions::default().overhear(move |rate| {
    ///         Listener::new(&*stt, Box::new(Energy::new()), rate, &Listener::recording())
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn overhear(
        mut self,
        listener: impl Fn(u32) -> Result<Listener, PipelineError> + Send + Sync + 'static,
    ) -> Self {
        self.listeners = Some(Arc::new(listener));
        self
    }

    /// How to join for such a session: only the sound that it listens to is subscribed to.
    pub fn connect_options() -> ConnectOptions {
        ConnectOptions::default().with_auto_subscribe(false)
    }
}
