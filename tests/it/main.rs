//! What the library and the program do from outside, as one binary.
#![allow(clippy::duplicate_mod, reason = "typed and spoken tests take the same examples' files")]

mod agent_faults;
mod appliance;
mod cli;
mod common;
mod conversation;
mod customer_support;
mod eval;
mod handoffs;
mod intake;
mod newcomer;
#[cfg(feature = "room")]
mod room_cli;
mod spoken_agents;
mod triage;
#[cfg(feature = "serve")]
mod wyoming_cli;
