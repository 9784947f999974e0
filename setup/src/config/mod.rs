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
//! [`KEYS`] lists all of them. The same file is valid in every build: tables for parts that a build lacks are
//! checked by that list, and stay [`Section`]s until their part reads them.
//!
//! ```
//! use duologue_setup::config::Config;
//!
//! let config = Config::parse("tts = \"builtin\"\n[pipeline.voice]\nspeed = 1.2", "duologue.toml", [])?;
//! assert_eq!(config.pipeline.voice.speed, 1.2);
//! # Ok::<(), duologue_setup::config::ConfigError>(())
//! ```

mod agent;
mod document;
mod environment;
mod error;
mod keys;
mod layers;
mod section;
pub mod trust;

use std::collections::BTreeMap;
use std::path::Path;

use duologue_models::stt::SttOptions;
use duologue_pipeline::PipelineConfig;
use serde::Deserialize;
use toml::{Table, Value};

pub use agent::{AgentSettings, McpSettings};
pub use document::{explain, reference};
pub use environment::PREFIX;
pub use error::ConfigError;
pub use keys::{KEYS, Key, Kind, key};
pub use layers::{Origin, Setting};
pub use section::Section;

/// The file that is looked for in the working directory.
pub const FILE: &str = "duologue.toml";
/// Longest settings file.
const LONGEST: u64 = 1 << 20;

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
    /// Name or directory of the turn detector, or `last-words`.
    pub turn: String,
    /// How the recogniser is loaded.
    pub recogniser: SttOptions,
    /// The pipeline's own settings.
    pub pipeline: PipelineConfig,
    /// The agent session's settings; [`Config::session`] reads them.
    pub session: Section,
    /// The language model's server, for agents that ask one; [`Config::llm`] reads it.
    pub llm: Section,
    /// The agent: what it is told to be, how it greets, whose tools it has.
    pub agent: AgentSettings,
    /// What a worker in LiveKit rooms may take on; the command line reads it in a build with rooms.
    pub worker: Section,
    #[serde(skip)]
    given: Section,
    #[serde(skip)]
    origins: BTreeMap<String, Origin>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            stt: "builtin".to_owned(),
            tts: "builtin".to_owned(),
            vad: "silero".to_owned(),
            turn: "last-words".to_owned(),
            recogniser: SttOptions::default(),
            pipeline: PipelineConfig::default(),
            session: Section::default(),
            llm: Section::default(),
            agent: AgentSettings::default(),
            worker: Section::default(),
            given: Section::default(),
            origins: BTreeMap::new(),
        }
    }
}

impl Config {
    /// The settings of `file`, under those of the environment. Without a `file` they are those of
    /// [`FILE`] in the working directory, or the defaults if it is not there.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be read, a setting is unknown or out of range, or the file was only found
    /// and does what somebody must vouch for first ([`ConfigError::untrusted_file`]).
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let environment = environment();
        let beside = Path::new(FILE);
        let Some(path) = file.or_else(|| beside.is_file().then_some(beside)) else {
            return Self::parse("", "defaults", environment);
        };
        let name = path.display().to_string();
        let text =
            read(path).map_err(|problem| ConfigError::new(format!("{name}: cannot be read: {problem}")))?;
        let config = Self::parse(&text, &name, environment.clone())?;
        if file.is_none() {
            let table: Table = text.parse().map_err(|error| ConfigError::new(format!("{name}: {error}")))?;
            let has_key =
                environment.iter().any(|(name, value)| name == "DUOLOGUE_LLM__API_KEY" && !value.is_empty());
            let own_url = !matches!(config.origins.get("llm.base_url"), Some(Origin::Environment(_)));
            trust::check(path, &text, &table, has_key && own_url)?;
        }
        Ok(config)
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
        let mut table: Table = text.parse().map_err(|error| ConfigError::new(format!("{name}: {error}")))?;
        let mut origins = BTreeMap::new();
        layers::check(&table, name, &mut origins)?;
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        environment::overlay(&mut table, &mut origins, &environment)?;
        let mut config: Self = Value::Table(table.clone())
            .try_into()
            .map_err(|error| ConfigError::new(format!("{name}: {error}")))?;
        (config.given, config.origins) = (Section::from(table), origins);
        config.validate().map_err(|error| ConfigError::new(format!("{name}: {error}")))?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), Box<dyn std::error::Error>> {
        self.recogniser.validate()?;
        self.pipeline.validate()?;
        #[cfg(feature = "agent")]
        {
            self.session()?.validate().map_err(|error| format!("session: {error}"))?;
            self.llm()?;
        }
        Ok(())
    }

    /// Every setting, as it is in effect, and where it came from.
    pub fn settings(&self) -> Vec<Setting> {
        layers::effective(self.given.table(), &self.origins)
    }

    /// The agent session's settings.
    ///
    /// # Errors
    /// [`ConfigError`] naming the key that is wrong.
    #[cfg(feature = "agent")]
    pub fn session(&self) -> Result<duologue_agent::session::SessionConfig, ConfigError> {
        self.session.read("session")
    }

    /// The language model's server; its `base_url` is empty if none is set.
    ///
    /// # Errors
    /// [`ConfigError`] naming the key that is wrong.
    #[cfg(feature = "agent")]
    pub fn llm(&self) -> Result<duologue_agent::llm::openai::OpenAiConfig, ConfigError> {
        self.llm.read("llm")
    }

    /// Whether `[agent]` or `[llm]` describe an agent; else there is only the appliance.
    pub fn has_agent(&self) -> bool {
        let server = self.llm.table().get("base_url").and_then(Value::as_str);
        server.is_some_and(|url| !url.is_empty()) || self.agent != AgentSettings::default()
    }
}

fn environment() -> Vec<(String, String)> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect()
}

/// A regular file of a bounded size: a device or a pipe of that name must not hold a program up.
fn read(path: &Path) -> Result<String, String> {
    let data = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !data.is_file() {
        return Err("it is no regular file".to_owned());
    }
    if data.len() > LONGEST {
        return Err(format!("it has more than {LONGEST} bytes"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
