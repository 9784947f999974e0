//! LiveKit's engine, `liblivekit_ffi` 0.13.2: found, fetched, verified and spoken to in its own messages ([`proto`]).
//!
//! Looked for, in this order: [`LoadOptions::livekit`](crate::LoadOptions::livekit), `LIVEKIT_LIB_PATH` (a file or its directory; then
//! nothing else is tried), beside the executable, `../lib`, the cache, and at last the wheel `livekit` 1.2.0 of the Python package index,
//! pinned by SHA-256. The library says its own version before anything else of it is called; another version is refused.
//!
//! # Invariants
//! - The engine is opened and started once per process and stays until the process ends. It must not be used across a `fork`.
//! - No request carries an address: sound and payloads go through [`Engine::capture`] and [`Engine::publish_data`], which keep the bytes
//!   until the engine has said that it is done with them; what comes in was copied before anybody sees it ([`Event`]). Requests that this
//!   crate does not know to be free of addresses are refused.
//! - The callback runs on the engine's threads. A panic in it is caught there and goes no further.
//!
//! # Life cycle
//! [`load`] → [`Engine::start`] with the callback → [`Engine::request`], whose answers come as events → handles are dropped.
//!
//! ```no_run
//! use duologue_native::{LoadOptions, livekit};
//!
//! # fn main() -> Result<(), duologue_native::Error> {
//! let engine = livekit::load(&LoadOptions::default())?;
//! engine.start(|event| println!("{event:?}"))?;
//! println!("{} from {}", engine.version(), engine.path().display());
//! # Ok(())
//! # }
//! ```

mod event;
mod ffi;
mod handle;
mod library;
#[allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]
pub mod proto;
mod request;

pub use event::{Event, LogLevel};
pub use handle::Handle;
pub use library::{Engine, fetch, load, locate, verify};
