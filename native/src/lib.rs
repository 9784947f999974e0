//! Finds and loads Duologue's shared libraries: ONNX Runtime 1.28.2 and sherpa-onnx 2.0.1.
//!
//! Nothing is linked at build time and `cargo build` downloads nothing. The first use loads both libraries, in this order of looking:
//!
//! 1. the directory that `DUOLOGUE_NATIVES` names: then nothing else is tried and nothing is fetched,
//! 2. the directory of the executable,
//! 3. `../lib`, seen from the executable,
//! 4. the cache: `DUOLOGUE_CACHE`, else the platform's cache directory ([`duologue_fetch::cache_dir`]), in `natives/`,
//! 5. the Python package index: the wheel `sherpa-onnx-core` 2.0.1, pinned by SHA-256, into the cache, once ([`duologue_fetch`] says how).
//!    `DUOLOGUE_OFFLINE=1` forbids it.
//!
//! The feature `livekit` adds a third library, LiveKit's engine 0.13.2, from the wheel `livekit` 1.2.0: module `livekit` says where it is
//! looked for. Nothing of it is fetched or loaded by the functions here.
//!
//! What lies beside the executable, in `../lib` or in the cache is loaded only if it is the wheel's bytes, by SHA-256, and if nobody but this
//! user, root and (for the first two) the owner of the executable could change it. In a directory that `DUOLOGUE_NATIVES` names the user
//! may put builds of their own: there only files that others could change are refused.
//!
//! # Invariants
//! - There is one ONNX Runtime in the process; sherpa-onnx uses the same one. Both versions are checked before anything else is called,
//!   because the bindings' struct layouts hold for exactly one version.
//! - Models are checked before sherpa-onnx sees them ([`onnx_file`], [`sherpa`]), because it ends the process on some bad ones.
//! - This is the only crate of Duologue with `unsafe` code; its public interface is safe.
//!
//! # Life cycle
//! [`load`] is called by whatever needs a library first, once per process; the libraries stay until the process ends. [`fetch`] puts
//! them in place ahead of time (images, CI), [`locate`] says where they are or why not.
//!
//! ```no_run
//! use duologue_native::{LoadOptions, load, locate};
//!
//! # fn main() -> Result<(), duologue_native::Error> {
//! for candidate in locate(&LoadOptions::default())?.candidates {
//!     println!("{candidate}");
//! }
//! let natives = load()?;
//! println!("ONNX Runtime {} from {}", natives.ort_version(), natives.dir().display());
//! # Ok(())
//! # }
//! ```

#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

pub mod cpu;
mod error;
mod fetch;
mod library;
#[cfg(feature = "livekit")]
pub mod livekit;
mod locate;
pub mod onnx;
pub mod onnx_file;
mod options;
mod platform;
pub mod sherpa;

pub use error::{Error, ErrorKind, Result};
pub use fetch::{fetch, verify};
pub use library::{Natives, load, load_with};
pub use locate::{Candidate, Search, Source, locate};
pub use onnx::Cancel;
pub use options::LoadOptions;
