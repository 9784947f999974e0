//! How probabilities become segments: thresholds and times.
//!
//! Invariant: a [`SegmenterConfig`] that passed [`SegmenterConfig::validate`] describes segments
//! that always end, never overlap, and are never longer than `max_speech_ms`. The segmenter
//! validates it again when it is built, so a wrong value never runs.
//!
//! ```
//! use duologue_vad::SegmenterConfig;
//!
//! let config = SegmenterConfig { hangover_ms: 500, ..SegmenterConfig::responsive() };
//! config.validate().unwrap();
//! let wrong = SegmenterConfig { onset: 1.5, ..config };
//! assert!(wrong.validate().unwrap_err().to_string().contains("vad.onset"));
//! ```

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, SAMPLE_RATE};

/// Longest time, in ms, that any single key but `max_speech_ms` may name.
const LONGEST_MS: u32 = 10_000;

/// When speech starts and ends. The keys are the same in `duologue.toml`'s `[vad]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SegmenterConfig {
    /// A frame at or above this probability starts speech; `0.0 < onset <= 1.0`.
    pub onset: f32,
    /// A frame at or above this probability carries speech on (hysteresis); `0.0 < offset <= onset`.
    pub offset: f32,
    /// How long, in ms, speech must go on before it is reported; 0 reports its first frame.
    pub min_speech_ms: u32,
    /// How long, in ms, speech must be away before its end is reported.
    pub hangover_ms: u32,
    /// How far, in ms, before the first frame of speech a segment starts, clipped to the stream's
    /// start and the previous segment's end.
    pub pre_roll_ms: u32,
    /// How far, in ms, after the last frame of speech a segment ends; at most `hangover_ms`.
    pub post_roll_ms: u32,
    /// Longest segment, in ms; longer speech is split, and no sample of it is lost.
    pub max_speech_ms: u32,
}

impl SegmenterConfig {
    /// For conversation: reports the first frame over the threshold at once, so that an agent can
    /// duck; whoever uses it confirms by [`crate::Detector::voiced`]. Its pre-roll gives a recogniser
    /// the whole first word.
    ///
    /// From the first sample of speech in 66 labelled stretches to `SpeechStarted`: with Silero 6.2
    /// p50 51 ms, p90 115 ms; with [`crate::Energy`] p50 21 ms, p90 70 ms (`examples/score.rs`).
    pub fn responsive() -> Self {
        Self {
            onset: 0.5,
            offset: 0.35,
            min_speech_ms: 0,
            hangover_ms: 200,
            pre_roll_ms: 300,
            post_roll_ms: 60,
            max_speech_ms: 30_000,
        }
    }

    /// For cutting recordings: boundaries as near to a person's labels as the detector allows.
    ///
    /// On 15 labelled clips, per 10 ms (`examples/score.rs`): Silero 6.2 precision .920, recall .973,
    /// F1 .946; Silero 5.1 F1 .909; [`crate::Energy`] F1 .910. The values are near the best of a
    /// sweep over the same clips for all three, so expect a little less elsewhere.
    pub fn accurate() -> Self {
        Self {
            onset: 0.5,
            offset: 0.35,
            min_speech_ms: 64,
            hangover_ms: 160,
            pre_roll_ms: 32,
            post_roll_ms: 0,
            max_speech_ms: 30_000,
        }
    }

    /// Checks every key.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming the first key that is out of range, as `vad.<key>`.
    pub fn validate(&self) -> Result<(), Error> {
        if !(self.onset > 0.0 && self.onset <= 1.0) {
            return Err(wrong("onset", self.onset, "must be above 0 and at most 1"));
        }
        if !(self.offset > 0.0 && self.offset <= self.onset) {
            return Err(wrong("offset", self.offset, "must be above 0 and at most vad.onset"));
        }
        let times = [
            ("min_speech_ms", self.min_speech_ms),
            ("hangover_ms", self.hangover_ms),
            ("pre_roll_ms", self.pre_roll_ms),
        ];
        for (key, value) in times {
            if value > LONGEST_MS {
                return Err(wrong(key, value, &format!("must be at most {LONGEST_MS}")));
            }
        }
        if self.post_roll_ms > self.hangover_ms {
            return Err(wrong("post_roll_ms", self.post_roll_ms, "must be at most vad.hangover_ms"));
        }
        // A frame is at most 100 ms (see `Segmenter::new`): speech can be reported before it must be split.
        if self.max_speech_ms < self.pre_roll_ms + self.min_speech_ms + 100 {
            let rule = "must be at least vad.pre_roll_ms + vad.min_speech_ms + 100";
            return Err(wrong("max_speech_ms", self.max_speech_ms, rule));
        }
        Ok(())
    }
}

impl Default for SegmenterConfig {
    /// [`SegmenterConfig::responsive`].
    fn default() -> Self {
        Self::responsive()
    }
}

fn wrong(key: &str, value: impl std::fmt::Display, rule: &str) -> Error {
    Error::new(ErrorKind::Config, format!("vad.{key} = {value}: {rule}"))
}

/// Samples in `ms` at [`SAMPLE_RATE`].
pub(crate) fn samples(ms: u32) -> u64 {
    u64::from(ms) * u64::from(SAMPLE_RATE / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_not_invalid() {
        SegmenterConfig::responsive().validate().unwrap();
        SegmenterConfig::accurate().validate().unwrap();
    }

    #[test]
    fn a_wrong_key_is_not_left_unnamed() {
        let good = SegmenterConfig::responsive();
        let cases = [
            ("vad.onset", SegmenterConfig { onset: f32::NAN, ..good.clone() }),
            ("vad.onset", SegmenterConfig { onset: 0.0, ..good.clone() }),
            ("vad.offset", SegmenterConfig { offset: 0.9, ..good.clone() }),
            ("vad.offset", SegmenterConfig { offset: -0.1, ..good.clone() }),
            ("vad.min_speech_ms", SegmenterConfig { min_speech_ms: 10_001, ..good.clone() }),
            ("vad.hangover_ms", SegmenterConfig { hangover_ms: u32::MAX, ..good.clone() }),
            ("vad.pre_roll_ms", SegmenterConfig { pre_roll_ms: u32::MAX, ..good.clone() }),
            ("vad.post_roll_ms", SegmenterConfig { post_roll_ms: 201, ..good.clone() }),
            ("vad.max_speech_ms", SegmenterConfig { max_speech_ms: 0, ..good.clone() }),
        ];
        for (key, config) in cases {
            let error = config.validate().expect_err(key);
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().starts_with(&format!("{key} ")), "{error}");
        }
    }

    #[test]
    fn an_unknown_key_is_not_ignored() {
        let error = toml::from_str::<SegmenterConfig>("onsett = 0.5").unwrap_err();
        assert!(error.to_string().contains("onsett"), "{error}");
    }

    #[test]
    fn missing_keys_do_not_lose_their_defaults() {
        let config: SegmenterConfig = toml::from_str("hangover_ms = 700").unwrap();
        assert_eq!(config, SegmenterConfig { hangover_ms: 700, ..SegmenterConfig::responsive() });
    }
}
