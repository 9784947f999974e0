//! Wyoming, the voice protocol of Home Assistant: speech to text, text to speech, wake words and voice activity over one port.
//!
//! ```text
//! client                                    server                     client                            server
//!   │ describe ───────────────────────────────▶ │                        │ synthesize-start ────────────────▶ │
//!   │ ◀──────────── info {asr, tts, wake, …}    │                        │ synthesize-chunk {text}× ────────▶ │
//!   │                                           │                        │ ◀────────── audio-start, audio-chunk │
//!   │ transcribe {language} ──────────────────▶ │                        │ synthesize {text}: ignored ──────▶ │
//!   │ audio-start, audio-chunk× ──────────────▶ │                        │ synthesize-stop ─────────────────▶ │
//!   │ ◀── transcript-start, transcript-chunk×   │                        │ ◀───────── audio-chunk×, audio-stop  │
//!   │ audio-stop ─────────────────────────────▶ │                        │ ◀──────────── synthesize-stopped    │
//!   │ ◀──── transcript {text}, transcript-stop  │
//! ```
//! | the client sends | it gets |
//! |---|---|
//! | `transcribe`, then sound | `transcript-chunk`s, which are never taken back and joined are the `transcript` |
//! | `synthesize`, or a stream of text | `audio-start`, `audio-chunk`s of 40 ms from the first clause on, `audio-stop` |
//! | `detect`, then sound | `detection`s, or `not-detected` at the end |
//! | sound alone | `voice-started`, `voice-stopped`, with their times |
//! | `ping` | `pong` |
//! | what cannot be done | `error` with a `code`, and the event that ends such a request; the connection stays |
//! | what is no event, or too large | `error` with the code `protocol`; the connection is closed |
//! | what this server does not know | nothing |
//!
//! | module | its one job |
//! |---|---|
//! | `event`, `decoder` | bytes to events and back, without a socket |
//! | `request`, `refusal`, `reply`, `info` | what events say |
//! | `connection` → `session` → `job` | a socket's bytes; a client's state; work on a thread |
//! | `hear`, `sound`, `stable` | recognising, detecting; formats and rates; text that is never taken back |
//! | `speak` | text to chunks of sound |
//! | `announce` | the server's name in the local network |
//!
//! The protocol has no keys: whoever reaches the port may use it. Audio and text are never logged.
//!
//! ```no_run
//! use duologue_server::{Engines, wyoming};
//! use duologue_setup::Config;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let engines = Engines::load(Config::load(None)?, false)?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:10300").await?;
//! wyoming::serve(listener, engines, wyoming::Options::default(), std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

mod announce;
mod connection;
mod decoder;
mod event;
mod hear;
mod info;
mod job;
mod refusal;
mod reply;
mod request;
mod session;
mod sound;
mod speak;
mod stable;

use std::sync::Arc;
use std::time::Duration;

use duologue_models::wake::WakeWords;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use announce::Announcement;
pub use decoder::{Decoder, Limits, Malformed};
pub use event::Event;
pub use stable::Stable;

use crate::{Engines, Error, ErrorKind};
use refusal::{Code, Refusal};

/// The port that clients expect speech to text at.
pub const PORT: u16 = 10_300;
/// The program's name in every domain. Home Assistant knows its entities by it.
pub const PROGRAM: &str = "duologue";
/// The voice that is listed while the voices are still being loaded; it always means the configured one.
pub const DEFAULT_VOICE: &str = "default";

/// How long the listener rests when the system has no more sockets for it.
const REST: Duration = Duration::from_millis(200);

/// How a server serves.
#[derive(Clone)]
pub struct Options {
    /// Most connections at a time, at least 1; more are told so and closed.
    pub max_connections: usize,
    /// How long a client may take to its next whole event while nothing is under way.
    pub idle: Duration,
    /// How long a client may take to take an event.
    pub write: Duration,
    /// How long work under way may take when the server ends.
    pub drain: Duration,
    /// Tags of the languages that the recogniser is announced for. Home Assistant offers it for these alone.
    pub languages: Vec<String>,
    /// Most bytes of an event's parts.
    pub limits: Limits,
    /// Wake words, if they are looked for.
    pub wake: Option<WakeWords>,
}

impl Default for Options {
    /// 32 connections, 2 min idle, 60 s for an event to be taken, 10 s to drain; English, no wake words.
    fn default() -> Self {
        Self {
            max_connections: 32,
            idle: Duration::from_secs(120),
            write: Duration::from_secs(60),
            drain: Duration::from_secs(10),
            languages: vec!["en".to_owned()],
            limits: Limits::default(),
            wake: None,
        }
    }
}

impl Options {
    fn validate(&self) -> Result<(), Error> {
        if self.max_connections == 0 || self.max_connections > Semaphore::MAX_PERMITS {
            return Err(Error::new(ErrorKind::Config, "max_connections: must be at least 1"));
        }
        if self.languages.is_empty() {
            return Err(Error::new(ErrorKind::Config, "languages: name at least one, such as `en`"));
        }
        Ok(())
    }
}

/// Serves clients of `listener` until `ended`; then work under way is finished, within [`Options::drain`].
///
/// # Errors
/// [`ErrorKind::Config`] for an option out of range. A client's faults end nothing but its connection.
pub async fn serve(
    listener: TcpListener,
    engines: Engines,
    options: Options,
    ended: impl Future<Output = ()>,
) -> Result<(), Error> {
    options.validate()?;
    let free = Arc::new(Semaphore::new(options.max_connections));
    let options = Arc::new(options);
    let (close, closing) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(ended);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Those that have ended are let go of as they end.
            Some(_) = connections.join_next() => continue,
            () = &mut ended => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&free).try_acquire_owned() else {
            turn_away(&stream, options.max_connections);
            continue;
        };
        let connection = connection::serve(stream, engines.clone(), Arc::clone(&options), closing.clone());
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    // Without connections nobody hears it.
    let _ = close.send(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(options.drain, all).await.is_err() {
        tracing::warn!(left = connections.len(), "connections are cut: their work took too long");
        connections.shutdown().await;
    }
    Ok(())
}

/// Says that there is no room; a new socket takes so few bytes at once.
fn turn_away(stream: &TcpStream, most: usize) {
    let refusal = Refusal::new(Code::Busy, format!("{most} connections are open already; try again later"));
    if let Err(error) = stream.try_write(&refusal.event().encode()) {
        tracing::debug!(%error, "a client was turned away without a word");
    }
}
