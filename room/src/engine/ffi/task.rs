//! The task of one room: turns what the engine tells into events and keeps the room's picture.
//!
//! Invariant: events are sent after the picture shows what they tell. The last event is the room's end, after which nothing of the room is
//! left in the engine.

use std::sync::{Arc, atomic::Ordering};

use duologue_native::livekit::proto::{
    ByteStreamReaderReadIncrementalRequest, DataPacketReceived, RpcMethodInvocationEvent,
    TextStreamReaderReadIncrementalRequest, data_packet_received, ffi_request::Message as Request,
    room_event::Message as Theirs,
};
use tokio::sync::mpsc;

use super::{
    convert,
    hub::{Route, Told},
    shared::Shared,
    streams::Streams,
};
use crate::engine::{DisconnectReason, RoomEvent, RoomEventsFeed, RpcCall};

pub(super) struct Task {
    pub shared: Arc<Shared>,
    pub feed: RoomEventsFeed,
    pub route: Route,
    pub streams: Streams,
    pub reason: Option<DisconnectReason>,
}

impl Task {
    /// Runs until the room is over.
    pub(super) async fn run(mut self, mut told: mpsc::Receiver<Told>) {
        let leaving = self.shared.leaving();
        tokio::pin!(leaving);
        loop {
            let next = tokio::select! {
                biased;
                next = told.recv() => next,
                () = &mut leaving => None,
            };
            let Some(next) = next else { break };
            self.lost();
            if self.handle(next) {
                break;
            }
        }
        // Nothing new is routed from here on; what waits is still told.
        self.shared.unroute();
        told.close();
        while let Ok(next) = told.try_recv() {
            if self.handle(next) {
                break;
            }
        }
        self.end();
    }

    fn end(mut self) {
        let (events, readers) = self.streams.break_off();
        self.shared.hub().unroute(readers);
        events.into_iter().for_each(|event| self.feed.send(event));
        self.lost();
        let reason = self.reason.take().unwrap_or(if self.shared.is_leaving() {
            DisconnectReason::ClientInitiated
        } else {
            DisconnectReason::Unknown
        });
        self.shared.close();
        self.feed.send(RoomEvent::Disconnected(reason));
    }

    fn lost(&self) {
        let lost = self.route.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            self.feed.send(RoomEvent::Lagged { lost });
        }
    }

    /// Returns whether the room is over.
    fn handle(&mut self, told: Told) -> bool {
        match told {
            Told::Room(Theirs::Disconnected(end)) => {
                self.reason = Some(convert::reason(end.reason()));
                return false;
            }
            Told::Room(Theirs::Eos(_)) => return true,
            Told::Panic(message) => {
                self.reason = Some(DisconnectReason::Engine(message));
                return true;
            }
            Told::Room(message) => {
                if let Some(event) = self.room(message) {
                    self.feed.send(event);
                }
            }
            Told::Data { from, topic, payload, reliable } => {
                let from = (!from.is_empty()).then_some(from);
                self.feed.send(RoomEvent::Data { from, topic, payload, reliable });
            }
            Told::Text(event) => {
                let (event, over) = self.streams.text(event);
                self.stream(event, over);
            }
            Told::Bytes(event) => {
                let (event, over) = self.streams.bytes(event);
                self.stream(event, over);
            }
            Told::Rpc(call) => self.feed.send(RoomEvent::Rpc(rpc(call))),
        }
        false
    }

    fn stream(&self, event: Option<RoomEvent>, over: Option<u64>) {
        self.shared.hub().unroute(over);
        if let Some(event) = event {
            self.feed.send(event);
        }
    }

    fn room(&mut self, message: Theirs) -> Option<RoomEvent> {
        let engine = self.shared.hub().native();
        let mut state = self.shared.state();
        Some(match message {
            Theirs::ParticipantConnected(joined) => {
                RoomEvent::ParticipantJoined(state.join(engine, joined.info))
            }
            Theirs::ParticipantDisconnected(left) => {
                state.forget(&left.participant_identity);
                let reason = convert::reason(left.disconnect_reason());
                RoomEvent::ParticipantLeft { participant: left.participant_identity, reason }
            }
            Theirs::ParticipantAttributesChanged(change) => {
                if let Some(participant) = state.participant(&change.participant_identity) {
                    participant.attributes = convert::attributes(change.attributes);
                }
                let changed = convert::attributes(change.changed_attributes);
                RoomEvent::AttributesChanged { participant: change.participant_identity, changed }
            }
            Theirs::ParticipantMetadataChanged(change) => {
                if let Some(participant) = state.participant(&change.participant_identity) {
                    participant.metadata.clone_from(&change.metadata);
                }
                RoomEvent::MetadataChanged {
                    participant: change.participant_identity,
                    metadata: change.metadata,
                }
            }
            Theirs::ParticipantNameChanged(change) => {
                if let Some(participant) = state.participant(&change.participant_identity) {
                    participant.name.clone_from(&change.name);
                }
                RoomEvent::NameChanged { participant: change.participant_identity, name: change.name }
            }
            Theirs::RoomUpdated(info) | Theirs::Moved(info) => {
                let info = convert::room(info);
                if state.info == info {
                    return None;
                }
                state.info = info.clone();
                RoomEvent::RoomChanged(info)
            }
            Theirs::RoomMetadataChanged(change) => {
                if state.info.metadata == change.metadata {
                    return None;
                }
                state.info.metadata = change.metadata;
                RoomEvent::RoomChanged(state.info.clone())
            }
            Theirs::RoomSidChanged(change) => {
                if state.info.sid == change.sid {
                    return None;
                }
                state.info.sid = change.sid;
                RoomEvent::RoomChanged(state.info.clone())
            }
            Theirs::TrackPublished(published) => {
                let participant = published.participant_identity;
                let track = state.publish(engine, &participant, published.publication);
                RoomEvent::TrackPublished { participant, track }
            }
            Theirs::TrackUnpublished(gone) => {
                state.unpublish(&gone.participant_identity, &gone.publication_sid);
                RoomEvent::TrackUnpublished {
                    participant: gone.participant_identity,
                    sid: gone.publication_sid,
                }
            }
            Theirs::TrackSubscribed(subscribed) => {
                let participant = subscribed.participant_identity;
                let handle = engine.adopt(subscribed.track.handle.id);
                let bare = convert::bare_track(&subscribed.track.info);
                let track = state.subscribe(&participant, handle, bare);
                RoomEvent::TrackSubscribed { participant, track }
            }
            Theirs::TrackUnsubscribed(gone) => {
                state.unsubscribe(&gone.track_sid);
                RoomEvent::TrackUnsubscribed { participant: gone.participant_identity, sid: gone.track_sid }
            }
            Theirs::TrackSubscriptionFailed(failed) => RoomEvent::TrackSubscriptionFailed {
                participant: failed.participant_identity,
                sid: failed.track_sid,
                error: failed.error,
            },
            Theirs::TrackMuted(m) => mute(&mut state, m.participant_identity, m.track_sid, true),
            Theirs::TrackUnmuted(m) => mute(&mut state, m.participant_identity, m.track_sid, false),
            Theirs::LocalTrackPublished(published) => {
                RoomEvent::LocalTrackPublished { sid: published.track_sid }
            }
            Theirs::LocalTrackUnpublished(gone) => {
                state.local.tracks.retain(|track| track.sid != gone.publication_sid);
                RoomEvent::LocalTrackUnpublished { sid: gone.publication_sid }
            }
            Theirs::LocalTrackRepublished(again) => {
                let track = convert::track(&again.info);
                if let Some(local) = state.own_track(&again.previous_sid) {
                    local.republished(track.clone());
                }
                state.local.tracks.retain(|t| t.sid != again.previous_sid && t.sid != track.sid);
                state.local.tracks.push(track.clone());
                RoomEvent::LocalTrackRepublished { previous: again.previous_sid, track }
            }
            Theirs::LocalTrackSubscribed(subscribed) => {
                RoomEvent::LocalTrackSubscribed { sid: subscribed.track_sid }
            }
            Theirs::ActiveSpeakersChanged(speakers) => {
                RoomEvent::ActiveSpeakers(speakers.participant_identities)
            }
            Theirs::ConnectionQualityChanged(change) => {
                let quality = convert::quality(change.quality());
                RoomEvent::ConnectionQuality { participant: change.participant_identity, quality }
            }
            Theirs::DataPacketReceived(DataPacketReceived {
                participant_identity: from,
                value: Some(data_packet_received::Value::SipDtmf(key)),
                ..
            }) => RoomEvent::Dtmf { from, digit: key.digit.unwrap_or_default() },
            Theirs::TranscriptionReceived(received) => RoomEvent::Transcription {
                participant: received.participant_identity,
                track_sid: received.track_sid,
                segments: received.segments.into_iter().map(convert::segment).collect(),
            },
            Theirs::TextStreamOpened(opened) => {
                drop(state);
                let reader = engine.adopt(opened.reader.handle.id);
                let stream = convert::text_stream(opened.reader.info, opened.participant_identity);
                let id = reader.id();
                self.shared.hub().route(id, self.route.clone());
                self.streams.open_text(reader, stream.clone());
                self.read(
                    id,
                    Request::TextReadIncremental(TextStreamReaderReadIncrementalRequest {
                        reader_handle: id,
                    }),
                );
                RoomEvent::TextOpened(stream)
            }
            Theirs::ByteStreamOpened(opened) => {
                drop(state);
                let reader = engine.adopt(opened.reader.handle.id);
                let stream = convert::byte_stream(opened.reader.info, opened.participant_identity);
                let id = reader.id();
                self.shared.hub().route(id, self.route.clone());
                self.streams.open_bytes(reader, stream);
                self.read(
                    id,
                    Request::ByteReadIncremental(ByteStreamReaderReadIncrementalRequest {
                        reader_handle: id,
                    }),
                );
                return None;
            }
            Theirs::Reconnecting(_) => RoomEvent::Reconnecting,
            Theirs::Reconnected(_) => RoomEvent::Reconnected,
            _ => return None,
        })
    }

    fn read(&self, reader: u64, request: Request) {
        if let Err(error) = self.shared.hub().request(request) {
            tracing::warn!(%error, "an incoming stream cannot be read");
            self.shared.hub().unroute([reader]);
        }
    }
}

fn mute(state: &mut super::state::State, participant: String, sid: String, muted: bool) -> RoomEvent {
    if let Some(track) = state.track(&sid) {
        track.muted = muted;
    }
    if let Some(local) = state.own_track(&sid) {
        local.muted(muted);
    }
    RoomEvent::TrackMuted { participant, sid, muted }
}

fn rpc(call: RpcMethodInvocationEvent) -> RpcCall {
    RpcCall {
        id: call.invocation_id,
        method: call.method,
        from: call.caller_identity,
        payload: call.payload,
        timeout: std::time::Duration::from_millis(call.response_timeout_ms.into()),
    }
}
