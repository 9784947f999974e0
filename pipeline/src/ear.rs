//! The ear: captured samples in, clean 16 kHz blocks and speech events out.

/// Samples of one block: 10 ms at 16 kHz.
pub const BLOCK: usize = 160;

/// What the ear found out. Indices are absolute 16 kHz samples of the capture stream.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum EarEvent<'a> {
    /// The next 10 ms, free of echo; `at` is the index of its first sample. Blocks follow each other
    /// without a gap.
    Block {
        /// Index of the first sample.
        at: u64,
        /// The samples, ±1.0.
        samples: &'a [f32; BLOCK],
    },
    /// Speech is under way.
    SpeechStarted {
        /// Its first sample, pre-roll included.
        at: u64,
        /// Samples heard when this was decided.
        detected_at: u64,
    },
    /// Speech is over.
    SpeechEnded {
        /// The sample after its last, post-roll included.
        at: u64,
        /// Samples heard when this was decided.
        detected_at: u64,
    },
    /// What the detector thinks of its latest frame.
    Voice {
        /// The sample after the frame.
        at: u64,
        /// The probability, `0.0..=1.0`, that the frame holds speech of the user.
        probability: f32,
        /// Whether the frame counts as speech.
        voiced: bool,
        /// How likely, `0.0..=1.0`, the frame holds what is left of the agent's own voice.
        echo: f32,
    },
    /// No samples have been captured for a while.
    Starved {
        /// Index of the sample that is awaited.
        at: u64,
    },
}
