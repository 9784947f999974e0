//! The models' integration tests: one binary, a module for each kind.

mod kokoro;
mod stt;
