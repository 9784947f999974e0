//! What a model is for, and how it is built: [`ModelKind`] and [`Family`].

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ModelKind {
    /// Speech to text.
    Stt,
    /// Text to speech.
    Tts,
    /// Voice activity detection.
    Vad,
    /// End-of-turn detection.
    Turn,
    /// Wake and stop words.
    Wake,
}

impl ModelKind {
    /// What a person calls such a model: "a recogniser".
    pub fn noun(self) -> &'static str {
        match self {
            Self::Stt => "a recogniser",
            Self::Tts => "a voice",
            Self::Vad => "a voice activity detector",
            Self::Turn => "a turn detector",
            Self::Wake => "a keyword model",
        }
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stt => "stt",
            Self::Tts => "tts",
            Self::Vad => "vad",
            Self::Turn => "turn",
            Self::Wake => "wake",
        })
    }
}

/// How a model is built, which decides how it is loaded: written as in `registry.toml`, `zipformer2-ctc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Family {
    /// Streaming transducer (zipformer, NeMo): encoder, decoder, joiner.
    Transducer,
    /// Streaming zipformer2 with a CTC head: one file.
    #[serde(rename = "zipformer2-ctc")]
    Zipformer2Ctc,
    /// Streaming NeMo with a CTC head: one file.
    NemoCtc,
    /// Transducer of whole utterances.
    OfflineTransducer,
    /// NeMo transducer of whole utterances, Parakeet among them.
    NemoTransducer,
    /// NeMo with a CTC head, of whole utterances.
    OfflineNemoCtc,
    /// Zipformer with a CTC head, of whole utterances.
    ZipformerCtc,
    /// Whisper, as sherpa-onnx exports it: whole utterances.
    Whisper,
    /// Moonshine: whole utterances.
    Moonshine,
    /// SenseVoice: whole utterances.
    SenseVoice,
    /// Kokoro, or any graph with its signature (the built-in voice, Kitten).
    Kokoro,
    /// VITS as Piper exports it.
    Vits,
    /// Silero's voice activity detector.
    Silero,
    /// Pipecat's smart-turn.
    SmartTurn,
    /// A transducer with a list of keywords.
    Keywords,
}

impl Family {
    const ALL: [Self; 15] = [
        Self::Transducer,
        Self::Zipformer2Ctc,
        Self::NemoCtc,
        Self::OfflineTransducer,
        Self::NemoTransducer,
        Self::OfflineNemoCtc,
        Self::ZipformerCtc,
        Self::Whisper,
        Self::Moonshine,
        Self::SenseVoice,
        Self::Kokoro,
        Self::Vits,
        Self::Silero,
        Self::SmartTurn,
        Self::Keywords,
    ];

    /// What models of this family are for.
    pub fn kind(self) -> ModelKind {
        match self {
            Self::Kokoro | Self::Vits => ModelKind::Tts,
            Self::Silero => ModelKind::Vad,
            Self::SmartTurn => ModelKind::Turn,
            Self::Keywords => ModelKind::Wake,
            _ => ModelKind::Stt,
        }
    }

    /// Whether a recogniser of this family hears while somebody speaks; the others take whole utterances.
    pub fn is_streaming(self) -> bool {
        matches!(self, Self::Transducer | Self::Zipformer2Ctc | Self::NemoCtc)
    }

    /// All families for `kind`.
    pub fn of(kind: ModelKind) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |family| family.kind() == kind)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transducer => "transducer",
            Self::Zipformer2Ctc => "zipformer2-ctc",
            Self::NemoCtc => "nemo-ctc",
            Self::OfflineTransducer => "offline-transducer",
            Self::NemoTransducer => "nemo-transducer",
            Self::OfflineNemoCtc => "offline-nemo-ctc",
            Self::ZipformerCtc => "zipformer-ctc",
            Self::Whisper => "whisper",
            Self::Moonshine => "moonshine",
            Self::SenseVoice => "sense-voice",
            Self::Kokoro => "kokoro",
            Self::Vits => "vits",
            Self::Silero => "silero",
            Self::SmartTurn => "smart-turn",
            Self::Keywords => "keywords",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_read_as_it_is_written() {
        for family in Family::ALL {
            let read = Family::deserialize(toml::Value::String(family.to_string())).unwrap();
            assert_eq!(read, family);
        }
    }

    #[test]
    fn every_kind_has_a_family() {
        for kind in [ModelKind::Stt, ModelKind::Tts, ModelKind::Vad, ModelKind::Turn, ModelKind::Wake] {
            assert!(Family::of(kind).count() > 0, "{kind}");
        }
    }
}
