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
mod playout;
mod room;
mod state;
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
use super::{ConnectOptions, Connection, RoomEngine};
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
        check(url, token)?;
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

/// What the engine would only say in its log.
fn check(url: &str, token: &str) -> Result<(), Error> {
    let known = ["ws://", "wss://", "http://", "https://"];
    if !known.iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty())) {
        return Err(Error::new(
            ErrorKind::Config,
            format!(
                "{url:?} is no address of a LiveKit server; it looks like wss://my.server or ws://127.0.0.1:7880"
            ),
        ));
    }
    if token.split('.').count() != 3 {
        return Err(Error::new(
            ErrorKind::Unauthorized,
            "the token is no JSON web token; ask for a fresh one",
        ));
    }
    Ok(())
}

fn at(url: &str, error: Error) -> Error {
    Error::new(error.kind(), format!("cannot join at {url}: {error}"))
}

/// The engine tells errors of joining in words only.
fn refused(url: &str, said: &str) -> Error {
    let lower = said.to_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    let (kind, remedy) = if has(&[
        "401",
        "403",
        "unauthorized",
        "permission",
        "invalid token",
        "expired",
        "invalid api key",
    ]) {
        (
            ErrorKind::Unauthorized,
            "ask for a fresh token, signed with this server's key and secret, that grants the room",
        )
    } else if has(&["timeout", "timed out"]) {
        (ErrorKind::TimedOut, "check the network, and that the server's media ports can be reached")
    } else {
        (ErrorKind::Network, "check the address, the network and the server")
    };
    Error::new(kind, format!("cannot join at {url}: {said}; {remedy}"))
}

/// An error of the native crate, in this crate's terms.
fn native(error: &duologue_native::Error) -> Error {
    Error::new(ErrorKind::Engine, error.to_string())
}

/// What the engine or the server said against a request.
fn failed(what: &str, said: &str) -> Error {
    let lower = said.to_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    let kind = if has(&["closed", "disconnected", "already closing"]) {
        ErrorKind::Closed
    } else if has(&["timeout", "timed out"]) {
        ErrorKind::TimedOut
    } else {
        ErrorKind::Engine
    };
    Error::new(kind, format!("{what} failed: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_without_a_scheme_is_not_handed_to_the_engine() {
        for url in ["", "livekit.example", "ws://", "ftp://x"] {
            assert_eq!(check(url, "a.b.c").unwrap_err().kind(), ErrorKind::Config, "{url}");
        }
        check("wss://x", "a.b.c").unwrap();
        assert_eq!(check("wss://x", "abc").unwrap_err().kind(), ErrorKind::Unauthorized);
    }

    #[test]
    fn token_is_in_no_message() {
        let said = check("wss://x", "very.secret").unwrap_err().to_string();
        assert!(!said.contains("secret"), "{said}");
    }
}
