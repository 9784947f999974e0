//! The crate's types as the room crate's plain ones.

use std::collections::HashMap;

use duologue_room::engine::{
    Attributes, ByteStream, DisconnectReason, Participant, ParticipantKind, Quality, RoomInfo, TextStream,
    Track, TrackKind, TrackSource, TranscriptionSegment,
};
use livekit::{
    self as theirs, ByteStreamInfo, TextStreamInfo, participant,
    prelude::{
        AudioTrackFeature, LocalParticipant, RemoteParticipant, RemoteTrackPublication, TrackPublication,
    },
};

pub(crate) fn attributes(attributes: HashMap<String, String>) -> Attributes {
    attributes.into_iter().collect()
}

pub(crate) fn map(attributes: &Attributes) -> HashMap<String, String> {
    attributes.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

pub(crate) fn local(me: &LocalParticipant) -> Participant {
    participant(&participant::Participant::Local(me.clone()), Vec::new())
}

pub(crate) fn remote(other: &RemoteParticipant, publications: Vec<RemoteTrackPublication>) -> Participant {
    let mut tracks: Vec<Track> =
        publications.into_iter().map(|publication| track(&TrackPublication::Remote(publication))).collect();
    tracks.sort_by(|a, b| a.sid.cmp(&b.sid));
    participant(&participant::Participant::Remote(other.clone()), tracks)
}

fn participant(from: &participant::Participant, tracks: Vec<Track>) -> Participant {
    Participant {
        identity: from.identity().into(),
        sid: from.sid().into(),
        name: from.name(),
        kind: kind(from.kind()),
        metadata: from.metadata(),
        attributes: attributes(from.attributes()),
        client_protocol: from.client_protocol(),
        tracks,
    }
}

fn kind(kind: participant::ParticipantKind) -> ParticipantKind {
    use participant::ParticipantKind as Theirs;
    match kind {
        Theirs::Standard => ParticipantKind::Standard,
        Theirs::Ingress => ParticipantKind::Ingress,
        Theirs::Egress => ParticipantKind::Egress,
        Theirs::Sip => ParticipantKind::Sip,
        Theirs::Agent => ParticipantKind::Agent,
        Theirs::Connector => ParticipantKind::Connector,
        Theirs::Bridge => ParticipantKind::Bridge,
    }
}

/// A publication; whether it is subscribed to is the picture's business.
pub(crate) fn track(publication: &TrackPublication) -> Track {
    Track {
        sid: publication.sid().into(),
        name: publication.name(),
        kind: match publication.kind() {
            theirs::track::TrackKind::Audio => TrackKind::Audio,
            theirs::track::TrackKind::Video => TrackKind::Video,
        },
        source: source(publication.source()),
        muted: publication.is_muted(),
        subscribed: false,
        preconnect: publication.audio_features().contains(&AudioTrackFeature::TfPreconnectBuffer),
    }
}

fn source(source: theirs::track::TrackSource) -> TrackSource {
    use theirs::track::TrackSource as Theirs;
    match source {
        Theirs::Unknown => TrackSource::Unknown,
        Theirs::Camera => TrackSource::Camera,
        Theirs::Microphone => TrackSource::Microphone,
        Theirs::Screenshare => TrackSource::ScreenShare,
        Theirs::ScreenshareAudio => TrackSource::ScreenShareAudio,
    }
}

pub(crate) fn their_source(source: TrackSource) -> theirs::track::TrackSource {
    use theirs::track::TrackSource as Theirs;
    match source {
        TrackSource::Microphone => Theirs::Microphone,
        TrackSource::Camera => Theirs::Camera,
        TrackSource::ScreenShare => Theirs::Screenshare,
        TrackSource::ScreenShareAudio => Theirs::ScreenshareAudio,
        _ => Theirs::Unknown,
    }
}

pub(crate) fn joined(room: &theirs::Room) -> RoomInfo {
    RoomInfo {
        sid: room.maybe_sid().map(String::from).unwrap_or_default(),
        name: room.name(),
        metadata: room.metadata(),
    }
}

pub(crate) fn room(info: theirs::RoomInfo) -> RoomInfo {
    RoomInfo { sid: info.sid.map(String::from).unwrap_or_default(), name: info.name, metadata: info.metadata }
}

pub(crate) fn reason(reason: theirs::DisconnectReason) -> DisconnectReason {
    use theirs::DisconnectReason as Theirs;
    match reason {
        Theirs::UnknownReason => DisconnectReason::Unknown,
        Theirs::ClientInitiated => DisconnectReason::ClientInitiated,
        Theirs::DuplicateIdentity => DisconnectReason::DuplicateIdentity,
        Theirs::ServerShutdown => DisconnectReason::ServerShutdown,
        Theirs::ParticipantRemoved => DisconnectReason::ParticipantRemoved,
        Theirs::RoomDeleted => DisconnectReason::RoomDeleted,
        Theirs::StateMismatch => DisconnectReason::StateMismatch,
        Theirs::JoinFailure => DisconnectReason::JoinFailure,
        Theirs::Migration => DisconnectReason::Migration,
        Theirs::SignalClose => DisconnectReason::SignalClose,
        Theirs::RoomClosed => DisconnectReason::RoomClosed,
        Theirs::UserUnavailable => DisconnectReason::UserUnavailable,
        Theirs::UserRejected => DisconnectReason::UserRejected,
        Theirs::SipTrunkFailure => DisconnectReason::SipTrunkFailure,
        Theirs::ConnectionTimeout => DisconnectReason::ConnectionTimeout,
        Theirs::MediaFailure => DisconnectReason::MediaFailure,
        Theirs::AgentError => DisconnectReason::AgentError,
    }
}

pub(crate) fn quality(quality: participant::ConnectionQuality) -> Quality {
    use participant::ConnectionQuality as Theirs;
    match quality {
        Theirs::Excellent => Quality::Excellent,
        Theirs::Good => Quality::Good,
        Theirs::Poor => Quality::Poor,
        Theirs::Lost => Quality::Lost,
    }
}

pub(crate) fn text_stream(info: &TextStreamInfo, from: String) -> TextStream {
    TextStream {
        id: info.id.clone(),
        topic: info.topic.clone(),
        from,
        timestamp: info.timestamp.timestamp_millis(),
        attributes: attributes(info.attributes()),
    }
}

pub(crate) fn byte_stream(info: &ByteStreamInfo, from: String) -> ByteStream {
    ByteStream {
        id: info.id.clone(),
        topic: info.topic.clone(),
        from,
        name: info.name.clone(),
        mime: info.mime_type.clone(),
        timestamp: info.timestamp.timestamp_millis(),
        attributes: attributes(info.attributes()),
        payload: Vec::new(),
        error: None,
    }
}

pub(crate) fn segment(segment: theirs::TranscriptionSegment) -> TranscriptionSegment {
    TranscriptionSegment {
        id: segment.id,
        text: segment.text,
        start_ms: segment.start_time,
        end_ms: segment.end_time,
        is_final: segment.r#final,
        language: segment.language,
    }
}

pub(crate) fn their_segment(segment: &TranscriptionSegment) -> theirs::TranscriptionSegment {
    theirs::TranscriptionSegment {
        id: segment.id.clone(),
        text: segment.text.clone(),
        start_time: segment.start_ms,
        end_time: segment.end_ms,
        r#final: segment.is_final,
        language: segment.language.clone(),
    }
}
