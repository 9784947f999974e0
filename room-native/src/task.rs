//! The task of one room: turns what the crate tells into events and keeps the room's picture.
//!
//! Invariant: events are sent after the picture shows what they tell; the last event is the room's end. The task waits for nothing but news,
//! so the crate's queue, which has no bound, stays short; what a slow reader misses is counted in ours.

use std::sync::Arc;

use duologue_room::engine::{DisconnectReason, RoomEvent, RoomEventsFeed, RoomInfo, RpcCall};
use livekit::{DataPacketKind, RoomEvent as Theirs, participant::Participant, publication::TrackPublication};
use tokio::sync::mpsc;

use crate::{convert, shared::Shared, streams::Streams};

pub(crate) struct Task {
    pub shared: Arc<Shared>,
    pub feed: RoomEventsFeed,
    pub streams: Streams,
}

impl Task {
    /// Runs until the room is over.
    pub(crate) async fn run(
        mut self,
        mut told: mpsc::UnboundedReceiver<Theirs>,
        mut calls: mpsc::Receiver<RpcCall>,
    ) {
        let leaving = self.shared.leaving();
        tokio::pin!(leaving);
        let sid = sid(self.shared.clone());
        tokio::pin!(sid);
        let mut sid_known = !self.shared.state().info.sid.is_empty();
        let reason = loop {
            let event = tokio::select! {
                biased;
                next = told.recv() => match next {
                    Some(Theirs::Disconnected { reason }) => break Some(convert::reason(reason)),
                    Some(event) => self.room(event),
                    None => break None,
                },
                read = self.streams.next() => self.streams.take(read),
                Some(call) = calls.recv() => Some(RoomEvent::Rpc(call)),
                sid = &mut sid, if !sid_known => {
                    sid_known = true;
                    let info = self.shared.state().info.clone();
                    self.describe(RoomInfo { sid, ..info })
                }
                () = &mut leaving => break None,
            };
            if let Some(event) = event {
                self.feed.send(event);
            }
        };
        self.end(reason);
    }

    fn end(mut self, reason: Option<DisconnectReason>) {
        self.streams.break_off().into_iter().for_each(|event| self.feed.send(event));
        let reason = reason.unwrap_or(if self.shared.is_leaving() {
            DisconnectReason::ClientInitiated
        } else {
            DisconnectReason::Unknown
        });
        self.shared.close();
        self.feed.send(RoomEvent::Disconnected(reason));
    }

    fn room(&mut self, event: Theirs) -> Option<RoomEvent> {
        Some(match event {
            Theirs::ParticipantConnected(joined) => {
                let participant = convert::remote(&joined, Vec::new());
                self.shared.state().join(participant.clone());
                RoomEvent::ParticipantJoined(participant)
            }
            Theirs::ParticipantDisconnected(left) => {
                let participant = String::from(left.identity());
                self.shared.state().forget(&participant);
                let reason = convert::reason(left.disconnect_reason().into());
                RoomEvent::ParticipantLeft { participant, reason }
            }
            Theirs::RoomUpdated { room } | Theirs::Moved { room } => {
                return self.describe(convert::room(room));
            }
            Theirs::RoomMetadataChanged { metadata, .. } => {
                let info = self.shared.state().info.clone();
                return self.describe(RoomInfo { metadata, ..info });
            }
            Theirs::TextStreamOpened { reader, participant_identity, .. } => {
                self.streams.open_text(reader.take()?, participant_identity.into())
            }
            Theirs::ByteStreamOpened { reader, participant_identity, .. } => {
                self.streams.open_bytes(reader.take()?, participant_identity.into());
                return None;
            }
            Theirs::DataReceived { payload, topic, kind, participant } => RoomEvent::Data {
                from: participant.map(|from| from.identity().into()),
                topic,
                payload: Arc::unwrap_or_clone(payload),
                reliable: kind == DataPacketKind::Reliable,
            },
            Theirs::SipDTMFReceived { digit, participant, .. } => RoomEvent::Dtmf {
                from: participant.map(|from| from.identity().into()).unwrap_or_default(),
                digit: digit.unwrap_or_default(),
            },
            Theirs::TranscriptionReceived { participant, track_publication, segments } => {
                RoomEvent::Transcription {
                    participant: participant.map(|whose| whose.identity().into()),
                    track_sid: track_publication.map(|track| track.sid().into()),
                    segments: segments.into_iter().map(convert::segment).collect(),
                }
            }
            Theirs::ActiveSpeakersChanged { speakers } => RoomEvent::ActiveSpeakers(
                speakers.into_iter().map(|speaker| speaker.identity().into()).collect(),
            ),
            Theirs::ConnectionQualityChanged { quality, participant } => RoomEvent::ConnectionQuality {
                participant: participant.identity().into(),
                quality: convert::quality(quality),
            },
            Theirs::Reconnecting => RoomEvent::Reconnecting,
            Theirs::Reconnected => RoomEvent::Reconnected,
            other => return self.participant(other),
        })
    }

    /// What changes a participant.
    fn participant(&self, event: Theirs) -> Option<RoomEvent> {
        let mut state = self.shared.state();
        Some(match event {
            Theirs::ParticipantAttributesChanged { participant: theirs, changed_attributes } => {
                let participant = String::from(theirs.identity());
                if let Some(known) = state.participant(&participant) {
                    known.attributes = convert::attributes(theirs.attributes());
                }
                let changed = convert::attributes(changed_attributes);
                RoomEvent::AttributesChanged { participant, changed }
            }
            Theirs::ParticipantMetadataChanged { participant, metadata, .. } => {
                let participant = String::from(participant.identity());
                if let Some(known) = state.participant(&participant) {
                    known.metadata.clone_from(&metadata);
                }
                RoomEvent::MetadataChanged { participant, metadata }
            }
            Theirs::ParticipantNameChanged { participant, name, .. } => {
                let participant = String::from(participant.identity());
                if let Some(known) = state.participant(&participant) {
                    known.name.clone_from(&name);
                }
                RoomEvent::NameChanged { participant, name }
            }
            other => {
                drop(state);
                return self.track(other);
            }
        })
    }

    /// What changes a track.
    fn track(&self, event: Theirs) -> Option<RoomEvent> {
        let mut state = self.shared.state();
        Some(match event {
            Theirs::TrackPublished { publication, participant } => {
                let participant = String::from(participant.identity());
                let track = convert::track(&TrackPublication::Remote(publication));
                state.publish(&participant, track.clone());
                RoomEvent::TrackPublished { participant, track }
            }
            Theirs::TrackUnpublished { publication, participant } => {
                let participant = String::from(participant.identity());
                let sid = String::from(publication.sid());
                state.unpublish(&participant, &sid);
                RoomEvent::TrackUnpublished { participant, sid }
            }
            Theirs::TrackSubscribed { publication, participant, .. } => {
                let participant = String::from(participant.identity());
                let track = convert::track(&TrackPublication::Remote(publication));
                let track = state.subscribe(&participant, track);
                RoomEvent::TrackSubscribed { participant, track }
            }
            Theirs::TrackUnsubscribed { publication, participant, .. } => {
                let sid = String::from(publication.sid());
                state.unsubscribe(&sid);
                RoomEvent::TrackUnsubscribed { participant: participant.identity().into(), sid }
            }
            Theirs::TrackSubscriptionFailed { participant, error, track_sid } => {
                RoomEvent::TrackSubscriptionFailed {
                    participant: participant.identity().into(),
                    sid: track_sid.into(),
                    error: error.to_string(),
                }
            }
            Theirs::TrackMuted { participant, publication } => {
                drop(state);
                self.mute(&participant, &publication, true)
            }
            Theirs::TrackUnmuted { participant, publication } => {
                drop(state);
                self.mute(&participant, &publication, false)
            }
            Theirs::LocalTrackPublished { publication, .. } => {
                RoomEvent::LocalTrackPublished { sid: publication.sid().into() }
            }
            Theirs::LocalTrackUnpublished { publication, .. } => {
                let sid = String::from(publication.sid());
                state.local.tracks.retain(|track| track.sid != sid);
                RoomEvent::LocalTrackUnpublished { sid }
            }
            Theirs::LocalTrackRepublished { previous_sid, publication, .. } => {
                let previous = String::from(previous_sid);
                let track = convert::track(&TrackPublication::Local(publication.clone()));
                if let Some(local) = state.own_track(&previous) {
                    local.republished(publication, track.clone());
                }
                state.local.tracks.retain(|t| t.sid != previous && t.sid != track.sid);
                state.local.tracks.push(track.clone());
                RoomEvent::LocalTrackRepublished { previous, track }
            }
            Theirs::LocalTrackSubscribed { track } => {
                RoomEvent::LocalTrackSubscribed { sid: track.sid().into() }
            }
            _ => return None,
        })
    }

    fn mute(&self, participant: &Participant, publication: &TrackPublication, muted: bool) -> RoomEvent {
        let sid = String::from(publication.sid());
        let mut state = self.shared.state();
        if let Some(track) = state.track(&sid) {
            track.muted = muted;
        }
        if let Some(local) = state.own_track(&sid) {
            local.muted(muted);
        }
        RoomEvent::TrackMuted { participant: participant.identity().into(), sid, muted }
    }

    /// Notes how the server describes the room; tells if that is new.
    fn describe(&self, info: RoomInfo) -> Option<RoomEvent> {
        let mut state = self.shared.state();
        if state.info == info {
            return None;
        }
        state.info = info.clone();
        Some(RoomEvent::RoomChanged(info))
    }
}

/// The server may tell the room's sid later than all else, and without an event.
async fn sid(shared: Arc<Shared>) -> String {
    shared.room.sid().await.into()
}
