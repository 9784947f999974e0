//! A room in memory: what the tests of sessions in rooms use where no server is. It carries sound, streams,
//! data and attributes between its participants at once and loses nothing; it proves nothing about LiveKit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use duologue_room::engine::{
    Attributes, AudioFormat, AudioFrame, AudioTrackOptions, ByteStream, ConnectOptions, Connection,
    DisconnectReason, Disturbance, LocalAudio, Participant, ParticipantKind, Playout, RemoteAudio,
    RemoteAudioFeed, Room, RoomEngine, RoomEvent, RoomEvents, RoomEventsFeed, RoomInfo, RpcFailure, Stats,
    StreamOptions, TextStream, TextWriter, Track, TrackKind, TranscriptionSegment,
};
use duologue_room::{Error, ErrorKind};

/// An engine whose tokens are identities; those that begin with `agent` are agents.
#[derive(Clone, Debug, Default)]
pub struct MemoryEngine(Arc<Mutex<Hub>>);

#[derive(Debug, Default)]
struct Hub {
    members: Vec<Member>,
    next: u64,
}

#[derive(Debug)]
struct Member {
    participant: Participant,
    events: RoomEventsFeed,
    /// Tracks that this member listens to.
    ears: Vec<(String, RemoteAudioFeed)>,
}

impl MemoryEngine {
    fn hub(&self) -> MutexGuard<'_, Hub> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub {
    fn fresh(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}_{}", self.next)
    }

    fn tell(&self, to: &[String], from: &str, event: &RoomEvent) {
        for member in self.members.iter().filter(|member| member.participant.identity != from) {
            if to.is_empty() || to.contains(&member.participant.identity) {
                member.events.send(event.clone());
            }
        }
    }

    fn member(&mut self, identity: &str) -> Result<&mut Member, Error> {
        let found = self.members.iter_mut().find(|member| member.participant.identity == identity);
        found.ok_or_else(|| Error::new(ErrorKind::Closed, "the room is over"))
    }
}

#[async_trait]
impl RoomEngine for MemoryEngine {
    fn name(&self) -> String {
        "memory".into()
    }

    async fn connect(&self, _: &str, token: &str, _: &ConnectOptions) -> Result<Connection, Error> {
        let (feed, events) = RoomEvents::channel(4_096);
        let mut hub = self.hub();
        let kind =
            if token.starts_with("agent") { ParticipantKind::Agent } else { ParticipantKind::Standard };
        let participant = Participant {
            identity: token.to_owned(),
            sid: hub.fresh("PA"),
            name: token.to_owned(),
            kind,
            metadata: String::new(),
            attributes: Attributes::new(),
            client_protocol: 2,
            tracks: Vec::new(),
        };
        hub.tell(&[], token, &RoomEvent::ParticipantJoined(participant.clone()));
        hub.members.push(Member { participant, events: feed, ears: Vec::new() });
        let room = MemoryRoom { engine: self.clone(), identity: token.to_owned() };
        Ok(Connection { room: Arc::new(room), events })
    }
}

#[derive(Clone, Debug)]
struct MemoryRoom {
    engine: MemoryEngine,
    identity: String,
}

impl MemoryRoom {
    fn leave(&self, reason: &DisconnectReason) {
        let mut hub = self.engine.hub();
        if let Ok(member) = hub.member(&self.identity) {
            member.events.send(RoomEvent::Disconnected(reason.clone()));
            hub.members.retain(|member| member.participant.identity != self.identity);
            let left =
                RoomEvent::ParticipantLeft { participant: self.identity.clone(), reason: reason.clone() };
            hub.tell(&[], &self.identity, &left);
        }
    }

    fn text(&self, options: &StreamOptions) -> TextStream {
        let id = options.id.clone().unwrap_or_else(|| self.engine.hub().fresh("ST"));
        TextStream {
            id,
            topic: options.topic.clone(),
            from: options.sender.clone().unwrap_or_else(|| self.identity.clone()),
            timestamp: 0,
            attributes: options.attributes.clone(),
        }
    }
}

#[async_trait]
impl Room for MemoryRoom {
    fn info(&self) -> RoomInfo {
        RoomInfo { name: "memory".into(), ..RoomInfo::default() }
    }

    fn local(&self) -> Participant {
        self.engine.hub().member(&self.identity).expect("it is in the room").participant.clone()
    }

    fn participants(&self) -> Vec<Participant> {
        let hub = self.engine.hub();
        let others = hub.members.iter().filter(|member| member.participant.identity != self.identity);
        others.map(|member| member.participant.clone()).collect()
    }

    async fn publish_audio(&self, options: &AudioTrackOptions) -> Result<Arc<dyn LocalAudio>, Error> {
        let mut hub = self.engine.hub();
        let track = Track {
            sid: hub.fresh("TR"),
            name: options.name.clone(),
            kind: TrackKind::Audio,
            source: options.source,
            muted: false,
            subscribed: false,
            preconnect: self.identity.ends_with("preconnect"),
        };
        hub.member(&self.identity)?.participant.tracks.push(track.clone());
        let published =
            RoomEvent::TrackPublished { participant: self.identity.clone(), track: track.clone() };
        hub.tell(&[], &self.identity, &published);
        Ok(Arc::new(MemoryTrack { room: self.clone(), track, rate: options.rate, playout: Mutex::default() }))
    }

    async fn set_subscribed(&self, sid: &str, _: bool) -> Result<(), Error> {
        let mut hub = self.engine.hub();
        let owner = hub.members.iter_mut().find(|member| member.participant.track(sid).is_some());
        let owner = owner.ok_or_else(|| Error::new(ErrorKind::Config, format!("nobody publishes {sid}")))?;
        owner.events.send(RoomEvent::LocalTrackSubscribed { sid: sid.to_owned() });
        let track = owner.participant.track(sid).cloned().expect("it was found by its sid");
        let participant = owner.participant.identity.clone();
        hub.member(&self.identity)?.events.send(RoomEvent::TrackSubscribed { participant, track });
        Ok(())
    }

    async fn listen(&self, sid: &str, format: AudioFormat) -> Result<RemoteAudio, Error> {
        let (feed, audio) = RemoteAudio::channel(format.rate, format.queue_frames);
        self.engine.hub().member(&self.identity)?.ears.push((sid.to_owned(), feed));
        Ok(audio)
    }

    async fn publish_data(
        &self,
        payload: &[u8],
        topic: Option<&str>,
        reliable: bool,
        to: &[String],
    ) -> Result<(), Error> {
        let event = RoomEvent::Data {
            from: Some(self.identity.clone()),
            topic: topic.map(str::to_owned),
            payload: payload.to_vec(),
            reliable,
        };
        self.engine.hub().tell(to, &self.identity, &event);
        Ok(())
    }

    async fn send_text(&self, text: &str, options: &StreamOptions) -> Result<String, Error> {
        let stream = self.text(options);
        let id = stream.id.clone();
        let event = RoomEvent::TextClosed { stream, text: text.to_owned(), error: None };
        self.engine.hub().tell(&options.to, &self.identity, &event);
        Ok(id)
    }

    async fn open_text(&self, options: &StreamOptions) -> Result<Box<dyn TextWriter>, Error> {
        let stream = self.text(options);
        self.engine.hub().tell(&options.to, &self.identity, &RoomEvent::TextOpened(stream.clone()));
        Ok(Box::new(MemoryText { room: self.clone(), stream, to: options.to.clone(), text: String::new() }))
    }

    async fn send_bytes(&self, bytes: &[u8], options: &StreamOptions) -> Result<String, Error> {
        let text = self.text(options);
        let stream = ByteStream {
            id: text.id.clone(),
            topic: text.topic,
            from: text.from,
            mime: options.mime.clone().unwrap_or_default(),
            attributes: text.attributes,
            payload: bytes.to_vec(),
            ..ByteStream::default()
        };
        self.engine.hub().tell(&options.to, &self.identity, &RoomEvent::Bytes(stream));
        Ok(text.id)
    }

    async fn set_attributes(&self, attributes: &Attributes) -> Result<(), Error> {
        let mut hub = self.engine.hub();
        hub.member(&self.identity)?.participant.attributes.extend(attributes.clone());
        let changed =
            RoomEvent::AttributesChanged { participant: self.identity.clone(), changed: attributes.clone() };
        hub.tell(&[], &self.identity, &changed);
        Ok(())
    }

    async fn set_metadata(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    async fn set_name(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    async fn register_rpc(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    async fn unregister_rpc(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    async fn answer_rpc(&self, _: u64, _: Result<String, RpcFailure>) -> Result<(), Error> {
        Ok(())
    }

    async fn call_rpc(
        &self,
        _: &str,
        _: &str,
        _: &str,
        _: Duration,
    ) -> Result<Result<String, RpcFailure>, Error> {
        Ok(Err(RpcFailure::new(1400, "no calls in memory")))
    }

    async fn publish_transcription(
        &self,
        participant: &str,
        track_sid: &str,
        segments: &[TranscriptionSegment],
    ) -> Result<(), Error> {
        let event = RoomEvent::Transcription {
            participant: Some(participant.to_owned()),
            track_sid: Some(track_sid.to_owned()),
            segments: segments.to_vec(),
        };
        self.engine.hub().tell(&[], &self.identity, &event);
        Ok(())
    }

    async fn stats(&self) -> Result<Stats, Error> {
        Ok(Stats::default())
    }

    async fn disturb(&self, _: Disturbance) -> Result<(), Error> {
        Ok(())
    }

    async fn disconnect(&self) -> Result<(), Error> {
        self.leave(&DisconnectReason::ClientInitiated);
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryTrack {
    room: MemoryRoom,
    track: Track,
    rate: u32,
    playout: Mutex<Playout>,
}

#[async_trait]
impl LocalAudio for MemoryTrack {
    fn track(&self) -> Track {
        self.track.clone()
    }

    fn rate(&self) -> u32 {
        self.rate
    }

    async fn write(&self, samples: &[i16]) -> Result<(), Error> {
        let mut hub = self.room.engine.hub();
        hub.member(&self.room.identity)?;
        for member in &mut hub.members {
            for (_, ear) in member.ears.iter().filter(|(sid, _)| *sid == self.track.sid) {
                ear.send(AudioFrame { rate: self.rate, samples: samples.to_vec() });
            }
        }
        let mut playout = self.playout.lock().unwrap_or_else(PoisonError::into_inner);
        playout.written += samples.len() as u64;
        playout.played = playout.written;
        Ok(())
    }

    fn clear(&self) -> Result<u64, Error> {
        Ok(0)
    }

    fn playout(&self) -> Playout {
        *self.playout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_muted(&self, _: bool) -> Result<(), Error> {
        Ok(())
    }

    async fn unpublish(&self) -> Result<(), Error> {
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryText {
    room: MemoryRoom,
    stream: TextStream,
    to: Vec<String>,
    text: String,
}

#[async_trait]
impl TextWriter for MemoryText {
    fn id(&self) -> &str {
        &self.stream.id
    }

    async fn write(&mut self, text: &str) -> Result<(), Error> {
        self.text.push_str(text);
        let event = RoomEvent::TextChunk { id: self.stream.id.clone(), text: text.to_owned() };
        self.room.engine.hub().tell(&self.to, &self.room.identity, &event);
        Ok(())
    }

    async fn close(self: Box<Self>, attributes: &Attributes) -> Result<(), Error> {
        let Self { room, mut stream, to, text } = *self;
        stream.attributes.extend(attributes.clone());
        room.engine.hub().tell(&to, &room.identity, &RoomEvent::TextClosed { stream, text, error: None });
        Ok(())
    }
}
