//! LiveKit rooms over the crate `livekit`, which is built into the program: a [`RoomEngine`] for those who would rather link WebRTC than
//! load LiveKit's engine at run time, which [`FfiEngine`](duologue_room::engine::FfiEngine) does.
//!
//! # What was run, and what was not
//! **This crate was only type-checked.** Its dependency `webrtc-sys` compiles C++ against libwebrtc, which it downloads; where that
//! cannot be had nothing can be linked, so not one line of it was run: it has joined no room, and it has no tests. The `FfiEngine` was run
//! against a real server, and is what everything else of Duologue uses. What both share (the queues of events and sound, the account of
//! what was played, checks and errors: [`duologue_room::engine::support`]) is tested there.
//!
//! # Why it is a crate of its own
//! A feature of the room crate would break `--all-features` on every machine without WebRTC, and bring its dependencies into the lock file
//! of all. So it stands outside the workspace, with a lock file of its own, and nothing of it is built unless it is named.
//!
//! # How to build it
//! `webrtc-sys` fetches WebRTC by itself where it may (a C++ compiler is needed), or takes an unpacked build of it, of the release that its
//! `webrtc-sys-build` names, from the folder in `LK_CUSTOM_WEBRTC`:
//!
//! ```text
//! LK_CUSTOM_WEBRTC=/path/to/linux-x64-release cargo build --release --manifest-path room-native/Cargo.toml
//! ```
//!
//! To check its types only, without WebRTC: `.ci/livekit-native.sh`, which sets `DOCS_RS=1`, so that `webrtc-sys` builds no C++.
//!
//! # Invariants
//! - All that is asked of the crate `livekit` runs to its end in a task of its own (`shared`), because its futures do not bear being
//!   dropped half-way; who asked waits for it with a deadline, and what came too late is undone.
//! - One task for each room (`task`) reads what happens, and alone changes the room's picture (`state`); events are sent after the
//!   picture shows what they tell.
//!
//! # Life cycle
//! [`NativeEngine::new`] → `connect`, any number of times, within a tokio runtime that outlives the rooms.
//!
//! ```no_run
//! use duologue_room::engine::{ConnectOptions, RoomEngine};
//! use duologue_room_native::NativeEngine;
//!
//! # async fn example() -> Result<(), duologue_room::Error> {
//! let engine = NativeEngine::new();
//! let joined = engine.connect("ws://127.0.0.1:7880", "a token", &ConnectOptions::default()).await?;
//! println!("in {} with {} others", joined.room.info().name, joined.room.participants().len());
//! joined.room.disconnect().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # How it differs from `FfiEngine`
//! - The tracks of those who were there before come in the order of their sids: the crate does not tell in which order they were
//!   published.
//! - A panic within the crate fails the one call, and is not told as [`DisconnectReason::Engine`].
//! - A disturbance that this version does not know is an error.
//!
//! [`DisconnectReason::Engine`]: duologue_room::engine::DisconnectReason::Engine
#![forbid(unsafe_code)]

mod calls;
mod convert;
mod listen;
mod local_audio;
mod room;
mod shared;
mod state;
mod stats;
mod streams;
mod task;
mod text_writer;

use std::sync::Arc;

use async_trait::async_trait;
use duologue_room::{
    Error, ErrorKind,
    engine::{
        ConnectOptions, Connection, RoomEngine,
        support::{check_address, refused},
    },
};
use livekit::{Room, RoomEvent, RoomOptions};
use tokio::sync::{mpsc, oneshot};

use self::room::NativeRoom;

type Joined = (Room, mpsc::UnboundedReceiver<RoomEvent>);

/// LiveKit's crate as an engine; it holds nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NativeEngine(());

impl NativeEngine {
    /// Prepares the process: installs ring as the provider of cryptography, unless the program has chosen one already.
    pub fn new() -> Self {
        // An error means that there is one: ours from an earlier call, or the program's.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self(())
    }
}

#[async_trait]
impl RoomEngine for NativeEngine {
    fn name(&self) -> String {
        format!("livekit {}", livekit::SDK_VERSION)
    }

    /// Must be called within a tokio runtime; the room's tasks run there.
    async fn connect(&self, url: &str, token: &str, options: &ConnectOptions) -> Result<Connection, Error> {
        check_address(url, token)?;
        let joining = join(url.to_owned(), token.to_owned(), options);
        let answer = tokio::time::timeout(options.timeout, joining).await;
        let (room, events) = match answer {
            Ok(Ok(Ok(joined))) => joined,
            // The server quotes the token.
            Ok(Ok(Err(error))) => return Err(refused(url, &error.to_string().replace(token, "…"))),
            Ok(Err(_)) => {
                return Err(Error::new(
                    ErrorKind::Engine,
                    format!("cannot join at {url}: LiveKit's crate failed; its panic is on standard error"),
                ));
            }
            Err(_) => return Err(refused(url, "timeout")),
        };
        let (room, events) = NativeRoom::enter(room, events, options).await?;
        Ok(Connection { room: Arc::new(room), events })
    }
}

/// Joins in a task of its own; a room that nobody waits for any more is left.
fn join(
    url: String,
    token: String,
    options: &ConnectOptions,
) -> oneshot::Receiver<Result<Joined, livekit::RoomError>> {
    let options = room_options(options);
    let (sender, answer) = oneshot::channel();
    tokio::spawn(async move {
        let joined = Room::connect(&url, &token, options).await;
        if let Err(Ok((room, _events))) = sender.send(joined)
            && let Err(error) = room.close().await
        {
            tracing::debug!(%error, "a room was not left");
        }
    });
    answer
}

fn room_options(options: &ConnectOptions) -> RoomOptions {
    let mut theirs = RoomOptions::default();
    theirs.auto_subscribe = options.auto_subscribe;
    theirs.adaptive_stream = false;
    theirs.dynacast = false;
    theirs.join_retries = options.retries;
    theirs.connect_timeout = options.timeout;
    theirs
}
