//! Chores of this repository. `cargo run -p xtask -- livekit-proto WHEEL` writes the messages of LiveKit's engine anew.
#![forbid(unsafe_code)]

mod livekit_proto;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["livekit-proto", wheel] => livekit_proto::generate(wheel.as_ref()),
        _ => bail!("usage: cargo run -p xtask -- livekit-proto WHEEL"),
    }
}
