//! What happens in a room.

use super::{Attributes, ByteStream, Participant, RoomInfo, RpcCall, TextStream, Track};

/// Something that happened. Participants are named by identity, tracks by sid.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RoomEvent {
    /// The connection was lost and is being mended; sound and messages wait or are lost meanwhile.
    Reconnecting,
    /// The connection is mended.
    Reconnected,
    /// The room is over for the local participant. Always the last event.
    Disconnected(DisconnectReason),
    /// Somebody joined.
    ParticipantJoined(Participant),
    /// Somebody left.
    ParticipantLeft {
        /// Who.
        participant: String,
        /// Why.
        reason: DisconnectReason,
    },
    /// A participant's attributes changed.
    AttributesChanged {
        /// Whose.
        participant: String,
        /// The new values; an empty one was deleted.
        changed: Attributes,
    },
    /// A participant's metadata changed.
    MetadataChanged {
        /// Whose.
        participant: String,
        /// The new one.
        metadata: String,
    },
    /// A participant's display name changed.
    NameChanged {
        /// Whose.
        participant: String,
        /// The new one.
        name: String,
    },
    /// The room's own description changed.
    RoomChanged(RoomInfo),
    /// Somebody published a track.
    TrackPublished {
        /// Who.
        participant: String,
        /// What.
        track: Track,
    },
    /// Somebody took a track back.
    TrackUnpublished {
        /// Who.
        participant: String,
        /// The track's sid.
        sid: String,
    },
    /// A remote track is being received: [`Room::listen`](super::Room::listen) works now.
    TrackSubscribed {
        /// Who publishes it.
        participant: String,
        /// What.
        track: Track,
    },
    /// A remote track is received no more.
    TrackUnsubscribed {
        /// Who publishes it.
        participant: String,
        /// The track's sid.
        sid: String,
    },
    /// A remote track could not be subscribed to.
    TrackSubscriptionFailed {
        /// Who publishes it.
        participant: String,
        /// The track's sid.
        sid: String,
        /// What the engine said.
        error: String,
    },
    /// A track, remote or local, was muted or opened again.
    TrackMuted {
        /// Who publishes it.
        participant: String,
        /// The track's sid.
        sid: String,
        /// Whether it is muted now.
        muted: bool,
    },
    /// A local track is in the room.
    LocalTrackPublished {
        /// The track's sid.
        sid: String,
    },
    /// A local track is out of the room.
    LocalTrackUnpublished {
        /// The track's sid.
        sid: String,
    },
    /// After a full reconnect a local track has another sid.
    LocalTrackRepublished {
        /// The sid it had.
        previous: String,
        /// The track now.
        track: Track,
    },
    /// Somebody receives a local track for the first time.
    LocalTrackSubscribed {
        /// The track's sid.
        sid: String,
    },
    /// Who is speaking now, the loudest first.
    ActiveSpeakers(Vec<String>),
    /// How well a participant is connected.
    ConnectionQuality {
        /// Who.
        participant: String,
        /// How well.
        quality: Quality,
    },
    /// A data message.
    Data {
        /// Who sent it; `None` if a server did.
        from: Option<String>,
        /// What it is about.
        topic: Option<String>,
        /// The message.
        payload: Vec<u8>,
        /// Whether it was sent the way that loses nothing.
        reliable: bool,
    },
    /// A key of a telephone.
    Dtmf {
        /// Who pressed it.
        from: String,
        /// The key: `0` to `9`, `*`, `#`, `A` to `D`.
        digit: String,
    },
    /// Somebody opened a text stream.
    TextOpened(TextStream),
    /// An open text stream goes on.
    TextChunk {
        /// The stream's id.
        id: String,
        /// What was appended.
        text: String,
    },
    /// A text stream has ended.
    TextClosed {
        /// The stream, with the attributes that closing added.
        stream: TextStream,
        /// All of its text, or what came of it.
        text: String,
        /// Why it broke off.
        error: Option<String>,
    },
    /// A byte stream has ended.
    Bytes(ByteStream),
    /// A call of a registered method.
    Rpc(RpcCall),
    /// A transcription packet of the old kind.
    Transcription {
        /// Whose speech it is.
        participant: Option<String>,
        /// The track that carries it.
        track_sid: Option<String>,
        /// The text.
        segments: Vec<TranscriptionSegment>,
    },
    /// The reader was too slow: this many events are missing here.
    Lagged {
        /// How many.
        lost: u64,
    },
}

/// Why a participant, local or remote, is no longer in the room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// Not told.
    #[default]
    Unknown,
    /// It left by itself.
    ClientInitiated,
    /// Another participant came with the same identity.
    DuplicateIdentity,
    /// The server shuts down.
    ServerShutdown,
    /// Somebody with the right removed it.
    ParticipantRemoved,
    /// The room was deleted.
    RoomDeleted,
    /// The server lost track of its state.
    StateMismatch,
    /// It could not join.
    JoinFailure,
    /// It moved to another node.
    Migration,
    /// The signal connection was lost and did not come back.
    SignalClose,
    /// The room was closed.
    RoomClosed,
    /// The called user could not be reached.
    UserUnavailable,
    /// The called user did not want to.
    UserRejected,
    /// The telephone trunk failed.
    SipTrunkFailure,
    /// Nothing was heard of it for too long.
    ConnectionTimeout,
    /// Sound could not be sent or received.
    MediaFailure,
    /// The agent failed.
    AgentError,
    /// The engine failed, for all rooms of the process; the message is its own.
    Engine(String),
}

/// How well a participant is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quality {
    /// Not at all.
    Lost,
    /// Badly.
    Poor,
    /// Well.
    Good,
    /// Very well.
    Excellent,
}

/// A piece of a transcription packet of the old kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TranscriptionSegment {
    /// The segment's id (`SG_…`); the same for all versions of one segment.
    pub id: String,
    /// The text.
    pub text: String,
    /// Where it begins in the track, in milliseconds; 0 if not known.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// Whether it will not change any more.
    pub is_final: bool,
    /// Language tag, such as `en`; may be empty.
    pub language: String,
}
