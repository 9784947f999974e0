//! Between a room and a session: the loop that takes in what happens in both.
//!
//! Invariant: the loop never waits for the network; what has to be sent is queued or spawned, and what is
//! spawned has a deadline.

mod listening;
mod messages;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use duologue_agent::session::{AgentState, Envelopes, Participant as Somebody};
use duologue_agent::{AgentSession, SessionEvent, SessionEvents};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use self::messages::{OUTBOX, Outgoing, send_messages};
use super::options::{LegacyTranscription, MessageStyle, RoomOptions};
use super::others::{Others, Overheard};
use super::state::StateAttribute;
use super::{Command, RoomOver, leave_room};
use crate::endpoint::EndpointControl;
use crate::engine::{
    DisconnectReason, LocalAudio, Participant, ParticipantKind, Room, RoomEvent, RoomEvents,
};
use crate::link::{Link, LinkInput, Person};
use crate::preconnect::Recordings;
use crate::publisher::{Speaker, Transcripts};
use crate::transcript::{AgentSegments, UserSegments};
use crate::{Error, ErrorKind};

/// Client protocol from which on a participant reads text streams.
const STREAMS_PROTOCOL: i32 = 3;
/// How long the rest of them may take when the session ends.
const LAST: Duration = Duration::from_secs(2);

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
}

/// The next words of the others; never, if nobody is overheard.
async fn next_of(others: &mut Option<(Others, mpsc::Receiver<Overheard>)>) -> Option<Overheard> {
    match others {
        Some((_, overheard)) => overheard.recv().await,
        None => std::future::pending().await,
    }
}

fn person(participant: &Participant) -> Person {
    Person { identity: participant.identity.clone(), name: participant.name.clone(), kind: participant.kind }
}

fn somebody(participant: &Participant) -> Somebody {
    Somebody { identity: participant.identity.clone(), name: participant.name.clone() }
}
