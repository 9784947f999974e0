//! Chores of this repository.
//!
//! - `cargo xtask ci [STEP…]` runs the steps of `.ci/run`: all, or by name; `cargo xtask ci --list` names them.
//! - `cargo run -p xtask --features livekit-proto -- livekit-proto WHEEL` writes the messages of LiveKit's engine anew.
//! - `cargo run -p xtask --features stella-proto -- stella-proto` writes the messages of STELLA's speech services anew.
#![forbid(unsafe_code)]

#[cfg(feature = "livekit-proto")]
mod livekit_proto;
#[cfg(feature = "stella-proto")]
mod stella_proto;

use std::process::{Command, ExitCode};

const USAGE: &str = "usage: cargo xtask ci [STEP…]
       cargo run -p xtask --features livekit-proto -- livekit-proto WHEEL
       cargo run -p xtask --features stella-proto -- stella-proto";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((chore, steps)) if chore == "ci" => ci(steps),
        #[cfg(feature = "livekit-proto")]
        Some((chore, [wheel])) if chore == "livekit-proto" => {
            livekit_proto::generate(wheel.as_ref()).map_err(|error| format!("{error:#}"))
        }
        #[cfg(feature = "stella-proto")]
        Some((chore, [])) if chore == "stella-proto" => {
            stella_proto::generate().map_err(|error| format!("{error:#}"))
        }
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn ci(steps: &[String]) -> Result<(), String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../.ci/run");
    let status = Command::new("bash").arg(script).args(steps).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!(".ci/run: {status}")),
        Err(error) => Err(format!("bash cannot be run ({error}); .ci/run is a script for it")),
    }
}
