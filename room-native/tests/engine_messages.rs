//! The room crate's tests of messages through a real server, over this crate's engine.

#[path = "../../room/tests/engine_messages.rs"]
mod suite;
