//! Routes what the engine tells to whoever waits for it.
//!
//! Invariant: a waiter is registered before its request is sent, a room's or reader's route before the engine may tell of it. Nothing here
//! waits: queues are bounded, and what does not fit is counted and told of. An answer that nobody waits for any more is let go of, a room
//! that nobody waits for any more is left.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use duologue_native::{
    LoadOptions,
    livekit::{
        self, Engine, Event, LogLevel,
        proto::{
            ByteStreamReaderEvent, DisconnectRequest, RpcMethodInvocationEvent, TextStreamReaderEvent,
            audio_stream_event, connect_callback, ffi_event::Message, ffi_request::Message as Request,
            ffi_response::Message as Response, publish_track_callback, room_event, text_stream_open_callback,
        },
    },
};
use tokio::sync::{mpsc, oneshot};

use super::native;
use crate::{
    Error, ErrorKind,
    engine::{AudioFrame, RemoteAudioFeed},
};

/// Ours, so that they never meet the engine's own.
const FIRST_ID: u64 = 1 << 40;
/// Frames of streams whose number the engine has told to nobody yet.
const EARLY_FRAMES: usize = 64;

/// What is told to a room.
#[derive(Debug)]
pub(super) enum Told {
    Room(room_event::Message),
    Data {
        from: String,
        topic: Option<String>,
        payload: Vec<u8>,
        reliable: bool,
    },
    Text(TextStreamReaderEvent),
    Bytes(ByteStreamReaderEvent),
    Rpc(RpcMethodInvocationEvent),
    /// The engine failed.
    Panic(String),
}

/// A room's queue, and how much did not fit into it.
#[derive(Clone)]
pub(super) struct Route {
    pub queue: mpsc::Sender<Told>,
    pub lost: Arc<AtomicU64>,
}

impl Route {
    fn tell(&self, told: Told) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send(told) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The one engine of the process.
pub(super) struct Hub {
    engine: &'static Engine,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Message>>>,
    /// By the handles of rooms, local participants and stream readers.
    routes: Mutex<HashMap<u64, Route>>,
    streams: Mutex<Streams>,
    failed: OnceLock<String>,
}

#[derive(Default)]
struct Streams {
    feeds: HashMap<u64, RemoteAudioFeed>,
    early: VecDeque<(u64, AudioFrame)>,
}

static HUB: OnceLock<Hub> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Hub {
    /// Loads and starts the engine if it is not running yet.
    pub(super) fn get(options: &LoadOptions) -> Result<&'static Self, Error> {
        let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hub) = HUB.get() {
            return Ok(hub);
        }
        let engine = livekit::load(options).map_err(|e| native(&e))?;
        let hub = HUB.get_or_init(|| Self {
            engine,
            next: AtomicU64::new(FIRST_ID),
            waiting: Mutex::default(),
            routes: Mutex::default(),
            streams: Mutex::default(),
            failed: OnceLock::new(),
        });
        engine.start(|event| hub.told(event)).map_err(|e| native(&e))?;
        Ok(hub)
    }

    pub(super) fn native(&self) -> &'static Engine {
        self.engine
    }

    /// Sends a request whose answer is immediate.
    pub(super) fn request(&self, request: Request) -> Result<Response, Error> {
        self.healthy()?;
        self.engine.request(request).map_err(|e| native(&e))
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn ask(
        &'static self,
        what: &str,
        deadline: Duration,
        request: impl FnOnce(u64) -> Request,
    ) -> Result<Message, Error> {
        let waiter = self.waiter();
        self.request(request(waiter.id))?;
        waiter.wait(what, deadline).await
    }

    /// Prepares to wait for an answer.
    pub(super) fn waiter(&'static self) -> Waiter {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        lock(&self.waiting).insert(id, sender);
        Waiter { id, answer, hub: self }
    }

    pub(super) fn healthy(&self) -> Result<(), Error> {
        self.failed.get().map_or(Ok(()), |message| Err(panicked(message)))
    }

    pub(super) fn route(&self, handle: u64, route: Route) {
        lock(&self.routes).insert(handle, route);
    }

    pub(super) fn unroute(&self, handles: impl IntoIterator<Item = u64>) {
        let mut routes = lock(&self.routes);
        for handle in handles {
            routes.remove(&handle);
        }
    }

    /// Feeds the frames of an audio stream, those that came already first.
    pub(super) fn feed(&self, stream: u64, feed: RemoteAudioFeed) {
        let mut streams = lock(&self.streams);
        streams.early.retain_mut(|(id, frame)| {
            let ours = *id == stream;
            if ours {
                feed.send(std::mem::take(frame));
            }
            !ours
        });
        streams.feeds.insert(stream, feed);
    }

    pub(super) fn unfeed(&self, stream: u64) {
        let feed = lock(&self.streams).feeds.remove(&stream);
        drop(feed);
    }

    fn told(&'static self, event: Event) {
        match event {
            Event::Audio { stream, rate, channels, samples } => self.frame(stream, rate, channels, samples),
            Event::Data { room, from, topic, payload, reliable } => {
                self.tell(room, Told::Data { from, topic, payload, reliable });
            }
            Event::Log { level, target, message } => log(level, &target, &message),
            Event::Panic(message) => self.panicked(message),
            Event::Message(message) => self.message(message),
            other => tracing::warn!(event = ?other, "the engine said something odd"),
        }
    }

    fn message(&'static self, message: Message) {
        match message {
            Message::RoomEvent(event) => {
                if let Some(told) = event.message {
                    self.tell(event.room_handle, Told::Room(told));
                }
            }
            Message::TextStreamReaderEvent(event) => self.tell(event.reader_handle, Told::Text(event)),
            Message::ByteStreamReaderEvent(event) => self.tell(event.reader_handle, Told::Bytes(event)),
            Message::RpcMethodInvocation(event) => {
                self.tell(event.local_participant_handle, Told::Rpc(event));
            }
            Message::AudioStreamEvent(event) => {
                if let Some(audio_stream_event::Message::Eos(_)) = event.message {
                    self.unfeed(event.stream_handle);
                }
            }
            answer => self.answer(answer),
        }
    }

    fn answer(&'static self, message: Message) {
        let Some(id) = async_id(&message) else { return };
        let waiter = lock(&self.waiting).remove(&id);
        let unwanted = match waiter {
            Some(waiter) => waiter.send(message).err(),
            None => Some(message),
        };
        if let Some(message) = unwanted {
            self.let_go(message);
        }
    }

    /// Lets go of what an answer holds that nobody waits for any more.
    fn let_go(&'static self, message: Message) {
        match message {
            Message::Connect(callback) => {
                let Some(connect_callback::Message::Result(joined)) = callback.message else { return };
                // On a thread of its own, because a request may not be made on the engine's. Rare: a wait was given up.
                std::thread::spawn(move || self.leave(joined.room.handle.id));
            }
            Message::PublishTrack(callback) => {
                if let Some(publish_track_callback::Message::Publication(publication)) = callback.message {
                    drop(self.engine.adopt(publication.handle.id));
                }
            }
            Message::TextStreamOpen(callback) => {
                if let Some(text_stream_open_callback::Result::Writer(writer)) = callback.result {
                    drop(self.engine.adopt(writer.handle.id));
                }
            }
            _ => {}
        }
    }

    /// Leaves a room and waits for nothing.
    pub(super) fn leave(&self, room: u64) {
        let request = DisconnectRequest {
            room_handle: room,
            request_async_id: Some(self.next.fetch_add(1, Ordering::Relaxed)),
            reason: None,
        };
        if let Err(error) = self.request(Request::Disconnect(request)) {
            tracing::debug!(%error, "a room was not left");
        }
        drop(self.engine.adopt(room));
    }

    fn tell(&self, handle: u64, told: Told) {
        let route = lock(&self.routes).get(&handle).cloned();
        if let Some(route) = route {
            route.tell(told);
        }
    }

    fn frame(&self, stream: u64, rate: u32, channels: u32, samples: Vec<i16>) {
        let frame = AudioFrame { rate, samples: mono(samples, channels) };
        let mut streams = lock(&self.streams);
        if let Some(feed) = streams.feeds.get(&stream) {
            return feed.send(frame);
        }
        if streams.early.len() >= EARLY_FRAMES {
            streams.early.pop_front();
        }
        streams.early.push_back((stream, frame));
    }

    fn panicked(&self, message: String) {
        tracing::error!(message, "LiveKit's engine failed; every room of this process is lost");
        for route in lock(&self.routes).values() {
            route.tell(Told::Panic(message.clone()));
        }
        // Whoever waits is told by the end of the channel.
        let _ = self.failed.set(message);
        lock(&self.waiting).clear();
    }
}

/// Somebody who will wait for an answer; giving up is safe.
pub(super) struct Waiter {
    pub id: u64,
    answer: oneshot::Receiver<Message>,
    hub: &'static Hub,
}

impl Waiter {
    pub(super) async fn wait(mut self, what: &str, deadline: Duration) -> Result<Message, Error> {
        self.wait_again(what, deadline).await
    }

    /// As `wait`; may be called again after it timed out or was dropped.
    pub(super) async fn wait_again(&mut self, what: &str, deadline: Duration) -> Result<Message, Error> {
        match tokio::time::timeout(deadline, &mut self.answer).await {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(_)) => Err(self.hub.healthy().err().unwrap_or_else(|| odd(what))),
            Err(_) => Err(Error::new(
                ErrorKind::TimedOut,
                format!("{what} took longer than {} s; check the network and the server", deadline.as_secs()),
            )),
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        lock(&self.hub.waiting).remove(&self.id);
        // An answer that came in between is let go of too.
        self.answer.close();
        if let Ok(message) = self.answer.try_recv() {
            self.hub.let_go(message);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The engine answered, but not what was asked.
pub(super) fn odd(what: &str) -> Error {
    Error::new(ErrorKind::Engine, format!("{what}: the engine's answer makes no sense"))
}

fn panicked(message: &str) -> Error {
    Error::new(ErrorKind::Engine, format!("LiveKit's engine failed ({message}); start the process anew"))
}

/// The engine mixes down to mono itself, as it is asked to; should it not, the first channel is taken.
fn mono(samples: Vec<i16>, channels: u32) -> Vec<i16> {
    match channels {
        0 | 1 => samples,
        more => samples.into_iter().step_by(more as usize).collect(),
    }
}

/// The engine's log. Lines that quote a token, which every one begins so, are left out.
fn log(level: LogLevel, target: &str, message: &str) {
    if message.contains("eyJ") {
        return;
    }
    match level {
        LogLevel::Error => tracing::warn!(target: "livekit", part = target, "{message}"),
        LogLevel::Warn => tracing::info!(target: "livekit", part = target, "{message}"),
        LogLevel::Info => tracing::debug!(target: "livekit", part = target, "{message}"),
        LogLevel::Debug | LogLevel::Trace => tracing::trace!(target: "livekit", part = target, "{message}"),
    }
}

fn async_id(message: &Message) -> Option<u64> {
    Some(match message {
        Message::Connect(m) => m.async_id,
        Message::Disconnect(m) => m.async_id,
        Message::PublishTrack(m) => m.async_id,
        Message::UnpublishTrack(m) => m.async_id,
        Message::PublishData(m) => m.async_id,
        Message::PublishTranscription(m) => m.async_id,
        Message::CaptureAudioFrame(m) => m.async_id,
        Message::SetLocalMetadata(m) => m.async_id,
        Message::SetLocalName(m) => m.async_id,
        Message::SetLocalAttributes(m) => m.async_id,
        Message::GetSessionStats(m) => m.async_id,
        Message::PerformRpc(m) => m.async_id,
        Message::TextStreamOpen(m) => m.async_id,
        Message::TextStreamWriterWrite(m) => m.async_id,
        Message::TextStreamWriterClose(m) => m.async_id,
        Message::SendText(m) => m.async_id,
        Message::SendBytes(m) => m.async_id,
        Message::SimulateScenario(m) => m.async_id,
        _ => return None,
    })
}
