//! A joined room: requests in, answers out.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use duologue_room::{
    Error, ErrorKind,
    engine::{
        Attributes, AudioFormat, AudioTrackOptions, ConnectOptions, DEADLINE, Disturbance, LocalAudio,
        Participant, RemoteAudio, Room, RoomEvents, RoomInfo, RpcFailure, Stats, StreamOptions, TextWriter,
        TranscriptionSegment,
        support::{check_packet, failed},
    },
};
use livekit::{
    DataPacket, RoomEvent, SendByteOptions, SendTextOptions, SimulateScenario, Transcription,
    prelude::PerformRpcData,
};
use tokio::sync::mpsc;

use crate::{
    calls::Calls,
    convert, listen,
    local_audio::{self, LocalTrack},
    shared::{END, Life, Shared, refusal},
    state::State,
    stats,
    streams::Streams,
    task::Task,
    text_writer,
};

/// How many calls may wait for the room's task; more are refused.
const CALLS: usize = 64;

/// The room as its user holds it; dropping it leaves.
#[derive(Debug)]
pub(crate) struct NativeRoom(Arc<Shared>);

impl NativeRoom {
    pub(crate) async fn enter(
        room: livekit::Room,
        mut told: mpsc::UnboundedReceiver<RoomEvent>,
        options: &ConnectOptions,
    ) -> Result<(Self, RoomEvents), Error> {
        // Always the first event, and queued before joining was answered.
        let Ok(RoomEvent::Connected { participants_with_tracks: mut there }) = told.try_recv() else {
            if let Err(error) = room.close().await {
                tracing::debug!(%error, "a room was not left");
            }
            return Err(Error::new(ErrorKind::Engine, "LiveKit's crate did not tell who is in the room"));
        };
        there.sort_by_key(|(other, _)| (other.joined_at(), other.sid()));
        let others = there.into_iter().map(|(other, tracks)| convert::remote(&other, tracks)).collect();
        let state = State::new(convert::joined(&room), convert::local(&room.local_participant()), others);
        let (queue, calls) = mpsc::channel(CALLS);
        let shared = Arc::new(Shared::new(room, state, Calls::new(queue)));
        let (feed, events) = RoomEvents::channel(options.event_queue);
        let task = Task { shared: shared.clone(), feed, streams: Streams::default() };
        tokio::spawn(task.run(told, calls));
        Ok((Self(shared), events))
    }
}

impl Drop for NativeRoom {
    fn drop(&mut self) {
        if self.0.start_leaving() {
            let shared = self.0.clone();
            self.0.runtime.spawn(async move {
                if let Err(error) = shared.room.close().await {
                    tracing::debug!(%error, "a room was not left");
                }
            });
        }
    }
}

#[async_trait]
impl Room for NativeRoom {
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
        let Some(publication) = listen::publication(&self.0, sid) else {
            return Err(Error::new(ErrorKind::Config, format!("nobody publishes a track {sid:?}")));
        };
        // It asks the server in a task.
        let _within = self.0.runtime.enter();
        publication.set_subscribed(subscribed);
        Ok(())
    }

    async fn listen(&self, sid: &str, format: AudioFormat) -> Result<RemoteAudio, Error> {
        self.0.alive()?;
        listen::listen(&self.0, sid, format)
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
        let packet = DataPacket {
            payload: payload.to_vec(),
            topic: topic.map(str::to_owned),
            reliable,
            destination_identities: to.iter().cloned().map(Into::into).collect(),
        };
        let (what, me) = ("sending data", self.0.me());
        let sent = self.0.ask(what, DEADLINE, async move { me.publish_data(packet).await }).await?;
        sent.map_err(|e| refusal(what, &e))
    }

    async fn send_text(&self, text: &str, options: &StreamOptions) -> Result<String, Error> {
        let (what, me, text) = ("sending a text", self.0.me(), text.to_owned());
        let mut theirs = SendTextOptions::new_with_topic(&options.topic);
        theirs.attributes = convert::map(&options.attributes);
        theirs.destination_identities = options.to.iter().cloned().map(Into::into).collect();
        theirs.id.clone_from(&options.id);
        theirs.sender_identity = options.sender.clone().map(Into::into);
        let sent = self.0.ask(what, DEADLINE, async move { me.send_text(&text, theirs).await }).await?;
        sent.map(|info| info.id).map_err(|e| failed(what, &e.to_string()))
    }

    async fn open_text(&self, options: &StreamOptions) -> Result<Box<dyn TextWriter>, Error> {
        Ok(Box::new(text_writer::open(&self.0, options).await?))
    }

    async fn send_bytes(&self, bytes: &[u8], options: &StreamOptions) -> Result<String, Error> {
        let (what, me, bytes) = ("sending bytes", self.0.me(), bytes.to_vec());
        let mut theirs = SendByteOptions::new_with_topic(&options.topic);
        theirs.attributes = convert::map(&options.attributes);
        theirs.destination_identities = options.to.iter().cloned().map(Into::into).collect();
        theirs.id.clone_from(&options.id);
        theirs.sender_identity = options.sender.clone().map(Into::into);
        theirs.name.clone_from(&options.name);
        theirs.mime_type.clone_from(&options.mime);
        let sent = self.0.ask(what, DEADLINE, async move { me.send_bytes(bytes, theirs).await }).await?;
        sent.map(|info| info.id).map_err(|e| failed(what, &e.to_string()))
    }

    async fn set_attributes(&self, attributes: &Attributes) -> Result<(), Error> {
        let (what, me, attributes) = ("setting attributes", self.0.me(), convert::map(attributes));
        let set = self.0.ask(what, DEADLINE, async move { me.set_attributes(attributes).await }).await?;
        set.map_err(|e| refusal(what, &e))
    }

    async fn set_metadata(&self, metadata: &str) -> Result<(), Error> {
        let (what, me, metadata) = ("setting metadata", self.0.me(), metadata.to_owned());
        let set = self.0.ask(what, DEADLINE, async move { me.set_metadata(metadata).await }).await?;
        set.map_err(|e| refusal(what, &e))
    }

    async fn set_name(&self, name: &str) -> Result<(), Error> {
        let (what, me, name) = ("setting the name", self.0.me(), name.to_owned());
        let set = self.0.ask(what, DEADLINE, async move { me.set_name(name).await }).await?;
        set.map_err(|e| refusal(what, &e))
    }

    async fn register_rpc(&self, method: &str) -> Result<(), Error> {
        self.0.alive()?;
        let (calls, name) = (self.0.calls.clone(), method.to_owned());
        self.0.me().register_rpc_method(method.to_owned(), move |data| {
            Box::pin(calls.clone().handle(name.clone(), data))
        });
        Ok(())
    }

    async fn unregister_rpc(&self, method: &str) -> Result<(), Error> {
        self.0.alive()?;
        self.0.me().unregister_rpc_method(method.to_owned());
        Ok(())
    }

    async fn answer_rpc(&self, id: u64, answer: Result<String, RpcFailure>) -> Result<(), Error> {
        self.0.alive()?;
        self.0.calls.answer(id, answer)
    }

    async fn call_rpc(
        &self,
        to: &str,
        method: &str,
        payload: &str,
        timeout: Duration,
    ) -> Result<Result<String, RpcFailure>, Error> {
        let call = PerformRpcData::new(to, method).with_payload(payload).with_response_timeout(timeout);
        let me = self.0.me();
        // The crate keeps the caller's time itself.
        let answer = self
            .0
            .ask("calling a method", timeout + DEADLINE, async move { me.perform_rpc(call).await })
            .await?;
        Ok(answer.map_err(|e| {
            let data = e.data.filter(|data| !data.is_empty());
            RpcFailure { code: e.code, message: e.message, data }
        }))
    }

    async fn publish_transcription(
        &self,
        participant: &str,
        track_sid: &str,
        segments: &[TranscriptionSegment],
    ) -> Result<(), Error> {
        let (what, me) = ("sending a transcription", self.0.me());
        let packet = Transcription {
            participant_identity: participant.to_owned(),
            track_id: track_sid.to_owned(),
            segments: segments.iter().map(convert::their_segment).collect(),
        };
        let sent = self.0.ask(what, DEADLINE, async move { me.publish_transcription(packet).await }).await?;
        sent.map_err(|e| refusal(what, &e))
    }

    async fn stats(&self) -> Result<Stats, Error> {
        let (what, shared) = ("asking for figures", self.0.clone());
        let told = self.0.ask(what, DEADLINE, async move { shared.room.get_stats().await }).await?;
        let figures = told.map_err(|e| failed(what, &e.to_string()))?;
        Ok(stats::sum(figures.publisher_stats.into_iter().chain(figures.subscriber_stats)))
    }

    async fn disturb(&self, disturbance: Disturbance) -> Result<(), Error> {
        let (what, shared) = ("disturbing the connection", self.0.clone());
        let scenario = match disturbance {
            Disturbance::Signal => SimulateScenario::SignalReconnect,
            Disturbance::Full => SimulateScenario::FullReconnect,
            Disturbance::ServerLeave => SimulateScenario::ServerLeave,
            Disturbance::NodeFailure => SimulateScenario::NodeFailure,
            other => {
                return Err(Error::new(
                    ErrorKind::Engine,
                    format!("{what}: this engine knows no disturbance {other:?}; use another"),
                ));
            }
        };
        let done =
            self.0.ask(what, DEADLINE, async move { shared.room.simulate_scenario(scenario).await }).await?;
        done.map_err(|e| failed(what, &e.to_string()))
    }

    async fn disconnect(&self) -> Result<(), Error> {
        let mut life = self.0.life();
        if !self.0.start_leaving() {
            return Ok(());
        }
        let shared = self.0.clone();
        self.0.runtime.spawn(async move {
            if let Err(error) = shared.room.close().await {
                tracing::debug!(%error, "leaving a room that was left");
            }
        });
        // The task tells the end and lets go of everything; it gives up by itself if the crate does not tell.
        match tokio::time::timeout(END + DEADLINE, life.wait_for(|life| *life == Life::Over)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::new(ErrorKind::TimedOut, "the room did not end")),
        }
    }
}
