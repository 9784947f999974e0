//! `duologue config`: what is set, where it came from, and what there is to set.

use std::path::Path;

use anyhow::{Context, Result, bail};
use duologue::config::{self, Config, FILE, KEYS, Key};
use duologue::outln;
use serde_json::json;

use super::args::{Common, ConfigCommand};
use super::output::Table;

pub fn run(common: &Common, command: Option<&ConfigCommand>) -> Result<()> {
    match command {
        None => effective(common),
        Some(ConfigCommand::Check) => check(common),
        Some(ConfigCommand::Explain { key }) => explain(common, key.as_deref()),
        Some(ConfigCommand::Reference) => Ok(outln!("{}", config::reference().trim_end())?),
        Some(ConfigCommand::Trust) => trust(common),
    }
}

fn effective(common: &Common) -> Result<()> {
    let mut table = Table::new(&["key", "from", "value"]).left();
    for setting in common.settings()?.settings() {
        let named = match setting.key.path {
            "stt" => common.stt.as_ref(),
            "tts" => common.tts.as_ref(),
            "vad" => common.vad.as_ref(),
            _ => None,
        };
        let (value, origin) = match named {
            Some(name) => (format!("{name:?}"), "command line".to_owned()),
            None => (setting.value, setting.origin.to_string()),
        };
        if common.json {
            outln!("{}", json!({ "key": setting.key.path, "value": value, "from": origin }))?;
        } else {
            table.row([setting.key.path.to_owned(), origin, value]);
        }
    }
    if !common.json {
        outln!("{}", table.render().trim_end())?;
    }
    Ok(())
}

fn check(common: &Common) -> Result<()> {
    let settings = common.settings()?;
    let set = settings.settings().iter().filter(|setting| setting.origin != config::Origin::Default).count();
    #[cfg(feature = "agent")]
    if settings.has_agent() && settings.agent.intents.is_none() {
        let llm = settings.llm()?;
        if llm.base_url.is_empty() || llm.model.is_empty() {
            bail!("[agent] needs a language model: set llm.base_url and llm.model, or agent.intents");
        }
    }
    if common.json {
        outln!("{}", json!({ "ok": true, "set": set }))?;
    } else {
        outln!("the settings are valid; {set} of {} are set", KEYS.len())?;
    }
    Ok(())
}

fn explain(common: &Common, name: Option<&str>) -> Result<()> {
    let name = name.unwrap_or("");
    let within =
        |key: &&Key| name.is_empty() || key.path == name || key.path.starts_with(&format!("{name}."));
    let mut keys = KEYS.iter().filter(within).peekable();
    if keys.peek().is_none() {
        // The checks of files know what it might have been meant to be.
        let error = Config::parse(&format!("{name} = 0"), "this", []).err().map(|error| error.to_string());
        bail!("{}", error.unwrap_or_else(|| format!("{name} is no setting")));
    }
    for key in keys {
        if common.json {
            outln!(
                "{}",
                json!({
                    "key": key.path, "type": key.kind.to_string(), "default": key.default, "unit": key.unit,
                    "meaning": key.meaning, "environment": key.variable(),
                })
            )?;
        } else {
            outln!("{}", config::explain(key))?;
        }
    }
    Ok(())
}

fn trust(common: &Common) -> Result<()> {
    let file = common.config.as_deref().unwrap_or_else(|| Path::new(FILE));
    config::trust::trust(file).context("nothing is trusted")?;
    outln!("{} is trusted as it is now", file.display())?;
    Ok(())
}
