//! The seam to whatever speaks LiveKit's protocol: rooms are joined, heard and spoken into through [`RoomEngine`] and [`Room`].
//!
//! Nothing of LiveKit's own types shows here, so an endpoint, a worker or a test depends on plain data only. An engine is loaded once and
//! shared; a [`Room`] is one connection. [`FfiEngine`] is LiveKit's own engine, loaded at run time; it was run against livekit-server 1.13.5.
//! The crate `duologue-room-native`, outside the workspace, is a second engine, over the crate `livekit`, for programs that would rather link
//! WebRTC than load it; it was type-checked only. What engines share is in [`support`].
//!
//! # Invariants
//! - Every wait has a deadline: [`ConnectOptions::timeout`] for joining, [`DEADLINE`] for everything else.
//! - No event is lost in silence: what a slow reader misses is told by [`RoomEvent::Lagged`].
//! - After [`RoomEvent::Disconnected`], always the last event, every call says [`ErrorKind::Closed`](crate::ErrorKind::Closed).
//! - Sound is mono 16-bit PCM in both directions; a stream's rate never changes.
//!
//! # Life cycle
//! [`RoomEngine::connect`] → [`Connection`] → events are read, tracks published, streams written → [`Room::disconnect`], or the last
//! `Arc` of the room is dropped, which leaves the room too but waits for nothing.
//!
//! ```no_run
//! use duologue_room::engine::{AudioFormat, ConnectOptions, RoomEngine, RoomEvent, TrackKind};
//!
//! # async fn example(engine: &dyn RoomEngine) -> Result<(), duologue_room::Error> {
//! let mut joined = engine.connect("ws://127.0.0.1:7880", "a token", &ConnectOptions::default()).await?;
//! while let Some(event) = joined.events.next().await {
//!     if let RoomEvent::TrackSubscribed { participant, track } = event
//!         && track.kind == TrackKind::Audio
//!     {
//!         let mut audio = joined.room.listen(&track.sid, AudioFormat::default()).await?;
//!         let frame = audio.next().await;
//!         println!("{participant} says {frame:?}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod audio;
mod event;
mod events;
pub mod ffi;
mod options;
mod peer;
mod playout;
mod queue;
mod stream;
pub mod support;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::Error;

pub use audio::{AudioFormat, AudioFrame, Playout, RemoteAudio, RemoteAudioFeed};
pub use event::{DisconnectReason, Quality, RoomEvent, TranscriptionSegment};
pub use events::{RoomEvents, RoomEventsFeed};
pub use ffi::FfiEngine;
pub use options::{AudioTrackOptions, ConnectOptions, StreamOptions};
pub use peer::{Participant, ParticipantKind, RoomInfo, Track, TrackKind, TrackSource};
pub use stream::{ByteStream, RpcCall, RpcFailure, TextStream};

/// How long any wait of a joined room may take, unless the call says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Attributes of participants and streams.
pub type Attributes = BTreeMap<String, String>;

/// Joins rooms. Shared by everything in the process; cheap to clone behind its `Arc`.
#[async_trait]
pub trait RoomEngine: Send + Sync + fmt::Debug {
    /// Name and version for people and logs, for instance `livekit-ffi 0.13.2`.
    fn name(&self) -> String;

    /// Joins the room that `token` grants, at `url` (`ws://`, `wss://`, `http://` or `https://`).
    ///
    /// # Errors
    /// [`Unauthorized`](crate::ErrorKind::Unauthorized) (the token is expired, or signed with another secret),
    /// [`Network`](crate::ErrorKind::Network) (no server answers there), [`TimedOut`](crate::ErrorKind::TimedOut),
    /// [`Config`](crate::ErrorKind::Config) (`url` is no address), [`Engine`](crate::ErrorKind::Engine).
    async fn connect(&self, url: &str, token: &str, options: &ConnectOptions) -> Result<Connection, Error>;
}

/// A joined room and what happens in it.
#[derive(Debug)]
pub struct Connection {
    /// To act in the room.
    pub room: Arc<dyn Room>,
    /// What happens in the room, in order. Who was there before is in [`Room::participants`]; no event tells of them again.
    pub events: RoomEvents,
}

/// A joined room, seen by its local participant.
///
/// Every `async` function answers within [`DEADLINE`] and fails with [`Closed`](crate::ErrorKind::Closed) once the room is over,
/// [`TimedOut`](crate::ErrorKind::TimedOut) past the deadline, or [`Engine`](crate::ErrorKind::Engine) with what the engine or the
/// server said (a missing permission, for instance); what else can go wrong stands with the function.
#[async_trait]
pub trait Room: Send + Sync + fmt::Debug {
    /// The room as the server last described it.
    fn info(&self) -> RoomInfo;

    /// The local participant.
    fn local(&self) -> Participant;

    /// Everybody else, in the order of joining, with their tracks.
    fn participants(&self) -> Vec<Participant>;

    /// Publishes an audio track.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) if a value of `options` is out of its range.
    async fn publish_audio(&self, options: &AudioTrackOptions) -> Result<Arc<dyn LocalAudio>, Error>;

    /// Subscribes to a remote track or lets go of it; [`RoomEvent::TrackSubscribed`] or
    /// [`RoomEvent::TrackUnsubscribed`] follows when it is done.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) if nobody publishes a track `sid`.
    async fn set_subscribed(&self, sid: &str, subscribed: bool) -> Result<(), Error>;

    /// Starts to receive a subscribed audio track, mixed to mono and resampled to `format`. Dropping the result stops it.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) if no subscribed audio track `sid` exists or `format` is out of its range.
    async fn listen(&self, sid: &str, format: AudioFormat) -> Result<RemoteAudio, Error>;

    /// Sends a data message to the participants named in `to`, or to all if it is empty. A lossy message may be lost or overtaken.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) if `payload` is longer than the 15 KiB that one packet holds.
    async fn publish_data(
        &self,
        payload: &[u8],
        topic: Option<&str>,
        reliable: bool,
        to: &[String],
    ) -> Result<(), Error>;

    /// Sends a whole text as one text stream; its id is returned.
    async fn send_text(&self, text: &str, options: &StreamOptions) -> Result<String, Error>;

    /// Opens a text stream to write it bit by bit.
    async fn open_text(&self, options: &StreamOptions) -> Result<Box<dyn TextWriter>, Error>;

    /// Sends bytes as one byte stream; its id is returned.
    async fn send_bytes(&self, bytes: &[u8], options: &StreamOptions) -> Result<String, Error>;

    /// Sets attributes of the local participant and leaves its others as they are; an empty value deletes one.
    async fn set_attributes(&self, attributes: &Attributes) -> Result<(), Error>;

    /// Sets the metadata of the local participant.
    async fn set_metadata(&self, metadata: &str) -> Result<(), Error>;

    /// Sets the display name of the local participant.
    async fn set_name(&self, name: &str) -> Result<(), Error>;

    /// Accepts calls of `method`: each arrives as [`RoomEvent::Rpc`] and wants an [`answer_rpc`](Self::answer_rpc).
    async fn register_rpc(&self, method: &str) -> Result<(), Error>;

    /// Accepts no more calls of `method`.
    async fn unregister_rpc(&self, method: &str) -> Result<(), Error>;

    /// Answers the call [`RpcCall::id`], once.
    async fn answer_rpc(&self, id: u64, answer: Result<String, RpcFailure>) -> Result<(), Error>;

    /// Calls `method` of the participant `to` and waits for its answer, at most `timeout`. The outer error is the connection's, the
    /// inner one is what the other side, or the protocol in its stead, answered.
    async fn call_rpc(
        &self,
        to: &str,
        method: &str,
        payload: &str,
        timeout: Duration,
    ) -> Result<Result<String, RpcFailure>, Error>;

    /// Sends a transcription packet of the old kind, for peers that read no text streams. `participant` is whose speech it is,
    /// `track_sid` the track that carries it.
    async fn publish_transcription(
        &self,
        participant: &str,
        track_sid: &str,
        segments: &[TranscriptionSegment],
    ) -> Result<(), Error>;

    /// Figures of the connection so far.
    async fn stats(&self) -> Result<Stats, Error>;

    /// Disturbs the connection, to test what survives it.
    async fn disturb(&self, disturbance: Disturbance) -> Result<(), Error>;

    /// Leaves the room. The second call, and one after the server ended it, does nothing.
    async fn disconnect(&self) -> Result<(), Error>;
}

/// A published audio track: sound goes in here. Dropping it unpublishes the track and waits for nothing.
#[async_trait]
pub trait LocalAudio: Send + Sync + fmt::Debug {
    /// The track as published; its sid changes with [`RoomEvent::LocalTrackRepublished`].
    fn track(&self) -> Track;

    /// Rate of the samples that [`write`](Self::write) takes, in Hz.
    fn rate(&self) -> u32;

    /// Hands over samples, 10 ms at a time or a multiple (an odd rest is filled up with silence, which counts as written), and returns when the engine's queue has room for more, so that
    /// a loop around it runs at the pace of the sound. With a queue of 0 ms it returns at once, and the caller keeps the pace. Writers take
    /// turns.
    ///
    /// Where it fails or its future is dropped, [`playout`](Self::playout) still counts what the engine took.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed), [`TimedOut`](crate::ErrorKind::TimedOut), [`Engine`](crate::ErrorKind::Engine).
    async fn write(&self, samples: &[i16]) -> Result<(), Error>;

    /// Throws away what waits in the engine's queue, at once; tells how many samples that were.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed), [`Engine`](crate::ErrorKind::Engine).
    fn clear(&self) -> Result<u64, Error>;

    /// What became of the samples so far.
    fn playout(&self) -> Playout;

    /// Mutes the track or opens it again, for everybody.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed), [`Engine`](crate::ErrorKind::Engine).
    fn set_muted(&self, muted: bool) -> Result<(), Error>;

    /// Takes the track back. The second call does nothing.
    ///
    /// # Errors
    /// As every call of [`Room`].
    async fn unpublish(&self) -> Result<(), Error>;
}

/// An open text stream. Dropping it closes the stream and waits for nothing.
#[async_trait]
pub trait TextWriter: Send + fmt::Debug {
    /// The stream's id.
    fn id(&self) -> &str;

    /// Appends text.
    ///
    /// # Errors
    /// As every call of [`Room`].
    async fn write(&mut self, text: &str) -> Result<(), Error>;

    /// Ends the stream; `attributes` are added to those it was opened with.
    ///
    /// # Errors
    /// As every call of [`Room`].
    async fn close(self: Box<Self>, attributes: &Attributes) -> Result<(), Error>;
}

/// What to do to a connection, in tests of what survives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disturbance {
    /// The WebSocket is cut; the connection resumes.
    Signal,
    /// Everything is cut; tracks are published anew and get other sids.
    Full,
    /// The server sends the participant away.
    ServerLeave,
    /// The server's node goes away.
    NodeFailure,
}

/// Figures of a connection so far; zero where the engine does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Round trip to the server, in milliseconds.
    pub round_trip_ms: f64,
    /// Received audio packets.
    pub packets_received: u64,
    /// Audio packets that never came.
    pub packets_lost: i64,
    /// Largest jitter of the received audio streams, in milliseconds.
    pub jitter_ms: f64,
    /// Samples that the receiver made up because packets were missing or late.
    pub concealed_samples: u64,
    /// Sent audio packets.
    pub packets_sent: u64,
    /// Received bytes of audio.
    pub bytes_received: u64,
    /// Sent bytes of audio.
    pub bytes_sent: u64,
}
