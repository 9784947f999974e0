//! Where the server is, which model, and limits.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::{Error, ErrorKind};

/// Prefix of the environment variables that are these settings.
const PREFIX: &str = "DUOLOGUE_LLM__";
/// What a base URL may be.
const URL: &str = "http://HOST… or https://HOST…";
/// Fields of a request that [`OpenAiConfig::extra`] must leave alone.
const OURS: [&str; 7] =
    ["model", "messages", "stream", "stream_options", "tools", "tool_choice", "response_format"];

/// Settings of an OpenAI-compatible server: `[llm]` in `duologue.toml`, `DUOLOGUE_LLM__…` in the
/// environment, or the methods here. Times are in seconds in TOML and the environment.
///
/// ```
/// use duologue_agent::llm::openai::OpenAiConfig;
///
/// let config: OpenAiConfig = toml::from_str(
///     r#"
///     base_url = "http://127.0.0.1:8080/v1"
///     model = "qwen3-4b"
///     temperature = 0.3
///     first_token = 20.0
///     extra = { chat_template_kwargs = { enable_thinking = false } }
///     "#,
/// )?;
/// assert_eq!(config.first_token.as_secs(), 20);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpenAiConfig {
    /// What stands before `/chat/completions`, for example `http://127.0.0.1:11434/v1`. Required.
    pub base_url: String,
    /// The key, if the server wants one.
    pub api_key: Option<ApiKey>,
    /// Certificates (PEM) of authorities that are trusted besides the system's, for a server whose
    /// certificate is of your own making.
    pub ca_file: Option<PathBuf>,
    /// The model, as the server calls it. Required.
    pub model: String,
    /// `0.0..=2.0`; the server's own by default.
    pub temperature: Option<f32>,
    /// Most tokens of an answer; the server's own limit by default.
    pub max_tokens: Option<u32>,
    /// Most bytes of an answer: text, reasoning and arguments together.
    pub max_bytes: usize,
    /// How long a connection may take.
    #[serde(deserialize_with = "seconds")]
    pub connect: Duration,
    /// How long until the first token, all attempts together.
    #[serde(deserialize_with = "seconds")]
    pub first_token: Duration,
    /// How long between two tokens.
    #[serde(deserialize_with = "seconds")]
    pub between_tokens: Duration,
    /// How long an answer may take, all in all.
    #[serde(deserialize_with = "seconds")]
    pub total: Duration,
    /// How often a request is repeated whose answer has not begun.
    pub retries: u32,
    /// The model's answer begins inside its reasoning: the chat template has written `<think>`, so
    /// that only `</think>` comes.
    pub begins_thinking: bool,
    /// More fields of the request, as the server understands them.
    pub extra: Map<String, Value>,
}

impl Default for OpenAiConfig {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            api_key: None,
            ca_file: None,
            model: String::new(),
            temperature: None,
            max_tokens: None,
            max_bytes: 256 * 1024,
            connect: Duration::from_secs(3),
            first_token: Duration::from_secs(30),
            between_tokens: Duration::from_secs(10),
            total: Duration::from_secs(120),
            retries: 2,
            begins_thinking: false,
            extra: Map::new(),
        }
    }
}

impl OpenAiConfig {
    /// `model` at `base_url`.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), model: model.into(), ..Self::default() }
    }

    /// With this key.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(ApiKey(key.into()));
        self
    }

    /// Trusting the authorities of this file too; see [`OpenAiConfig::ca_file`].
    #[must_use]
    pub fn ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(file.into());
        self
    }

    /// With this temperature, `0.0..=2.0`.
    #[must_use]
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// With at most so many tokens an answer.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// With so many repetitions.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Overlaid with what `lookup` knows: `DUOLOGUE_LLM__BASE_URL`, `…__API_KEY`, `…__CA_FILE`, `…__MODEL`,
    /// `…__TEMPERATURE`, `…__MAX_TOKENS`, `…__MAX_BYTES`, `…__CONNECT`, `…__FIRST_TOKEN`,
    /// `…__BETWEEN_TOKENS`, `…__TOTAL`, `…__RETRIES`, `…__BEGINS_THINKING`.
    ///
    /// Where no base URL is set at all, `OPENAI_BASE_URL` is. `OPENAI_API_KEY` is used only along
    /// with that one or for `https://api.openai.com`: it goes to no other server by itself.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the variable whose value is of the wrong kind.
    pub fn with_environment(mut self, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let given = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let own = |key: &str| given(&format!("{PREFIX}{key}"));
        if let Some(url) = own("BASE_URL") {
            self.base_url = url;
        }
        let mut is_openai = self.base_url.starts_with("https://api.openai.com/");
        if let (true, Some(url)) = (self.base_url.is_empty(), given("OPENAI_BASE_URL")) {
            self.base_url = url;
            is_openai = true;
        }
        if let Some(key) = own("API_KEY") {
            self.api_key = Some(ApiKey(key));
        }
        if is_openai && self.api_key.is_none() {
            self.api_key = given("OPENAI_API_KEY").map(ApiKey);
        }
        if let Some(file) = own("CA_FILE") {
            self.ca_file = Some(file.into());
        }
        if let Some(model) = own("MODEL") {
            self.model = model;
        }
        parse_into(&own, ("TEMPERATURE", "0 to 2"), &mut |value| self.temperature = Some(value))?;
        parse_into(&own, ("MAX_TOKENS", "a whole number"), &mut |value| self.max_tokens = Some(value))?;
        parse_into(&own, ("MAX_BYTES", "a whole number"), &mut |value| self.max_bytes = value)?;
        parse_into(&own, ("RETRIES", "a whole number"), &mut |value| self.retries = value)?;
        parse_into(&own, ("BEGINS_THINKING", "true or false"), &mut |value| self.begins_thinking = value)?;
        parse_into(&own, ("CONNECT", "seconds"), &mut |Seconds(value)| self.connect = value)?;
        parse_into(&own, ("FIRST_TOKEN", "seconds"), &mut |Seconds(value)| self.first_token = value)?;
        parse_into(&own, ("BETWEEN_TOKENS", "seconds"), &mut |Seconds(value)| self.between_tokens = value)?;
        parse_into(&own, ("TOTAL", "seconds"), &mut |Seconds(value)| self.total = value)?;
        Ok(self)
    }

    /// Whether a client can be made of it. Opens nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the key that is wrong.
    pub fn validate(&self) -> Result<(), Error> {
        if self.base_url.trim().is_empty() {
            return fault(
                "base_url",
                URL,
                "is missing; for example http://127.0.0.1:11434/v1 (Ollama), http://127.0.0.1:8080/v1 (llama.cpp), \
                 or set DUOLOGUE_LLM__BASE_URL",
            );
        }
        let Ok(url) = self.base_url.trim().parse::<Uri>() else { return Err(self.no_url()) };
        if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none_or(str::is_empty) {
            return fault("base_url", URL, "must begin with http:// or https:// and name a host");
        }
        // They would be told in errors and logs.
        if url.authority().is_some_and(|name| name.as_str().contains('@')) || url.query().is_some() {
            return fault("base_url", URL, "must hold no user, password or query; a key belongs in api_key");
        }
        if self.model.trim().is_empty() {
            return fault(
                "model",
                "a model of the server",
                "is missing; name one that the server has, or set DUOLOGUE_LLM__MODEL",
            );
        }
        if self.api_key.as_ref().is_some_and(|key| !key.is_sendable()) {
            return fault(
                "api_key",
                "visible ASCII",
                "holds blanks or characters outside ASCII; copy it again",
            );
        }
        if self.temperature.is_some_and(|value| !(0.0..=2.0).contains(&value)) {
            return fault("temperature", "0 to 2", "must be 0 to 2");
        }
        if self.max_tokens == Some(0) {
            return fault("max_tokens", "at least 1", "must be greater than 0");
        }
        if self.max_bytes == 0 {
            return fault("max_bytes", "at least 1", "must be greater than 0");
        }
        let times = [
            ("connect", self.connect),
            ("first_token", self.first_token),
            ("between_tokens", self.between_tokens),
            ("total", self.total),
        ];
        for (key, time) in times {
            if time.is_zero() || time > Duration::from_secs(24 * 3600) {
                return fault(key, "above 0 and at most 86400 s", "must be above 0 and at most a day");
            }
        }
        if let Some(key) = self.extra.keys().find(|key| OURS.contains(&key.as_str())) {
            return fault(
                "extra",
                "fields that the conversation does not set",
                &format!("must not set {key}: it is set from the conversation"),
            );
        }
        Ok(())
    }

    /// `base_url` is not understood.
    pub(super) fn no_url(&self) -> Error {
        let message = "[llm] base_url is no URL; it looks like http://127.0.0.1:11434/v1";
        wrong("base_url", URL, message.to_owned())
    }

    /// The base URL without a slash at its end.
    #[cfg(feature = "openai")]
    pub(super) fn base(&self) -> &str {
        self.base_url.trim().trim_end_matches('/')
    }
}

/// The setting `key` is wrong, which may be what `allowed` says.
fn fault<T>(key: &str, allowed: &str, problem: &str) -> Result<T, Error> {
    Err(wrong(key, allowed, format!("[llm] {key} {problem}")))
}

fn wrong(key: &str, allowed: &str, message: String) -> Error {
    Error::new(ErrorKind::Config, message).with_setting(format!("llm.{key}"), allowed)
}

fn parse_into<T: std::str::FromStr>(
    own: &impl Fn(&str) -> Option<String>,
    (key, allowed): (&str, &str),
    set: &mut dyn FnMut(T),
) -> Result<(), Error> {
    let Some(text) = own(key) else { return Ok(()) };
    let value = text.trim().parse().map_err(|_| {
        let message = format!("{PREFIX}{key}: {text:?} is not of the right kind; correct or unset it");
        wrong(&key.to_lowercase(), allowed, message)
    })?;
    set(value);
    Ok(())
}

struct Seconds(Duration);

impl std::str::FromStr for Seconds {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let seconds = text.parse().map_err(|_| ())?;
        Duration::try_from_secs_f64(seconds).map(Self).map_err(|_| ())
    }
}

fn seconds<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    let value = f64::deserialize(input)?;
    Duration::try_from_secs_f64(value)
        .map_err(|error| serde::de::Error::custom(format!("{value} s is no duration: {error}")))
}

/// A key. It never shows in debug output.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ApiKey(String);

impl ApiKey {
    /// For the one header that holds it.
    #[cfg(feature = "openai")]
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    fn is_sendable(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl From<&str> for ApiKey {
    fn from(key: &str) -> Self {
        Self(key.to_owned())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(***)")
    }
}
