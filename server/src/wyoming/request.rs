//! What a client asks for: [`Request`], read from an [`Event`].

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Event;
use super::refusal::{Code, Refusal};
use super::sound::{Format, Sound};

/// Longest name that is repeated in an error, in characters.
const SHOWN: usize = 40;

/// A request, or a part of one.
#[derive(Debug)]
pub(super) enum Request {
    Describe,
    Ping(Ping),
    SelectProgram(SelectProgram),
    Transcribe(Transcribe),
    Detect(Detect),
    AudioStart {
        /// Of the first sample, in ms.
        timestamp: u64,
    },
    AudioChunk(Sound),
    AudioStop,
    Synthesize {
        text: String,
        speaker: Speaker,
    },
    SynthesizeStart(Speaker),
    SynthesizeChunk {
        text: String,
    },
    SynthesizeStop,
    /// Of a domain that is not served here, or of a later version.
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct Ping {
    pub(super) text: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SelectProgram {
    pub(super) name: String,
}

/// Sound follows that is to be recognised. `vad_sensitivity` is for who cuts the sound; words that should be
/// favoured are not, since recognisers have no such seam yet.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Transcribe {
    pub(super) name: Option<String>,
    pub(super) language: Option<String>,
    pub(super) context: Option<Value>,
}

/// Sound follows in which wake words are to be found.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Detect {
    /// Which; all where it is absent or empty.
    #[serde(default)]
    pub(super) names: Option<Vec<String>>,
    pub(super) context: Option<Value>,
}

/// Who is to speak.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Speaker {
    #[serde(default)]
    pub(super) voice: Option<Voice>,
    text_format: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Voice {
    pub(super) name: Option<String>,
    pub(super) language: Option<String>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

#[derive(Deserialize)]
struct Audio {
    rate: u64,
    width: u64,
    channels: u64,
    /// Milliseconds.
    #[serde(default)]
    timestamp: Option<u64>,
}

impl Audio {
    fn format(&self) -> Result<Format, Refusal> {
        Format::new(self.rate, self.width, self.channels)
    }
}

impl Request {
    /// Reads `event`.
    ///
    /// # Errors
    /// A refusal that names what is missing or wrong.
    pub(super) fn read(event: Event) -> Result<Self, Refusal> {
        let Event { kind, data, payload } = event;
        let data = Value::Object(data);
        Ok(match kind.as_str() {
            "describe" => Self::Describe,
            "ping" => Self::Ping(fields(&kind, data)?),
            "select-program" => Self::SelectProgram(fields(&kind, data)?),
            "transcribe" => Self::Transcribe(fields(&kind, data)?),
            "detect" => Self::Detect(fields(&kind, data)?),
            "audio-start" => {
                let audio: Audio = fields(&kind, data)?;
                audio.format()?;
                Self::AudioStart { timestamp: audio.timestamp.unwrap_or(0) }
            }
            "audio-chunk" => {
                let audio: Audio = fields(&kind, data)?;
                Self::AudioChunk(Sound::new(audio.format()?, payload)?)
            }
            "audio-stop" => Self::AudioStop,
            "synthesize" => {
                let Text { text } = fields(&kind, data.clone())?;
                Self::Synthesize { text, speaker: speaker(&kind, data)? }
            }
            "synthesize-start" => Self::SynthesizeStart(speaker(&kind, data)?),
            "synthesize-chunk" => {
                let Text { text } = fields(&kind, data)?;
                Self::SynthesizeChunk { text }
            }
            "synthesize-stop" => Self::SynthesizeStop,
            _ => Self::Other,
        })
    }
}

fn fields<T: DeserializeOwned>(kind: &str, data: Value) -> Result<T, Refusal> {
    serde_json::from_value(data).map_err(|error| Refusal::new(Code::BadRequest, format!("{kind}: {error}")))
}

fn speaker(kind: &str, data: Value) -> Result<Speaker, Refusal> {
    let speaker: Speaker = fields(kind, data)?;
    match speaker.text_format.as_deref() {
        None | Some("text") => Ok(speaker),
        Some(other) => {
            let message = format!("{kind}: text_format {:?} is not read; send plain text", short(other));
            Err(Refusal::new(Code::Unsupported, message))
        }
    }
}

/// The beginning of a name that somebody sent, for an error.
pub(super) fn short(name: &str) -> String {
    name.chars().take(SHOWN).collect()
}
