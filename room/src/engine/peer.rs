//! Who and what is in a room.

use super::Attributes;

/// The room itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomInfo {
    /// The server's id of this life of the room (`RM_…`); empty until the server has told.
    pub sid: String,
    /// The name that tokens and dispatches use.
    pub name: String,
    /// Metadata that the room was created with.
    pub metadata: String,
}

/// A participant, local or remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// The name that the token gave; unique within the room.
    pub identity: String,
    /// The server's id of this connection (`PA_…`).
    pub sid: String,
    /// Display name.
    pub name: String,
    /// What sort of participant it is.
    pub kind: ParticipantKind,
    /// Metadata.
    pub metadata: String,
    /// Attributes.
    pub attributes: Attributes,
    /// The client protocol that it speaks; below 3 it may need transcription packets of the old kind.
    pub client_protocol: i32,
    /// What it publishes, in the order of publishing.
    pub tracks: Vec<Track>,
}

impl Participant {
    /// The published track `sid`.
    pub fn track(&self, sid: &str) -> Option<&Track> {
        self.tracks.iter().find(|track| track.sid == sid)
    }
}

/// The sort of a participant, as its token and the server say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParticipantKind {
    /// A person with a client.
    #[default]
    Standard,
    /// A stream from outside.
    Ingress,
    /// A recorder.
    Egress,
    /// A telephone.
    Sip,
    /// An agent.
    Agent,
    /// A connector, for instance to WhatsApp.
    Connector,
    /// A bridge, for instance from RTSP.
    Bridge,
    /// One that this version does not know.
    Other,
}

/// A published track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// The server's id of the track (`TR_…`).
    pub sid: String,
    /// The publisher's name for it.
    pub name: String,
    /// Sound or pictures.
    pub kind: TrackKind,
    /// What it shows or lets hear.
    pub source: TrackSource,
    /// Whether its publisher has muted it.
    pub muted: bool,
    /// Whether it is being received here; always false for a local track.
    pub subscribed: bool,
    /// Whether a recording of what was said before it was published comes with it.
    pub preconnect: bool,
}

/// Sound or pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrackKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
    /// One that this version does not know.
    #[default]
    Other,
}

/// What a track shows or lets hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrackSource {
    /// A microphone, or an agent's voice.
    Microphone,
    /// A camera.
    Camera,
    /// A shared screen.
    ScreenShare,
    /// The sound of a shared screen.
    ScreenShareAudio,
    /// Not told.
    #[default]
    Unknown,
}
