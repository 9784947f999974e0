//! `duologue fetch`: everything that is fetched on first use, now.

use anyhow::{Result, bail};
use duologue::native::{LoadOptions, fetch};
use duologue::outln;
use duologue::setup;
use serde_json::json;

use super::args::Common;

/// What the defaults need.
const MODELS: [&str; 3] = ["builtin-stt", "builtin-tts", "silero-vad"];

pub fn run(common: &Common) -> Result<()> {
    if common.offline {
        bail!("fetch needs a network, and --offline (or DUOLOGUE_OFFLINE) forbids one; leave it out");
    }
    let natives = fetch(&LoadOptions::default())?;
    report(common.json, "engines", &natives.display().to_string())?;
    #[cfg(feature = "room")]
    {
        let livekit = duologue::native::livekit::fetch(&LoadOptions::default())?;
        report(common.json, "LiveKit's engine", &livekit.display().to_string())?;
    }
    let registry = setup::registry(false)?;
    for name in MODELS {
        report(common.json, name, &registry.resolve(name)?.dir.display().to_string())?;
    }
    Ok(())
}

fn report(json: bool, what: &str, path: &str) -> std::io::Result<()> {
    if json { outln!("{}", json!({ "what": what, "path": path })) } else { outln!("{what}: {path}") }
}
