//! Between a room and a session: the loop that takes in what happens in both.
//!
//! Invariant: the loop never waits for the network; what has to be sent is queued or spawned, and what is
//! spawned has a deadline.

mod listening;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use duologue_agent::message::Message;
use duologue_agent::message::{Envelope, UserText};
use duologue_agent::session::{AgentState, Envelopes, Participant as Somebody};
use duologue_agent::{AgentSession, SessionEvent, SessionEvents};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::incoming::{self, Incoming};
use super::options::{LegacyTranscription, MessageStyle, RoomOptions};
use super::others::{Others, Overheard};
use super::state::StateAttribute;
use super::{Command, RoomOver, debug, leave_room};
use crate::endpoint::EndpointControl;
use crate::engine::{
    ByteStream, DisconnectReason, LocalAudio, Participant, ParticipantKind, Room, RoomEvent, RoomEvents,
    RpcCall, RpcFailure, StreamOptions, TextStream,
};
use crate::link::{Link, LinkInput, Person};
use crate::preconnect::{self, Recordings};
use crate::publisher::{Speaker, Transcripts};
use crate::transcript::{AgentSegments, UserSegments};
use crate::{Error, ErrorKind};

/// Text streams of typed words are about this.
const CHAT_TOPIC: &str = "lk.chat";
/// Client protocol from which on a participant reads text streams.
const STREAMS_PROTOCOL: i32 = 3;
/// Messages to frontends that may wait.
const OUTBOX: usize = 512;
/// How long the rest of them may take when the session ends.
const LAST: Duration = Duration::from_secs(2);

/// A message on its way to the room.
struct Outgoing {
    payload: Vec<u8>,
    /// To this participant only.
    to: Option<String>,
}

pub(super) struct Host<U: Send + Sync + 'static> {
    room: Arc<dyn Room>,
    events: RoomEvents,
    session: AgentSession<U>,
    control: EndpointControl,
    state: StateAttribute,
    options: RoomOptions,
    link: Link,
    /// Everybody else, by identity.
    present: BTreeMap<String, Participant>,
    /// What is listened to.
    speaker: Option<Speaker>,
    /// Counts what is to be listened to: an answer of the engine to an earlier wish is ignored.
    wishes: Arc<AtomicU64>,
    recordings: Recordings,
    started: Instant,
    reconnecting: bool,
    /// Until when the first words wait for a subscriber.
    unheard: Option<Instant>,
    transcripts: Option<Transcripts>,
    agent: AgentSegments,
    user: UserSegments,
    /// Who is overheard, and what they say; none unless the options want it.
    others: Option<(Others, mpsc::Receiver<Overheard>)>,
    /// By the track's sid.
    others_segments: BTreeMap<String, UserSegments>,
    envelopes: Envelopes,
    outbox: mpsc::Sender<Outgoing>,
    sending: tokio::task::JoinHandle<()>,
    agent_state: AgentState,
    /// Who has the debug panel open.
    watchers: Vec<String>,
    over: Option<RoomOver>,
}

impl<U: Send + Sync + 'static> Host<U> {
    pub fn new(
        room: Arc<dyn Room>,
        events: RoomEvents,
        session: AgentSession<U>,
        track: Arc<dyn LocalAudio>,
        control: EndpointControl,
        state: StateAttribute,
        options: RoomOptions,
    ) -> Result<Self, Error> {
        control.hold(true);
        let (outbox, queue) = mpsc::channel(OUTBOX);
        let sending = tokio::spawn(send_messages(Arc::clone(&room), options.message_topic.clone(), queue));
        let transcripts =
            options.transcription.then(|| Transcripts::start(Arc::clone(&room), Arc::clone(&track)));
        let mut host = Self {
            link: Link::new(options.link.clone()),
            present: BTreeMap::new(),
            speaker: None,
            wishes: Arc::default(),
            recordings: Recordings::default(),
            started: Instant::now(),
            reconnecting: false,
            unheard: Some(Instant::now() + options.subscription_limit),
            transcripts,
            agent: AgentSegments::new(),
            user: UserSegments::new(),
            others: None,
            others_segments: BTreeMap::new(),
            envelopes: Envelopes::new(),
            outbox,
            sending,
            agent_state: AgentState::Initializing,
            watchers: Vec::new(),
            over: None,
            room,
            events,
            session,
            control,
            state,
            options,
        };
        if let Some(listeners) = host.options.listeners.clone() {
            host.others = Some(Others::start(Arc::clone(&host.room), listeners)?);
        }
        for participant in host.room.participants() {
            host.joined(participant);
        }
        Ok(host)
    }

    /// Accepts calls of the methods that the options name.
    pub async fn register(&self) -> Result<(), Error> {
        for method in self.options.rpc.keys() {
            self.room.register_rpc(method).await?;
        }
        Ok(())
    }

    /// Waits until there is somebody to talk with.
    pub async fn until_linked(&mut self) -> Result<(), Error> {
        while self.link.linked().is_none() {
            match self.events.next().await {
                Some(event) => self.on_room(event),
                None => self.on_room(RoomEvent::Disconnected(DisconnectReason::Unknown)),
            }
            if let Some(over) = &self.over {
                let what = format!("the room was over before anybody came: {over:?}");
                return Err(Error::new(ErrorKind::Closed, what));
            }
        }
        self.unheard = self.unheard.map(|_| Instant::now() + self.options.subscription_limit);
        Ok(())
    }

    pub async fn run(
        mut self,
        mut told: SessionEvents,
        mut commands: mpsc::Receiver<Command>,
        done: watch::Sender<Option<RoomOver>>,
    ) {
        self.set_state(self.session.state());
        loop {
            let unheard = self.unheard;
            tokio::select! {
                event = told.next() => match event {
                    Some(event) => self.on_session(&event),
                    None => break,
                },
                event = self.events.next(), if !self.is_room_over() => {
                    self.on_room(event.unwrap_or(RoomEvent::Disconnected(DisconnectReason::Unknown)));
                }
                Some(command) = commands.recv() => {
                    let Command::Choose(identity) = command;
                    self.link(LinkInput::Choose(identity));
                    // Nobody subscribed to the chosen one's voice before.
                    self.take_stock();
                }
                Some(overheard) = next_of(&mut self.others) => self.overheard(overheard),
                () = sleep_until(unheard.unwrap_or_else(Instant::now)), if unheard.is_some() => {
                    tracing::warn!("nobody subscribed to the agent's track in time; it speaks nevertheless");
                    self.heard_from_now_on();
                }
            }
        }
        let over = self.over.clone().unwrap_or(RoomOver::SessionClosed);
        self.finish().await;
        // Nobody need wait.
        let _ = done.send(Some(over));
    }

    async fn finish(mut self) {
        if let (Some(transcripts), Some(piece)) = (&self.transcripts, self.agent.abandon()) {
            transcripts.show_agent(piece);
        }
        let over = self.is_room_over();
        if let Some(transcripts) = self.transcripts.take().filter(|_| !over) {
            transcripts.finish().await;
        }
        drop(self.outbox);
        if over || timeout(LAST, &mut self.sending).await.is_err() {
            self.sending.abort();
        }
        if self.options.leave && !over {
            leave_room(&*self.room).await;
        }
    }

    fn is_room_over(&self) -> bool {
        matches!(self.over, Some(RoomOver::RoomClosed(_)))
    }

    // What happens in the room.

    fn on_room(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::Reconnecting => self.set_reconnecting(true),
            RoomEvent::Reconnected => {
                self.set_reconnecting(false);
                self.state.again();
                // What was asked for while the connection was made anew is forgotten: subscriptions.
                self.take_stock();
            }
            RoomEvent::Disconnected(reason) => self.room_over(reason),
            RoomEvent::ParticipantJoined(participant) => {
                self.session.participant_joined(somebody(&participant));
                self.joined(participant);
            }
            RoomEvent::ParticipantLeft { participant, reason } => self.left(&participant, reason),
            RoomEvent::TrackPublished { participant, track } => self.published(&participant, &track),
            RoomEvent::TrackSubscribed { participant, track } => self.subscribed(participant, &track),
            RoomEvent::TrackUnpublished { sid, .. } | RoomEvent::TrackUnsubscribed { sid, .. } => {
                self.link(LinkInput::TrackGone { sid });
            }
            RoomEvent::TrackSubscriptionFailed { participant, sid, error } => {
                tracing::warn!("track {sid} of {participant} cannot be heard: {error}");
            }
            RoomEvent::LocalTrackSubscribed { .. } => self.heard_from_now_on(),
            RoomEvent::LocalTrackRepublished { previous, track } => {
                tracing::info!("the agent's track {previous} is {} now", track.sid);
            }
            RoomEvent::TextClosed { stream, text, error: None } => self.text_came(&stream, &text),
            RoomEvent::Bytes(stream) => self.bytes_came(stream),
            RoomEvent::Data { from, topic, payload, .. } => {
                self.data_came(from.as_deref(), topic.as_deref(), &payload);
            }
            RoomEvent::Rpc(call) => self.called(call),
            RoomEvent::Lagged { lost } => {
                tracing::error!("{lost} events of the room were lost: the loop did not keep up");
                self.take_stock();
            }
            _ => {}
        }
    }

    fn set_reconnecting(&mut self, reconnecting: bool) {
        self.reconnecting = reconnecting;
        self.control.hold(reconnecting || self.unheard.is_some());
    }

    fn heard_from_now_on(&mut self) {
        self.unheard = None;
        self.control.hold(self.reconnecting);
    }

    fn room_over(&mut self, reason: DisconnectReason) {
        let failed = match &reason {
            DisconnectReason::ClientInitiated
            | DisconnectReason::RoomDeleted
            | DisconnectReason::RoomClosed
            | DisconnectReason::ParticipantRemoved => Ok(()),
            other => Err(Error::new(ErrorKind::Network, format!("the room was lost: {other:?}"))),
        };
        self.over = Some(RoomOver::RoomClosed(reason));
        // Nobody hears the rest of what is being said.
        self.hang_up();
        self.control.end(failed);
    }

    /// Who is in the room, with which tracks; nothing of it need be new.
    fn take_stock(&mut self) {
        let now = self.room.participants();
        let gone: Vec<_> =
            self.present.keys().filter(|known| now.iter().all(|p| p.identity != **known)).cloned().collect();
        for identity in gone {
            self.left(&identity, DisconnectReason::Unknown);
        }
        for participant in now {
            self.joined(participant);
        }
    }

    fn joined(&mut self, participant: Participant) {
        let person = person(&participant);
        let (identity, tracks) = (participant.identity.clone(), participant.tracks.clone());
        self.present.insert(identity.clone(), participant);
        self.choose_legacy();
        self.link(LinkInput::Joined(person));
        for track in &tracks {
            if track.subscribed {
                self.subscribed(identity.clone(), track);
            } else {
                self.published(&identity, track);
            }
        }
    }

    fn left(&mut self, identity: &str, reason: DisconnectReason) {
        if let Some(participant) = self.present.remove(identity) {
            self.session.participant_left(somebody(&participant));
        }
        self.watchers.retain(|watcher| watcher != identity);
        self.choose_legacy();
        self.link(LinkInput::Left { identity: identity.to_owned(), reason });
    }

    /// Whoever was talked with is gone: the agent falls silent, and the session closes.
    fn hang_up(&self) {
        let session = self.session.clone();
        tokio::spawn(async move {
            // One that is closed already has nothing to interrupt.
            let _ = session.interrupt();
            session.close().await;
        });
    }

    fn choose_legacy(&self) {
        let Some(transcripts) = &self.transcripts else { return };
        let old = |participant: &Participant| {
            participant.kind == ParticipantKind::Standard && participant.client_protocol < STREAMS_PROTOCOL
        };
        transcripts.set_legacy(match self.options.legacy_transcription {
            LegacyTranscription::Auto => self.present.values().any(old),
            LegacyTranscription::Always => true,
            LegacyTranscription::Never => false,
        });
    }

    fn is_linked(&self, identity: &str) -> bool {
        self.link.linked().is_some_and(|person| person.identity == identity)
    }

    fn text_came(&self, stream: &TextStream, text: &str) {
        if stream.topic == CHAT_TOPIC && self.is_linked(&stream.from) {
            self.typed(text);
        }
    }

    fn typed(&self, text: &str) {
        let text = text.trim();
        if !self.options.chat || text.is_empty() {
            return;
        }
        // It interrupts, and is answered.
        if let Err(error) = self.session.user_text(text) {
            tracing::warn!("what was typed was not taken: {error}");
        }
    }

    fn bytes_came(&mut self, stream: ByteStream) {
        if let Some(error) = &stream.error {
            return tracing::warn!(
                "a byte stream about {} of {} broke off: {error}",
                stream.topic,
                stream.from
            );
        }
        match stream.topic.as_str() {
            preconnect::TOPIC => self.recording_came(&stream),
            debug::TOPIC if self.options.debug => self.asked(&stream),
            _ => {}
        }
    }

    fn asked(&mut self, stream: &ByteStream) {
        let Some(request) = debug::request(&stream.payload) else { return };
        if !self.watchers.contains(&stream.from) {
            self.watchers.push(stream.from.clone());
        }
        let (room, session, to) = (Arc::clone(&self.room), self.session.clone(), stream.from.clone());
        tokio::spawn(async move {
            let answer = debug::answer(&session, request).await;
            send_debug(&*room, answer, vec![to]).await;
        });
    }

    fn data_came(&self, from: Option<&str>, topic: Option<&str>, payload: &[u8]) {
        // A server's packets are the application's own.
        let linked = from.is_none_or(|from| self.is_linked(from));
        match incoming::read(payload, topic, from) {
            Incoming::Message(message) => {
                if let Message::UserText(UserText { .. }) | Message::Control(_) = &message
                    && !linked
                {
                    return tracing::debug!("{} of somebody who is not linked", message.type_name());
                }
                self.take(message, from);
            }
            Incoming::Typed(text) if linked => self.typed(&text),
            Incoming::Refused(answer) => self.send(&answer, from),
            Incoming::Typed(_) | Incoming::Ignored => {}
        }
    }

    fn take(&self, message: Message, from: Option<&str>) {
        // An agent's own words, from another agent in the room.
        let agents =
            from.and_then(|from| self.present.get(from)).is_some_and(|p| p.kind == ParticipantKind::Agent);
        let shown = matches!(&message, Message::UserText(_)).then(|| Envelope::new(message.clone()));
        match self.session.receive(message) {
            // It comes back, to confirm that it was taken.
            Ok(()) => shown.into_iter().for_each(|shown| self.send(&shown, None)),
            Err(_) if agents => {}
            Err(error) => {
                let refused = duologue_agent::message::ErrorMessage::internal(error.to_string());
                self.send(&Envelope::from(refused), from);
            }
        }
    }

    fn called(&self, call: RpcCall) {
        let handler = self.options.rpc.get(&call.method).cloned();
        let room = Arc::clone(&self.room);
        tokio::spawn(async move {
            let (id, limit) = (call.id, call.timeout);
            let answer = match handler {
                Some(handler) => timeout(limit, handler(call))
                    .await
                    .unwrap_or_else(|_| Err(RpcFailure::new(1502, "the agent took too long"))),
                None => Err(RpcFailure::new(1400, "the agent knows no such method")),
            };
            if let Err(error) = room.answer_rpc(id, answer).await {
                tracing::warn!("a call was not answered: {error}");
            }
        });
    }

    // What happens in the session.

    fn on_session(&mut self, event: &SessionEvent) {
        self.show(event);
        self.tell_watchers(event);
        if let SessionEvent::AgentStateChanged(state) = event {
            self.set_state(*state);
        }
        if self.options.messages != MessageStyle::Off
            && let Some(envelope) = self.envelopes.next(event)
        {
            self.send(&envelope, None);
        }
    }

    fn set_state(&mut self, state: AgentState) {
        self.agent_state = state;
        self.state.set(state);
    }

    fn show(&mut self, event: &SessionEvent) {
        let Some(transcripts) = &self.transcripts else { return };
        let pieces = match event {
            SessionEvent::AgentHeard { text } => self.agent.heard(text),
            SessionEvent::SpeechFinished { heard, .. } => self.agent.finished(heard),
            SessionEvent::UserTranscript { text, is_final } => {
                if let (Some(speaker), Some(update)) = (&self.speaker, self.user.recognised(text, *is_final))
                {
                    transcripts.show_user(speaker.clone(), update);
                }
                return;
            }
            _ => return,
        };
        pieces.into_iter().for_each(|piece| transcripts.show_agent(piece));
    }

    fn tell_watchers(&self, event: &SessionEvent) {
        if self.watchers.is_empty() {
            return;
        }
        if let Some(bytes) = debug::event(event, self.agent_state) {
            let (room, to) = (Arc::clone(&self.room), self.watchers.clone());
            tokio::spawn(async move { send_debug(&*room, bytes, to).await });
        }
    }

    /// Queues a message for `to`, or for everybody.
    fn send(&self, envelope: &Envelope, to: Option<&str>) {
        let payload = match self.options.messages {
            MessageStyle::Stella => envelope.to_stella().to_string(),
            MessageStyle::Envelopes | MessageStyle::Off => envelope.to_json(),
        };
        let outgoing = Outgoing { payload: payload.into_bytes(), to: to.map(str::to_owned) };
        if self.outbox.try_send(outgoing).is_err() {
            tracing::warn!("a {} message was lost: {OUTBOX} wait for the room", envelope.message.type_name());
        }
    }
}

/// The next words of the others; never, if nobody is overheard.
async fn next_of(others: &mut Option<(Others, mpsc::Receiver<Overheard>)>) -> Option<Overheard> {
    match others {
        Some((_, overheard)) => overheard.recv().await,
        None => std::future::pending().await,
    }
}

async fn send_messages(room: Arc<dyn Room>, topic: String, mut queue: mpsc::Receiver<Outgoing>) {
    while let Some(Outgoing { payload, to }) = queue.recv().await {
        let to: Vec<String> = to.into_iter().collect();
        if let Err(error) = room.publish_data(&payload, Some(&topic), true, &to).await {
            tracing::warn!("a message of {} bytes was not sent: {error}", payload.len());
        }
    }
}

async fn send_debug(room: &dyn Room, bytes: Vec<u8>, to: Vec<String>) {
    let options = StreamOptions { to, ..StreamOptions::topic(debug::TOPIC) };
    if let Err(error) = room.send_bytes(&bytes, &options).await {
        tracing::debug!("the debug panel was not told: {error}");
    }
}

fn person(participant: &Participant) -> Person {
    Person { identity: participant.identity.clone(), name: participant.name.clone(), kind: participant.kind }
}

fn somebody(participant: &Participant) -> Somebody {
    Somebody { identity: participant.identity.clone(), name: participant.name.clone() }
}
