//! `duologue.toml` and the environment: every setting of a pipeline, by the same names everywhere.
//!
//! Settings are looked up in this order, later ones winning: defaults → the file → environment
//! variables → builder methods. A variable's name is `DUOLOGUE_` and the key's path in capitals,
//! its steps joined by two underscores:
//!
//! | `duologue.toml` | environment |
//! |---|---|
//! | `stt = "builtin"` | `DUOLOGUE_STT=builtin` |
//! | `[pipeline.conversation] policy = "pause"` | `DUOLOGUE_PIPELINE__CONVERSATION__POLICY=pause` |
//! | `[pipeline.voice] speed = 1.2` | `DUOLOGUE_PIPELINE__VOICE__SPEED=1.2` |
//! | `[session] speculate = false` | `DUOLOGUE_SESSION__SPECULATE=false` |
//! | `[llm] base_url = "http://127.0.0.1:11434/v1"` | `DUOLOGUE_LLM__BASE_URL=http://127.0.0.1:11434/v1` |
//!
//! ```
//! use duologue::config::Config;
//!
//! let config = Config::parse("tts = \"builtin\"\n[pipeline.voice]\nspeed = 1.2", "duologue.toml", [])?;
//! assert_eq!(config.pipeline.voice.speed, 1.2);
//! # Ok::<(), duologue::config::ConfigError>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use duologue_agent::llm::openai::OpenAiConfig;
use duologue_agent::session::SessionConfig;
use duologue_pipeline::PipelineConfig;
use serde::Deserialize;
use toml::{Table, Value};

/// Prefix of the environment variables that are settings.
pub const PREFIX: &str = "DUOLOGUE_";
/// Variables of the same prefix that other parts read: places and switches, not settings.
const OTHERS: [&str; 15] = [
    "BUILTIN",
    "CACHE",
    "CONFIG",
    "HISTORY",
    "INDEX_URL",
    "JOB_PROCESS",
    "LOG",
    "MCP_PYTHON",
    "MODELS",
    "NATIVES",
    "OFFLINE",
    "PYTHON",
    "SOUND_CARD",
    "SOUND_CARD_DIR",
    "TEST_PYTHON",
];

/// Every setting.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name or directory of the recogniser.
    pub stt: String,
    /// Name or directory of the voice model.
    pub tts: String,
    /// Name or file of the voice activity detector, or `energy`.
    pub vad: String,
    /// The pipeline's own settings.
    pub pipeline: PipelineConfig,
    /// The agent session's settings.
    pub session: SessionConfig,
    /// The language model's server, for agents that ask one.
    pub llm: OpenAiConfig,
    /// The agent that a worker runs.
    #[cfg(feature = "room")]
    pub agent: crate::configured::AgentSettings,
    /// What a worker may take on.
    #[cfg(feature = "room")]
    pub worker: duologue_room::worker::WorkerOptions,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            stt: "builtin".to_owned(),
            tts: "builtin".to_owned(),
            vad: "silero".to_owned(),
            pipeline: PipelineConfig::default(),
            session: SessionConfig::default(),
            llm: OpenAiConfig::default(),
            #[cfg(feature = "room")]
            agent: crate::configured::AgentSettings::default(),
            #[cfg(feature = "room")]
            worker: duologue_room::worker::WorkerOptions::default(),
        }
    }
}

/// A setting that cannot be used; the message names the file or variable, the key and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// The settings of `file` (defaults if there is none), under those of the environment.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be read, or a setting is unknown or out of range.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let (text, name) = match file {
            Some(path) => {
                let name = path.display().to_string();
                let text = std::fs::read_to_string(path)
                    .map_err(|error| ConfigError(format!("{name}: cannot be read: {error}")))?;
                (text, name)
            }
            None => (String::new(), "defaults".to_owned()),
        };
        Self::parse(
            &text,
            &name,
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))),
        )
    }

    /// The settings of `text`, a file called `name`, under those of `environment`.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting is unknown or out of range.
    pub fn parse(
        text: &str,
        name: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table: Table = text.parse().map_err(|error| ConfigError(format!("{name}: {error}")))?;
        let mut origin = name.to_owned();
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        for (variable, value) in &environment {
            let Some(key) = variable.strip_prefix(PREFIX).filter(|key| !is_read_elsewhere(key)) else {
                continue;
            };
            let path: Vec<String> = key.split("__").map(str::to_ascii_lowercase).collect();
            set(&mut table, &path, scalar(value))
                .map_err(|step| ConfigError(format!("{variable}: {step} is not a table of settings")))?;
            origin = format!("{origin}, {variable}");
        }
        let mut config: Self =
            Value::Table(table).try_into().map_err(|error| ConfigError(format!("{origin}: {error}")))?;
        config.pipeline.validate().map_err(|error| ConfigError(format!("{origin}: {error}")))?;
        config.session.validate().map_err(|error| ConfigError(format!("{origin}: session: {error}")))?;
        config.llm = config
            .llm
            .with_environment(|variable| environment.get(variable).cloned())
            .map_err(|error| ConfigError(error.to_string()))?;
        Ok(config)
    }
}

/// Places and switches, and the language model's settings, which have rules of their own.
fn is_read_elsewhere(key: &str) -> bool {
    OTHERS.contains(&key) || key.starts_with("LLM__")
}

/// A number or truth value if it reads like one, else a string.
fn scalar(value: &str) -> Value {
    value
        .parse::<i64>()
        .map(Value::Integer)
        .or_else(|_| value.parse::<f64>().map(Value::Float))
        .or_else(|_| value.parse::<bool>().map(Value::Boolean))
        .unwrap_or_else(|_| Value::String(value.to_owned()))
}

/// Puts `value` at `path`; fails with the step that is no table.
fn set(table: &mut Table, path: &[String], value: Value) -> Result<(), String> {
    match path {
        [] => Ok(()),
        [key] => {
            table.insert(key.clone(), value);
            Ok(())
        }
        [step, rest @ ..] => match table.entry(step).or_insert_with(|| Value::Table(Table::new())) {
            Value::Table(inner) => set(inner, rest, value),
            _ => Err(step.clone()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(key: &str, value: &str) -> [(String, String); 1] {
        [(key.to_owned(), value.to_owned())]
    }

    #[test]
    fn an_unknown_key_is_not_silently_ignored() {
        let error = Config::parse("[pipeline.voice]\nspede = 1.0", "a.toml", []).unwrap_err();
        assert!(error.to_string().contains("a.toml") && error.to_string().contains("spede"), "{error}");
    }

    #[test]
    fn a_value_out_of_range_is_not_accepted() {
        let error = Config::parse("[pipeline.voice]\nspeed = 9.0", "a.toml", []).unwrap_err();
        assert!(error.to_string().contains("voice.speed"), "{error}");
    }

    #[test]
    fn the_environment_is_not_ignored() {
        let config =
            Config::parse("stt = \"a\"", "a.toml", env("DUOLOGUE_PIPELINE__CONVERSATION__POLICY", "pause"))
                .unwrap();
        assert_eq!(config.pipeline.conversation.policy, duologue_pipeline::core::Policy::Pause);
        assert_eq!(config.stt, "a");
    }

    #[test]
    fn the_key_of_the_model_is_not_read_as_a_number() {
        let config =
            Config::parse("[llm]\nmodel = \"m\"", "a.toml", env("DUOLOGUE_LLM__API_KEY", "123456")).unwrap();
        assert!(config.llm.api_key.is_some());
        assert_eq!(config.llm.model, "m");
    }

    #[test]
    fn a_mistyped_variable_is_named() {
        let error = Config::parse("", "a.toml", env("DUOLOGUE_STT__NAME", "x")).unwrap_err();
        assert!(error.to_string().contains("DUOLOGUE_STT__NAME"), "{error}");
    }

    #[test]
    fn places_are_not_taken_for_settings() {
        assert_eq!(Config::parse("", "", env("DUOLOGUE_CACHE", "/tmp/x")).unwrap(), Config::default());
    }
}
