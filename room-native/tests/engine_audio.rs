//! The room crate's tests of sound through a real server, over this crate's engine.

#[path = "../../room/tests/engine_audio.rs"]
mod suite;
