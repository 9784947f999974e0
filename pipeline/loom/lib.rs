//! Nothing but tests: `cargo xtask ci loom`.
#![forbid(unsafe_code)]
