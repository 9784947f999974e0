//! `duologue voices`: what the voice model can sound like.

use anyhow::Result;
use duologue::outln;
use duologue::setup::Models;
use serde_json::json;

use super::args::Common;

pub fn run(common: &Common) -> Result<()> {
    let tts = Models::load_speaking(&common.settings()?, common.offline)?;
    for (i, voice) in tts.voices().iter().enumerate() {
        if common.json {
            outln!("{}", json!({ "voice": voice, "model": tts.name(), "default": i == 0 }))?;
        } else {
            outln!("{voice}{}", if i == 0 { "  (default)" } else { "" })?;
        }
    }
    Ok(())
}
