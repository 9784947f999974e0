//! How the conversation behaves: [`Config`], and the barge-in policies as a table.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// What the user's voice does to an agent that speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Turn the agent down at once; fall silent when confirmed; the transcript decides what then.
    #[default]
    Duck,
    /// Hold the agent at once; go on where it was held if it was nothing.
    Pause,
    /// Drop the agent at once, whatever it was.
    Immediate,
    /// The agent speaks to its end; what the user says meanwhile is reported and ignored.
    Off,
}

/// How loud the agent is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Full,
    Ducked,
    Held,
}

/// What makes an interruption of user speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirm {
    Never,
    AtOnce,
    OnEvidence,
}

/// What follows a confirmed interruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterYield {
    Transcript,
    Drop,
}

/// One row of the table of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// The level while it is not known whether the user interrupts.
    pub onset: Level,
    pub confirm: Confirm,
    pub after: AfterYield,
}

impl Policy {
    pub(super) fn rules(self) -> Rules {
        let row = |onset, confirm, after| Rules { onset, confirm, after };
        match self {
            Policy::Duck => row(Level::Ducked, Confirm::OnEvidence, AfterYield::Transcript),
            Policy::Pause => row(Level::Held, Confirm::OnEvidence, AfterYield::Transcript),
            Policy::Immediate => row(Level::Held, Confirm::AtOnce, AfterYield::Drop),
            Policy::Off => row(Level::Full, Confirm::Never, AfterYield::Transcript),
        }
    }
}

/// Timings and limits of the conversation. Durations are written as seconds in configuration files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the user's voice does to an agent that speaks.
    pub policy: Policy,
    /// Output rate, in Hz, that playback samples are counted at. Set by the pipeline.
    pub output_rate: u32,
    /// How much audio before the onset belongs to an utterance.
    #[serde(with = "seconds")]
    pub pre_roll: Duration,
    /// How much audio after its last voiced sample belongs to an utterance, as far as it is there already.
    #[serde(with = "seconds")]
    pub post_roll: Duration,
    /// Voiced time that confirms an interruption; a moment that surely is voice counts up to 1.5-fold
    /// ([`super::voice_weight`]). With the onset's lag and the fade it makes up the time
    /// until the agent is silent. Each yield that turns out to be nothing doubles it for the rest of the turn, up to eightfold.
    #[serde(with = "seconds")]
    pub confirm_voiced: Duration,
    /// Whether a key of a telephone, pressed while the agent speaks, drops what it says.
    pub keypad_interrupts: bool,
    /// A duck that is not confirmed by then is undone.
    #[serde(with = "seconds")]
    pub duck_limit: Duration,
    /// A yield during which the user speaks this long is decided by what is recognised so far.
    #[serde(with = "seconds")]
    pub yield_limit: Duration,
    /// What is said while the agent speaks, and holds nothing else, does not interrupt. Phrases, lower case.
    pub backchannels: Vec<String>,

    /// From the end of speech to the end of the turn when the detector is sure it is over.
    #[serde(with = "seconds")]
    pub min_endpoint_delay: Duration,
    /// From the end of speech to the end of the turn when the detector is sure it is not.
    #[serde(with = "seconds")]
    pub max_endpoint_delay: Duration,
    /// From the end of speech to the end of the turn without a detector, or when it misses its deadline.
    #[serde(with = "seconds")]
    pub vad_endpoint_delay: Duration,
    /// At or below this probability of a complete turn the wait is the longest.
    pub turn_unlikely: f32,
    /// At or above this probability of a complete turn the wait is the shortest.
    pub turn_likely: f32,
    /// Whether a turn detector answers.
    pub turn_detector: bool,
    /// How long its answer may take.
    #[serde(with = "seconds")]
    pub detector_limit: Duration,

    /// How long a final may take after the end of speech.
    #[serde(with = "seconds")]
    pub final_limit: Duration,
    /// An utterance that goes on longer is continued as another, so that no recogniser stream grows without end.
    #[serde(with = "seconds")]
    pub max_utterance: Duration,
    /// Without any voice level for this long an utterance ends.
    #[serde(with = "seconds")]
    pub starvation_limit: Duration,
    /// Voice (or its absence) by level for this long stands in for an edge that did not come.
    #[serde(with = "seconds")]
    pub edge_limit: Duration,

    /// Ask the agent before the user's turn is known to be over.
    pub speculate: bool,
    /// A partial that is unchanged in as much silence is worth a speculative ask; one that completes the
    /// turn, as the detector sees it, at once.
    #[serde(with = "seconds")]
    pub stable_partial: Duration,
    /// How many speculative asks one user turn may cost.
    pub max_speculations: u32,
    /// Synthesize (never play) the answer to a speculative ask.
    pub speculative_speech: bool,

    /// How long the agent may take to its first text.
    #[serde(with = "seconds")]
    pub first_text_limit: Duration,
    /// How long the agent may pause in its text.
    #[serde(with = "seconds")]
    pub stall_limit: Duration,
    /// How long the agent may go on giving text.
    #[serde(with = "seconds")]
    pub max_reply_time: Duration,
    /// How much text, in bytes, one agent turn may have.
    pub max_reply_bytes: usize,
    /// How long synthesis and playback may go without progress.
    #[serde(with = "seconds")]
    pub speech_limit: Duration,
    /// How many speeches may wait to be said, those that are still being written included.
    pub max_says: usize,
    /// How many entries [`super::History`] keeps; the oldest go first.
    pub history_limit: usize,
}

/// Backchannels of English: said to show that one listens, not to take the turn.
const BACKCHANNELS: [&str; 27] = [
    "ah", "aha", "alright", "cool", "exactly", "good", "great", "got it", "hm", "hmm", "huh", "i see", "mhm",
    "mm", "mm hmm", "oh", "ok", "okay", "right", "sure", "uh", "uh huh", "uhhuh", "um", "yeah", "yep", "yes",
];

impl Default for Config {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            policy: Policy::default(),
            output_rate: 24_000,
            pre_roll: ms(300),
            post_roll: ms(200),
            confirm_voiced: ms(120),
            keypad_interrupts: false,
            duck_limit: ms(800),
            yield_limit: ms(5_000),
            backchannels: BACKCHANNELS.map(String::from).to_vec(),
            min_endpoint_delay: ms(150),
            max_endpoint_delay: ms(1_450),
            vad_endpoint_delay: ms(600),
            turn_unlikely: 0.02,
            turn_likely: 0.6,
            turn_detector: true,
            detector_limit: ms(150),
            final_limit: ms(1_500),
            max_utterance: ms(30_000),
            starvation_limit: ms(500),
            edge_limit: ms(1_000),
            speculate: true,
            stable_partial: ms(150),
            max_speculations: 3,
            speculative_speech: true,
            first_text_limit: ms(10_000),
            stall_limit: ms(10_000),
            max_reply_time: ms(180_000),
            max_reply_bytes: 16_384,
            speech_limit: ms(10_000),
            max_says: 64,
            history_limit: 256,
        }
    }
}

impl Config {
    /// Checks every value.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] names the first key that is out of range, its value and the range.
    pub fn validate(&self) -> Result<(), Error> {
        let waits = [
            ("duck_limit", self.duck_limit),
            ("yield_limit", self.yield_limit),
            ("detector_limit", self.detector_limit),
            ("final_limit", self.final_limit),
            ("max_utterance", self.max_utterance),
            ("starvation_limit", self.starvation_limit),
            ("edge_limit", self.edge_limit),
            ("first_text_limit", self.first_text_limit),
            ("stall_limit", self.stall_limit),
            ("max_reply_time", self.max_reply_time),
            ("speech_limit", self.speech_limit),
        ];
        for (key, value) in waits {
            in_range(key, value, Duration::from_millis(10), HOUR)?;
        }
        let delays = [
            ("pre_roll", self.pre_roll),
            ("post_roll", self.post_roll),
            ("confirm_voiced", self.confirm_voiced),
            ("min_endpoint_delay", self.min_endpoint_delay),
            ("vad_endpoint_delay", self.vad_endpoint_delay),
            ("stable_partial", self.stable_partial),
        ];
        for (key, value) in delays {
            in_range(key, value, Duration::ZERO, Duration::from_secs(10))?;
        }
        in_range(
            "max_endpoint_delay",
            self.max_endpoint_delay,
            self.min_endpoint_delay,
            Duration::from_secs(60),
        )?;
        in_range("output_rate", self.output_rate, 8_000, 384_000)?;
        in_range("turn_unlikely", self.turn_unlikely, 0.0, 1.0)?;
        in_range("turn_likely", self.turn_likely, self.turn_unlikely, 1.0)?;
        in_range("max_reply_bytes", self.max_reply_bytes, 1, 1 << 24)?;
        in_range("max_says", self.max_says, 1, 4_096)?;
        in_range("history_limit", self.history_limit, 1, 1 << 20)
    }

    /// How long after the end of speech a turn is over that is complete with `probability`.
    #[must_use]
    pub fn endpoint_delay(&self, probability: f32) -> Duration {
        let span = self.turn_likely - self.turn_unlikely;
        let sure = if span > 0.0 {
            ((probability - self.turn_unlikely) / span).clamp(0.0, 1.0)
        } else {
            f32::from(u8::from(probability >= self.turn_likely))
        };
        let range = self.max_endpoint_delay.saturating_sub(self.min_endpoint_delay);
        self.max_endpoint_delay.min(self.min_endpoint_delay + range.mul_f64(1.0 - f64::from(sure)))
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

fn in_range<T: PartialOrd + std::fmt::Debug>(key: &str, value: T, low: T, high: T) -> Result<(), Error> {
    if value >= low && value <= high {
        return Ok(());
    }
    let text =
        format!("conversation.{key} = {value:?} is out of range: choose a value from {low:?} to {high:?}");
    Err(Error::new(ErrorKind::Config, text))
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
    fn defaults_are_valid() {
        Config::default().validate().unwrap();
    }

    #[test]
    fn bad_value_is_not_accepted_and_its_key_is_named() {
        let config = Config { turn_likely: f32::NAN, ..Config::default() };
        let error = config.validate().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("turn_likely"), "{error}");
        let config = Config { max_endpoint_delay: Duration::from_millis(100), ..Config::default() };
        assert!(config.validate().unwrap_err().to_string().contains("max_endpoint_delay"));
    }

    #[test]
    fn wait_does_not_leave_its_bounds() {
        let config = Config::default();
        assert_eq!(config.endpoint_delay(1.0), config.min_endpoint_delay);
        assert_eq!(config.endpoint_delay(0.0), config.max_endpoint_delay);
        let mut last = config.max_endpoint_delay;
        for step in 0..=100 {
            let delay = config.endpoint_delay(step as f32 / 100.0);
            assert!(delay <= last && delay >= config.min_endpoint_delay);
            last = delay;
        }
    }
}
