//! A joined room: requests in, answers out.

use std::{
    future::Future,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use async_trait::async_trait;
use duologue_native::livekit::{
    Handle,
    proto::{
        AudioStreamType, DisconnectRequest, GetSessionStatsRequest, NewAudioStreamRequest, PerformRpcRequest,
        PublishDataRequest, PublishTranscriptionRequest, ReadyForRoomEventRequest, RegisterRpcMethodRequest,
        RpcError, RpcMethodInvocationResponseRequest, SetLocalAttributesRequest, SetLocalMetadataRequest,
        SetLocalNameRequest, SetSubscribedRequest, SimulateScenarioKind, SimulateScenarioRequest,
        StreamByteOptions, StreamSendBytesRequest, StreamSendTextRequest, UnregisterRpcMethodRequest,
        connect_callback, ffi_event::Message, ffi_request::Message as Request,
        ffi_response::Message as Response, get_session_stats_callback, stream_send_bytes_callback,
        stream_send_text_callback,
    },
};
use tokio::sync::mpsc;

use super::{
    convert,
    hub::{Hub, Route, odd},
    local_audio::{self, LocalTrack},
    native,
    shared::Shared,
    state::State,
    stats,
    streams::Streams,
    task::Task,
    text_writer,
};
use crate::{
    Error, ErrorKind,
    engine::{
        Attributes, AudioFormat, AudioTrackOptions, ConnectOptions, DEADLINE, Disturbance, LocalAudio,
        Participant, RemoteAudio, Room, RoomEvents, RoomInfo, RpcFailure, Stats, StreamOptions, TextWriter,
        TranscriptionSegment,
        support::{check_format, check_packet, failed},
    },
};

/// How much received sound may wait in the engine, in milliseconds; beyond it our own queue takes over.
const ENGINE_QUEUE_MS: u32 = 200;

/// The room as its user holds it; dropping it leaves.
#[derive(Debug)]
pub(super) struct FfiRoom(Arc<Shared>);

impl FfiRoom {
    pub(super) fn enter(
        hub: &'static Hub,
        joined: connect_callback::Result,
        options: &ConnectOptions,
    ) -> Result<(Self, RoomEvents), Error> {
        let engine = hub.native();
        let (room, local) = (joined.room.handle.id, joined.local_participant.handle.id);
        let me = convert::participant(joined.local_participant.info, Vec::new());
        let state = State::new(engine, convert::room(joined.room.info), me, joined.participants);
        let shared = Arc::new(Shared::new(hub, room, engine.adopt(local), state));
        let (queue, told) = mpsc::channel(options.event_queue.max(1));
        let route = Route { queue, lost: Arc::new(AtomicU64::new(0)) };
        hub.route(room, route.clone());
        hub.route(local, route.clone());
        let (feed, events) = RoomEvents::channel(options.event_queue);
        let task = Task { shared: shared.clone(), feed, route, streams: Streams::default(), reason: None };
        // Before the task starts, so that an error here leaves again.
        let this = Self(shared);
        hub.request(Request::ReadyForRoomEvent(ReadyForRoomEventRequest { room_handle: room }))?;
        tokio::spawn(task.run(told));
        Ok((this, events))
    }

    fn local_handle(&self) -> u64 {
        self.0.local_handle()
    }
}

impl Drop for FfiRoom {
    fn drop(&mut self) {
        if self.0.start_leaving() {
            let request = DisconnectRequest {
                room_handle: self.0.handle(),
                request_async_id: Some(self.0.hub().waiter().id),
                reason: None,
            };
            if let Err(error) = self.0.hub().request(Request::Disconnect(request)) {
                tracing::debug!(%error, "a room was not left");
            }
        }
    }
}

/// Asks once more if no answer came: the engine misses one that is there before it listens for it, as
/// happens on a busy machine. What is set twice is set.
async fn twice<F: Future<Output = Result<(), Error>>>(ask: impl Fn() -> F) -> Result<(), Error> {
    match ask().await {
        Err(error) if error.kind() == ErrorKind::TimedOut => ask().await,
        outcome => outcome,
    }
}

#[async_trait]
impl Room for FfiRoom {
    fn info(&self) -> RoomInfo {
        self.0.state().info.clone()
    }

    fn local(&self) -> Participant {
        self.0.state().local.clone()
    }

    fn participants(&self) -> Vec<Participant> {
        self.0.state().others.clone()
    }

    async fn publish_audio(&self, options: &AudioTrackOptions) -> Result<Arc<dyn LocalAudio>, Error> {
        let local = local_audio::publish(&self.0, options).await?;
        Ok(Arc::new(LocalTrack(local)))
    }

    async fn set_subscribed(&self, sid: &str, subscribed: bool) -> Result<(), Error> {
        self.0.alive()?;
        let Some(publication) = self.0.state().publication(sid) else {
            return Err(Error::new(ErrorKind::Config, format!("nobody publishes a track {sid:?}")));
        };
        let request = SetSubscribedRequest { subscribe: subscribed, publication_handle: publication };
        self.0.hub().request(Request::SetSubscribed(request)).map(drop)
    }

    async fn listen(&self, sid: &str, format: AudioFormat) -> Result<RemoteAudio, Error> {
        self.0.alive()?;
        check_format(format)?;
        let Some(track) = self.0.state().subscribed(sid) else {
            return Err(Error::new(ErrorKind::Config, format!("no track {sid:?} is subscribed to")));
        };
        let hub = self.0.hub();
        let answer = hub.request(Request::NewAudioStream(NewAudioStreamRequest {
            track_handle: track,
            r#type: AudioStreamType::AudioStreamNative.into(),
            sample_rate: Some(format.rate),
            num_channels: Some(1),
            frame_size_ms: Some(format.frame_ms),
            queue_size_frames: Some((ENGINE_QUEUE_MS / format.frame_ms).max(1)),
            ..NewAudioStreamRequest::default()
        }))?;
        let Response::NewAudioStream(answer) = answer else { return Err(odd("listening")) };
        let stream = hub.native().adopt(answer.stream.handle.id);
        let (feed, audio) = RemoteAudio::channel(format.rate, format.queue_frames);
        hub.feed(stream.id(), feed);
        Ok(audio.holding(Listening { hub, stream }))
    }

    async fn publish_data(
        &self,
        payload: &[u8],
        topic: Option<&str>,
        reliable: bool,
        to: &[String],
    ) -> Result<(), Error> {
        self.0.alive()?;
        check_packet(payload)?;
        let waiter = self.0.hub().waiter();
        let request = PublishDataRequest {
            local_participant_handle: self.local_handle(),
            reliable,
            topic: topic.map(str::to_owned),
            destination_identities: to.to_vec(),
            request_async_id: Some(waiter.id),
            ..PublishDataRequest::default()
        };
        self.0.hub().native().publish_data(payload, request).map_err(|e| native(&e))?;
        let what = "sending data";
        let Message::PublishData(callback) = self.0.watch(waiter.wait(what, DEADLINE)).await? else {
            return Err(odd(what));
        };
        done(what, callback.error)
    }

    async fn send_text(&self, text: &str, options: &StreamOptions) -> Result<String, Error> {
        let what = "sending a text";
        let request = StreamSendTextRequest {
            local_participant_handle: self.local_handle(),
            options: text_writer::text_options(options),
            text: text.to_owned(),
            request_async_id: None,
        };
        let with_id = |id| Request::SendText(StreamSendTextRequest { request_async_id: Some(id), ..request });
        let Message::SendText(callback) = self.0.ask(what, DEADLINE, with_id).await? else {
            return Err(odd(what));
        };
        match callback.result {
            Some(stream_send_text_callback::Result::Info(info)) => Ok(info.stream_id),
            Some(stream_send_text_callback::Result::Error(error)) => Err(failed(what, &error.description)),
            None => Err(odd(what)),
        }
    }

    async fn open_text(&self, options: &StreamOptions) -> Result<Box<dyn TextWriter>, Error> {
        Ok(Box::new(text_writer::open(&self.0, options).await?))
    }

    async fn send_bytes(&self, bytes: &[u8], options: &StreamOptions) -> Result<String, Error> {
        let what = "sending bytes";
        let request = StreamSendBytesRequest {
            local_participant_handle: self.local_handle(),
            options: byte_options(options, bytes.len()),
            bytes: bytes.to_vec(),
            request_async_id: None,
        };
        let with_id =
            |id| Request::SendBytes(StreamSendBytesRequest { request_async_id: Some(id), ..request });
        let Message::SendBytes(callback) = self.0.ask(what, DEADLINE, with_id).await? else {
            return Err(odd(what));
        };
        match callback.result {
            Some(stream_send_bytes_callback::Result::Info(info)) => Ok(info.stream_id),
            Some(stream_send_bytes_callback::Result::Error(error)) => Err(failed(what, &error.description)),
            None => Err(odd(what)),
        }
    }

    async fn set_attributes(&self, attributes: &Attributes) -> Result<(), Error> {
        twice(|| async move {
            let what = "setting attributes";
            let request = SetLocalAttributesRequest {
                local_participant_handle: self.local_handle(),
                attributes: convert::entries(attributes),
                request_async_id: None,
            };
            let with_id = |id| {
                Request::SetLocalAttributes(SetLocalAttributesRequest {
                    request_async_id: Some(id),
                    ..request
                })
            };
            let Message::SetLocalAttributes(callback) = self.0.ask(what, DEADLINE, with_id).await? else {
                return Err(odd(what));
            };
            done(what, callback.error)
        })
        .await
    }

    async fn set_metadata(&self, metadata: &str) -> Result<(), Error> {
        twice(|| async move {
            let what = "setting metadata";
            let request = SetLocalMetadataRequest {
                local_participant_handle: self.local_handle(),
                metadata: metadata.to_owned(),
                request_async_id: None,
            };
            let with_id = |id| {
                Request::SetLocalMetadata(SetLocalMetadataRequest { request_async_id: Some(id), ..request })
            };
            let Message::SetLocalMetadata(callback) = self.0.ask(what, DEADLINE, with_id).await? else {
                return Err(odd(what));
            };
            done(what, callback.error)
        })
        .await
    }

    async fn set_name(&self, name: &str) -> Result<(), Error> {
        twice(|| async move {
            let what = "setting the name";
            let request = SetLocalNameRequest {
                local_participant_handle: self.local_handle(),
                name: name.to_owned(),
                request_async_id: None,
            };
            let with_id =
                |id| Request::SetLocalName(SetLocalNameRequest { request_async_id: Some(id), ..request });
            let Message::SetLocalName(callback) = self.0.ask(what, DEADLINE, with_id).await? else {
                return Err(odd(what));
            };
            done(what, callback.error)
        })
        .await
    }

    async fn register_rpc(&self, method: &str) -> Result<(), Error> {
        self.0.alive()?;
        let request = RegisterRpcMethodRequest {
            local_participant_handle: self.local_handle(),
            method: method.to_owned(),
        };
        self.0.hub().request(Request::RegisterRpcMethod(request)).map(drop)
    }

    async fn unregister_rpc(&self, method: &str) -> Result<(), Error> {
        self.0.alive()?;
        let request = UnregisterRpcMethodRequest {
            local_participant_handle: self.local_handle(),
            method: method.to_owned(),
        };
        self.0.hub().request(Request::UnregisterRpcMethod(request)).map(drop)
    }

    async fn answer_rpc(&self, id: u64, answer: Result<String, RpcFailure>) -> Result<(), Error> {
        self.0.alive()?;
        let (payload, error) = match answer {
            Ok(payload) => (Some(payload), None),
            Err(e) => (None, Some(RpcError { code: e.code, message: e.message, data: e.data })),
        };
        let request = RpcMethodInvocationResponseRequest {
            local_participant_handle: self.local_handle(),
            invocation_id: id,
            payload,
            error,
        };
        let what = "answering a call";
        match self.0.hub().request(Request::RpcMethodInvocationResponse(request))? {
            Response::RpcMethodInvocationResponse(answer) => done(what, answer.error),
            _ => Err(odd(what)),
        }
    }

    async fn call_rpc(
        &self,
        to: &str,
        method: &str,
        payload: &str,
        timeout: Duration,
    ) -> Result<Result<String, RpcFailure>, Error> {
        let what = "calling a method";
        let request = PerformRpcRequest {
            local_participant_handle: self.local_handle(),
            destination_identity: to.to_owned(),
            method: method.to_owned(),
            payload: payload.to_owned(),
            response_timeout_ms: Some(u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX)),
            request_async_id: None,
            max_round_trip_latency_ms: None,
        };
        let with_id = |id| Request::PerformRpc(PerformRpcRequest { request_async_id: Some(id), ..request });
        // The engine keeps the caller's time itself.
        let Message::PerformRpc(callback) = self.0.ask(what, timeout + DEADLINE, with_id).await? else {
            return Err(odd(what));
        };
        Ok(match callback.error {
            Some(e) => {
                let data = e.data.filter(|data| !data.is_empty());
                Err(RpcFailure { code: e.code, message: e.message, data })
            }
            None => Ok(callback.payload.unwrap_or_default()),
        })
    }

    async fn publish_transcription(
        &self,
        participant: &str,
        track_sid: &str,
        segments: &[TranscriptionSegment],
    ) -> Result<(), Error> {
        let what = "sending a transcription";
        let request = PublishTranscriptionRequest {
            local_participant_handle: self.local_handle(),
            participant_identity: participant.to_owned(),
            track_id: track_sid.to_owned(),
            segments: segments.iter().map(convert::their_segment).collect(),
            request_async_id: None,
        };
        let with_id = |id| {
            Request::PublishTranscription(PublishTranscriptionRequest {
                request_async_id: Some(id),
                ..request
            })
        };
        let Message::PublishTranscription(callback) = self.0.ask(what, DEADLINE, with_id).await? else {
            return Err(odd(what));
        };
        done(what, callback.error)
    }

    async fn stats(&self) -> Result<Stats, Error> {
        let what = "asking for figures";
        let room_handle = self.0.handle();
        let with_id =
            |id| Request::GetSessionStats(GetSessionStatsRequest { room_handle, request_async_id: Some(id) });
        let Message::GetSessionStats(callback) = self.0.ask(what, DEADLINE, with_id).await? else {
            return Err(odd(what));
        };
        match callback.message {
            Some(get_session_stats_callback::Message::Result(figures)) => {
                let all = figures.publisher_stats.into_iter().chain(figures.subscriber_stats);
                Ok(stats::sum(all.filter_map(|figure| figure.stats)))
            }
            Some(get_session_stats_callback::Message::Error(said)) => Err(failed(what, &said)),
            None => Err(odd(what)),
        }
    }

    async fn disturb(&self, disturbance: Disturbance) -> Result<(), Error> {
        let what = "disturbing the connection";
        let scenario = match disturbance {
            Disturbance::Signal => SimulateScenarioKind::SimulateSignalReconnect,
            Disturbance::Full => SimulateScenarioKind::SimulateFullReconnect,
            Disturbance::ServerLeave => SimulateScenarioKind::SimulateServerLeave,
            Disturbance::NodeFailure => SimulateScenarioKind::SimulateNodeFailure,
        };
        let room_handle = self.0.handle();
        let with_id = |id| {
            Request::SimulateScenario(SimulateScenarioRequest {
                room_handle,
                scenario: scenario.into(),
                request_async_id: Some(id),
            })
        };
        let Message::SimulateScenario(callback) = self.0.ask(what, DEADLINE, with_id).await? else {
            return Err(odd(what));
        };
        done(what, callback.error)
    }

    async fn disconnect(&self) -> Result<(), Error> {
        if !self.0.start_leaving() {
            return Ok(());
        }
        let room_handle = self.0.handle();
        let left = self
            .0
            .watch(self.0.hub().ask("leaving", DEADLINE, |id| {
                Request::Disconnect(DisconnectRequest {
                    room_handle,
                    request_async_id: Some(id),
                    reason: None,
                })
            }))
            .await;
        // The task tells the end and lets go of everything; it gives up by itself if the engine does not tell.
        match (left, self.0.has_ended().await) {
            (_, true) => Ok(()),
            (Err(error), false) => Err(error),
            (Ok(_), false) => Err(Error::new(ErrorKind::TimedOut, "the room did not end")),
        }
    }
}

/// Ends an audio stream when its listener is dropped.
struct Listening {
    hub: &'static Hub,
    stream: Handle,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.hub.unfeed(self.stream.id());
    }
}

fn done(what: &str, error: Option<String>) -> Result<(), Error> {
    error.filter(|said| !said.is_empty()).map_or(Ok(()), |said| Err(failed(what, &said)))
}

fn byte_options(options: &StreamOptions, len: usize) -> StreamByteOptions {
    StreamByteOptions {
        topic: options.topic.clone(),
        attributes: convert::map(&options.attributes),
        destination_identities: options.to.clone(),
        id: options.id.clone(),
        name: options.name.clone(),
        mime_type: options.mime.clone(),
        total_length: Some(len as u64),
        sender_identity: options.sender.clone(),
        ..StreamByteOptions::default()
    }
}
