//! Variables of the environment that are settings.

use std::collections::BTreeMap;

use toml::Table;

use super::error::ConfigError;
use super::keys::{KEYS, Kind};
use super::layers::Origin;

/// Prefix of the environment variables that are settings.
pub const PREFIX: &str = "DUOLOGUE_";
/// Variables of the same prefix that other parts read: places and switches, not settings.
const OTHERS: [&str; 16] = [
    "BUILTIN",
    "CACHE",
    "CONFIG",
    "HISTORY",
    "INDEX_URL",
    "JOB_PROCESS",
    "LOG",
    "MCP_PYTHON",
    "MIRROR",
    "MODELS",
    "NATIVES",
    "OFFLINE",
    "PYTHON",
    "SOUND_CARD",
    "SOUND_CARD_DIR",
    "TRUSTED",
];
/// Variables of tests.
const TESTS: &str = "TEST_";

/// Puts what `environment` sets into `table`, and where it came from into `origins`.
///
/// # Errors
/// A variable that is none, with the nearest that is.
pub(super) fn overlay(
    table: &mut Table,
    origins: &mut BTreeMap<String, Origin>,
    environment: &BTreeMap<String, String>,
) -> Result<(), ConfigError> {
    for (variable, text) in environment {
        let Some(name) = variable.strip_prefix(PREFIX) else { continue };
        if OTHERS.contains(&name) || name.starts_with(TESTS) {
            continue;
        }
        let Some(key) = KEYS.iter().find(|key| key.variable() == *variable) else {
            return Err(unknown(variable));
        };
        // As other programs have it: a variable that is set to nothing is not set.
        if text.trim().is_empty() && (key.kind != Kind::Text || key.path.starts_with("llm.")) {
            continue;
        }
        let value = key.value(text);
        if let Some(problem) = key.problem(&value) {
            return Err(ConfigError::value(variable, key, &value, &problem));
        }
        super::layers::set(table, key.path, value)
            .map_err(|step| ConfigError::new(format!("{variable}: {step} is not a table of settings")))?;
        origins.insert(key.path.to_owned(), Origin::Environment(variable.clone()));
    }
    openai(table, origins, environment);
    Ok(())
}

/// Where no base URL is set at all, `OPENAI_BASE_URL` is. `OPENAI_API_KEY` is used only along with that one or
/// for OpenAI itself: it goes to no other server by itself.
fn openai(table: &mut Table, origins: &mut BTreeMap<String, Origin>, environment: &BTreeMap<String, String>) {
    let given = |name: &str| environment.get(name).filter(|value| !value.trim().is_empty());
    let text =
        |table: &Table, path| super::layers::get(table, path).and_then(|v| v.as_str()).map(str::to_owned);
    let mut take = |table: &mut Table, path: &str, variable: &str, value: &str| {
        if super::layers::set(table, path, value.into()).is_ok() {
            origins.insert(path.to_owned(), Origin::Environment(variable.to_owned()));
        }
    };
    let url = text(table, "llm.base_url").unwrap_or_default();
    let mut is_openai = url.starts_with("https://api.openai.com/");
    if let (true, Some(url)) = (url.is_empty(), given("OPENAI_BASE_URL")) {
        take(table, "llm.base_url", "OPENAI_BASE_URL", url);
        is_openai = true;
    }
    if let (true, None, Some(secret)) = (is_openai, text(table, "llm.api_key"), given("OPENAI_API_KEY")) {
        take(table, "llm.api_key", "OPENAI_API_KEY", secret);
    }
}

fn unknown(variable: &str) -> ConfigError {
    let others = OTHERS.iter().map(|name| format!("{PREFIX}{name}"));
    let known = KEYS.iter().map(super::Key::variable).chain(others);
    let advice = match super::error::nearest(variable, known) {
        Some(near) => format!("did you mean {near}?"),
        None => "unset it; `duologue config explain` lists what there is".to_owned(),
    };
    ConfigError::new(format!("{variable} is no setting of Duologue's: {advice}")).about(variable)
}
