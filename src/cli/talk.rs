//! `duologue talk`: the small agent on microphone and speakers, echo cancelled.

use anyhow::Result;

use super::args::{Common, TalkArgs};

#[cfg(not(feature = "devices"))]
mod imp {
    use super::*;

    const ADVICE: &str = "this build has no microphone and speakers; build with `--features devices` \
        (on Debian and Ubuntu, first: apt-get install libasound2-dev pkg-config)";

    pub fn run(_common: &Common, _args: &TalkArgs) -> Result<()> {
        anyhow::bail!(ADVICE)
    }

    pub fn play(_samples: &[f32], _rate: u32) -> Result<()> {
        anyhow::bail!(ADVICE)
    }
}

pub use imp::{play, run};
