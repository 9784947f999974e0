//! The room crate's tests of faults through a real server, over this crate's engine.

#[path = "../../room/tests/engine_faults.rs"]
mod suite;
