//! The engine's messages as this crate's plain types.

use std::collections::HashMap;

use duologue_native::livekit::proto::{
    self, AttributesEntry, ParticipantInfo, TrackInfo, TrackPublicationInfo,
};

use crate::engine::{
    Attributes, ByteStream, DisconnectReason, Participant, ParticipantKind, Quality, RoomInfo, TextStream,
    Track, TrackKind, TrackSource, TranscriptionSegment,
};

pub(super) fn attributes(entries: Vec<AttributesEntry>) -> Attributes {
    entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
}

pub(super) fn entries(attributes: &Attributes) -> Vec<AttributesEntry> {
    attributes.iter().map(|(key, value)| AttributesEntry { key: key.clone(), value: value.clone() }).collect()
}

pub(super) fn map(attributes: &Attributes) -> HashMap<String, String> {
    attributes.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

pub(super) fn participant(info: ParticipantInfo, tracks: Vec<Track>) -> Participant {
    let kind = kind(info.kind());
    Participant {
        identity: info.identity,
        sid: info.sid,
        name: info.name,
        kind,
        metadata: info.metadata,
        attributes: info.attributes.into_iter().collect(),
        client_protocol: info.client_protocol,
        tracks,
    }
}

fn kind(kind: proto::ParticipantKind) -> ParticipantKind {
    use proto::ParticipantKind as Theirs;
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

pub(super) fn track(info: &TrackPublicationInfo) -> Track {
    Track {
        sid: info.sid.clone(),
        name: info.name.clone(),
        kind: track_kind(info.kind()),
        source: source(info.source()),
        muted: info.muted,
        subscribed: false,
        preconnect: info.audio_features().any(|f| f == proto::AudioTrackFeature::TfPreconnectBuffer),
    }
}

/// A track that was subscribed to before it was heard of as published.
pub(super) fn bare_track(info: &TrackInfo) -> Track {
    Track {
        sid: info.sid.clone(),
        name: info.name.clone(),
        kind: track_kind(info.kind()),
        source: TrackSource::Unknown,
        muted: info.muted,
        subscribed: true,
        preconnect: false,
    }
}

fn track_kind(kind: proto::TrackKind) -> TrackKind {
    match kind {
        proto::TrackKind::KindAudio => TrackKind::Audio,
        proto::TrackKind::KindVideo => TrackKind::Video,
        proto::TrackKind::KindUnknown => TrackKind::Other,
    }
}

fn source(source: proto::TrackSource) -> TrackSource {
    match source {
        proto::TrackSource::SourceUnknown => TrackSource::Unknown,
        proto::TrackSource::SourceCamera => TrackSource::Camera,
        proto::TrackSource::SourceMicrophone => TrackSource::Microphone,
        proto::TrackSource::SourceScreenshare => TrackSource::ScreenShare,
        proto::TrackSource::SourceScreenshareAudio => TrackSource::ScreenShareAudio,
    }
}

pub(super) fn their_source(source: TrackSource) -> proto::TrackSource {
    match source {
        TrackSource::Unknown => proto::TrackSource::SourceUnknown,
        TrackSource::Camera => proto::TrackSource::SourceCamera,
        TrackSource::Microphone => proto::TrackSource::SourceMicrophone,
        TrackSource::ScreenShare => proto::TrackSource::SourceScreenshare,
        TrackSource::ScreenShareAudio => proto::TrackSource::SourceScreenshareAudio,
    }
}

pub(super) fn room(info: proto::RoomInfo) -> RoomInfo {
    RoomInfo { sid: info.sid.unwrap_or_default(), name: info.name, metadata: info.metadata }
}

pub(super) fn reason(reason: proto::DisconnectReason) -> DisconnectReason {
    use proto::DisconnectReason as Theirs;
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

pub(super) fn quality(quality: proto::ConnectionQuality) -> Quality {
    match quality {
        proto::ConnectionQuality::QualityPoor => Quality::Poor,
        proto::ConnectionQuality::QualityGood => Quality::Good,
        proto::ConnectionQuality::QualityExcellent => Quality::Excellent,
        proto::ConnectionQuality::QualityLost => Quality::Lost,
    }
}

pub(super) fn text_stream(info: proto::TextStreamInfo, from: String) -> TextStream {
    TextStream {
        id: info.stream_id,
        topic: info.topic,
        from,
        timestamp: info.timestamp,
        attributes: info.attributes.into_iter().collect(),
    }
}

pub(super) fn byte_stream(info: proto::ByteStreamInfo, from: String) -> ByteStream {
    ByteStream {
        id: info.stream_id,
        topic: info.topic,
        from,
        name: info.name,
        mime: info.mime_type,
        timestamp: info.timestamp,
        attributes: info.attributes.into_iter().collect(),
        payload: Vec::new(),
        error: None,
    }
}

pub(super) fn segment(segment: proto::TranscriptionSegment) -> TranscriptionSegment {
    TranscriptionSegment {
        id: segment.id,
        text: segment.text,
        start_ms: segment.start_time,
        end_ms: segment.end_time,
        is_final: segment.r#final,
        language: segment.language,
    }
}

pub(super) fn their_segment(segment: &TranscriptionSegment) -> proto::TranscriptionSegment {
    proto::TranscriptionSegment {
        id: segment.id.clone(),
        text: segment.text.clone(),
        start_time: segment.start_ms,
        end_time: segment.end_ms,
        r#final: segment.is_final,
        language: segment.language.clone(),
    }
}
