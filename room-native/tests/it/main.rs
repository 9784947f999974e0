//! The room crate's tests of its engine, through a real server, over this crate's.

#[path = "../../../room/tests/it/common.rs"]
mod common;
#[path = "../../../room/tests/it/engine_audio.rs"]
mod engine_audio;
#[path = "../../../room/tests/it/engine_faults.rs"]
mod engine_faults;
#[path = "../../../room/tests/it/engine_messages.rs"]
mod engine_messages;
