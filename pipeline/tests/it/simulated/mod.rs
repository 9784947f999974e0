//! The simulated room: what it does to sound, and who calls in it.

mod callers;
mod truth;
