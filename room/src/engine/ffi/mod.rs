//! LiveKit's own engine, loaded at run time and spoken to in its messages: the default [`RoomEngine`].
//!
//! Invariant: the engine's threads only route (`hub`); what needs thought happens in one task for each room (`task`), which alone changes
//! the room's picture (`state`). The native library is loaded and started once per process, so every [`FfiEngine`] is the same engine.
//!
//! Life cycle: [`FfiEngine::load`] → `connect`, any number of times → the process ends. It must not be used across a `fork`.
//!
//! ```no_run
//! use duologue_room::engine::{ConnectOptions, FfiEngine, RoomEngine};
//!
//! # async fn example() -> Result<(), duologue_room::Error> {
//! let engine = FfiEngine::load(&duologue_native::LoadOptions::default())?;
//! let joined = engine.connect("ws://127.0.0.1:7880", "a token", &ConnectOptions::default()).await?;
//! println!("in {} with {} others", joined.room.info().name, joined.room.participants().len());
//! joined.room.disconnect().await?;
//! # Ok(())
//! # }
//! ```

mod convert;
mod hub;
mod local_audio;
mod room;
mod shared;
mod state;
mod stats;
mod streams;
mod task;
mod text_writer;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use duologue_native::{
    LoadOptions,
    livekit::proto::{
        self, ConnectRequest, RoomOptions, connect_callback, ffi_event::Message,
        ffi_request::Message as Request,
    },
};

use self::{hub::Hub, room::FfiRoom};
use super::{
    ConnectOptions, Connection, RoomEngine,
    support::{check_address, refused},
};
use crate::{Error, ErrorKind};

/// LiveKit's engine; clones share it.
#[derive(Clone, Debug)]
pub struct FfiEngine {
    hub: &'static Hub,
}

impl FfiEngine {
    /// Finds, fetches (once) and loads the native library, and starts it. Blocks meanwhile: call it before a runtime is busy, or within
    /// `spawn_blocking`.
    ///
    /// # Errors
    /// [`ErrorKind::Engine`]: it is missing and cannot be fetched, damaged, or of another version.
    pub fn load(options: &LoadOptions) -> Result<Self, Error> {
        Ok(Self { hub: Hub::get(options)? })
    }

    /// The version of the native library.
    pub fn version(&self) -> &'static str {
        self.hub.native().version()
    }

    /// The file it was loaded from.
    pub fn path(&self) -> &'static Path {
        self.hub.native().path()
    }
}

#[async_trait]
impl RoomEngine for FfiEngine {
    fn name(&self) -> String {
        format!("livekit-ffi {}", self.version())
    }

    async fn connect(&self, url: &str, token: &str, options: &ConnectOptions) -> Result<Connection, Error> {
        check_address(url, token)?;
        let request = ConnectRequest {
            url: url.to_owned(),
            token: token.to_owned(),
            options: room_options(options),
            request_async_id: None,
        };
        let answer = self
            .hub
            .ask("joining", options.timeout, |id| {
                Request::Connect(ConnectRequest { request_async_id: Some(id), ..request })
            })
            .await
            .map_err(|e| at(url, e))?;
        let Message::Connect(callback) = answer else { return Err(hub::odd("joining")) };
        match callback.message {
            Some(connect_callback::Message::Result(joined)) => {
                let (room, events) = FfiRoom::enter(self.hub, joined, options)?;
                Ok(Connection { room: Arc::new(room), events })
            }
            // The server quotes the token.
            Some(connect_callback::Message::Error(said)) => Err(refused(url, &said.replace(token, "…"))),
            None => Err(hub::odd("joining")),
        }
    }
}

fn room_options(options: &ConnectOptions) -> RoomOptions {
    RoomOptions {
        auto_subscribe: Some(options.auto_subscribe),
        adaptive_stream: Some(false),
        dynacast: Some(false),
        join_retries: Some(options.retries),
        connect_timeout_ms: u64::try_from(options.timeout.as_millis()).ok(),
        rtc_config: Some(proto::RtcConfig::default()),
        ..RoomOptions::default()
    }
}

fn at(url: &str, error: Error) -> Error {
    Error::new(error.kind(), format!("cannot join at {url}: {error}"))
}

/// An error of the native crate, in this crate's terms.
fn native(error: &duologue_native::Error) -> Error {
    Error::new(ErrorKind::Engine, error.to_string())
}
