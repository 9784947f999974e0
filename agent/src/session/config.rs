//! How a session behaves: [`SessionConfig`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// Limits and words of a session. Durations are written as seconds in configuration files.
///
/// ```
/// use duologue_agent::session::SessionConfig;
///
/// let config: SessionConfig = serde_json::from_str(r#"{ "filler_after": 1.5, "speculate": false }"#)?;
/// assert_eq!(config.max_tool_steps, 8);
/// assert!(config.validate().is_ok());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionConfig {
    /// Name of the conversation in the history store; empty means a new one.
    pub session_id: String,
    /// How often the model may call tools in one turn; then it must answer.
    pub max_tool_steps: usize,
    /// Most calls of one step; the model is told that the others were not made.
    pub max_calls_per_step: usize,
    /// What the conversation may take of a model's context, in tokens as
    /// [`crate::chat::estimate_tokens`] counts them; the oldest goes first.
    pub token_budget: usize,
    /// Items that [`crate::AgentSession::history`] keeps; the oldest go first.
    pub history_limit: usize,
    /// Most bytes of one answer; the rest is not asked for. Less than the pipeline's
    /// `max_reply_bytes`, so that the cut is told apart from an interruption.
    pub max_answer_bytes: usize,
    /// How long a model may take to its first word before `filler` is spoken.
    #[serde(with = "seconds")]
    pub filler_after: Duration,
    /// What is spoken meanwhile; empty means nothing.
    pub filler: String,
    /// How long a model may take to its first word at most.
    #[serde(with = "seconds")]
    pub first_token_limit: Duration,
    /// How long a model may pause between two words.
    #[serde(with = "seconds")]
    pub token_limit: Duration,
    /// How long a turn may take in all, with its tools.
    #[serde(with = "seconds")]
    pub turn_limit: Duration,
    /// What is spoken when a model fails; empty means nothing.
    pub apology: String,
    /// Ask the model before it is certain that the user has finished.
    pub speculate: bool,
    /// How long a hook of an agent may take before the session goes on without it.
    #[serde(with = "seconds")]
    pub hook_limit: Duration,
    /// How long [`crate::AgentSession::close`] lets the agent finish what it is saying.
    #[serde(with = "seconds")]
    pub close_limit: Duration,
}

impl Default for SessionConfig {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            session_id: String::new(),
            max_tool_steps: 8,
            max_calls_per_step: 16,
            token_budget: 8_000,
            history_limit: 4_096,
            max_answer_bytes: 12_000,
            filler_after: ms(2_500),
            filler: "One moment.".into(),
            first_token_limit: ms(30_000),
            token_limit: ms(15_000),
            turn_limit: ms(180_000),
            apology: "I'm sorry, something went wrong. Please try again.".into(),
            speculate: true,
            hook_limit: ms(10_000),
            close_limit: ms(5_000),
        }
    }
}

impl SessionConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] names the first key that is out of range, its value and the range.
    pub fn validate(&self) -> Result<(), Error> {
        let ms = Duration::from_millis;
        in_range("max_tool_steps", self.max_tool_steps, 0, 100)?;
        in_range("max_calls_per_step", self.max_calls_per_step, 1, 128)?;
        in_range("token_budget", self.token_budget, 256, 1 << 24)?;
        in_range("history_limit", self.history_limit, 16, 1 << 20)?;
        in_range("max_answer_bytes", self.max_answer_bytes, 64, 1 << 22)?;
        in_range("filler_after", self.filler_after, ms(100), ms(600_000))?;
        in_range("first_token_limit", self.first_token_limit, ms(100), ms(600_000))?;
        in_range("token_limit", self.token_limit, ms(100), ms(600_000))?;
        in_range("turn_limit", self.turn_limit, ms(1_000), ms(3_000_000))?;
        in_range("hook_limit", self.hook_limit, ms(10), ms(600_000))?;
        in_range("close_limit", self.close_limit, Duration::ZERO, ms(600_000))?;
        if self.session_id.len() <= 256 {
            return Ok(());
        }
        let message = "session_id has more than 256 bytes: choose a shorter one";
        Err(Error::new(ErrorKind::Config, message).with_setting("session_id", "at most 256 bytes"))
    }
}

fn in_range<T: PartialOrd + std::fmt::Debug>(key: &str, value: T, low: T, high: T) -> Result<(), Error> {
    if value >= low && value <= high {
        return Ok(());
    }
    let allowed = format!("{low:?} to {high:?}");
    let message = format!("{key} = {value:?} is out of range: choose a value from {allowed}");
    Err(Error::new(ErrorKind::Config, message).with_setting(key, allowed))
}

/// Durations as seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &Duration, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_f64(value.as_secs_f64())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
        let value = f64::deserialize(input)?;
        Duration::try_from_secs_f64(value)
            .map_err(|e| D::Error::custom(format!("{value} s is no duration: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_value_is_not_accepted_and_its_key_is_named() {
        SessionConfig::default().validate().unwrap();
        let config = SessionConfig { token_budget: 1, ..SessionConfig::default() };
        let error = config.validate().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("token_budget"), "{error}");
        assert_eq!((error.key(), error.allowed()), (Some("token_budget"), Some("256 to 16777216")));
    }
}
