//! `POST /v1/audio/speech`: text to speech, sent from the first clause on.
//!
//! A request takes a slot, speaks on a blocking thread, and gives its bytes through a bounded queue. Invariant: whoever
//! leaves ends the synthesis, also in the midst of a clause.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use duologue_models::{Cancel, SpeakOptions, Tts};
use duologue_pipeline::offline;
use duologue_pipeline::resample::Resampler;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::figures::Figures;
use super::refusal::Refusal;
use super::{Shared, listing, object};
use crate::audio::encode::{Format, RATE, wav_header};
use crate::slots::Slot;

/// Most characters of one request: OpenAI's.
const LONGEST: usize = 4_096;
/// Parts that wait for a slow reader; then the voice waits.
const PARTS: usize = 8;
/// A clause ends with a pause of at least so many samples without sound.
const PAUSE: usize = 240;
/// OpenAI's voices: a voice of ours that has no such name stands for each.
const OPENAI_VOICES: [&str; 13] = [
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer",
    "verse",
];

/// What is to be spoken, and how.
pub(super) struct Wanted {
    text: String,
    options: SpeakOptions,
    pub(super) format: Format,
    rate: u32,
    volume: f32,
    stream: bool,
    events: bool,
}

impl Wanted {
    /// Reads a request for the voice `tts`.
    pub(super) fn read(body: &Value, tts: &dyn Tts, models: &[String]) -> Result<Self, Refusal> {
        if let Some(model) = body["model"].as_str().filter(|model| !models.iter().any(|known| known == model))
        {
            return Err(Refusal::model(model, tts.name()));
        }
        let text =
            body["input"].as_str().ok_or_else(|| Refusal::invalid("input", "input: a text is wanted"))?;
        let characters = text.chars().count();
        if text.trim().is_empty() || characters > LONGEST {
            let message =
                format!("input has {characters} characters; 1 to {LONGEST}, not all blank, are spoken");
            return Err(Refusal::invalid("input", message));
        }
        let format = match &body["response_format"] {
            Value::Null => Format::default(),
            Value::String(name) => name.parse().map_err(|()| unknown_format(name))?,
            other => return Err(unknown_format(&other.to_string())),
        };
        let rate = number(body, "sample_rate", 8_000.0, 48_000.0)?.map_or(RATE, |rate| rate as u32);
        if !format.takes(rate) {
            let message =
                format!("sample_rate {rate}: this format is not written at that rate; leave it out");
            return Err(Refusal::invalid("sample_rate", message));
        }
        let speed = number(body, "speed", 0.25, 4.0)?.unwrap_or(1.0);
        let events = match &body["stream_format"] {
            Value::Null => false,
            Value::String(name) if name == "audio" => false,
            Value::String(name) if name == "sse" => true,
            other => {
                return Err(Refusal::invalid(
                    "stream_format",
                    format!("stream_format {other}: audio or sse is wanted"),
                ));
            }
        };
        Ok(Self {
            text: text.to_owned(),
            // The voices keep their sound between half and twice their own tempo.
            options: SpeakOptions { voice: voice(body, tts)?, speed: speed.clamp(0.5, 2.0) as f32 },
            format,
            rate,
            volume: number(body, "volume_multiplier", 0.0, 10.0)?.unwrap_or(1.0) as f32,
            stream: body["stream"].as_bool().unwrap_or(true),
            events,
        })
    }
}

fn unknown_format(name: &str) -> Refusal {
    Refusal::invalid("response_format", format!("response_format {name}: {} are made here", Format::NAMES))
}

fn number(body: &Value, field: &'static str, low: f64, high: f64) -> Result<Option<f64>, Refusal> {
    match &body[field] {
        Value::Null => Ok(None),
        value => match value.as_f64().filter(|number| (low..=high).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(Refusal::invalid(
                field,
                format!("{field} {value}: a number from {low} to {high} is wanted"),
            )),
        },
    }
}

/// The voice by name, or by `{"id": …}`; without one, and for OpenAI's names, the model's first.
fn voice(body: &Value, tts: &dyn Tts) -> Result<String, Refusal> {
    let name = match &body["voice"] {
        Value::Null => return Ok(String::new()),
        Value::String(name) => name,
        Value::Object(voice) => match voice.get("id").and_then(Value::as_str) {
            Some(name) => name,
            None => return Err(Refusal::invalid("voice", "voice: an object needs an id")),
        },
        other => return Err(Refusal::invalid("voice", format!("voice {other}: a name is wanted"))),
    };
    if tts.voices().iter().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    if name.is_empty() || name == "default" || OPENAI_VOICES.contains(&name) {
        return Ok(String::new());
    }
    let known = tts.voices().join(", ");
    Err(Refusal::invalid("voice", format!("no voice {name:?} here; there are {known}")))
}

/// A part of what is sent.
pub(super) struct Part {
    pub bytes: Vec<u8>,
    /// The words that begin in it: bytes of the text, and seconds.
    pub words: Vec<(String, f64, f64)>,
}

/// What is being spoken; dropping it ends the synthesis.
pub(super) struct Speaking {
    parts: mpsc::Receiver<Result<Part, String>>,
    cancel: Cancel,
}

impl Drop for Speaking {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Speaking {
    /// Begins to speak `wanted` in `slot`.
    pub(super) fn begin(wanted: &Wanted, tts: Arc<dyn Tts>, slot: Slot, figures: Arc<Figures>) -> Self {
        let (sender, parts) = mpsc::channel(PARTS);
        let cancel = Cancel::new();
        let mut voice = Voice {
            text: wanted.text.clone(),
            options: wanted.options.clone(),
            format: wanted.format,
            rate: wanted.rate,
            volume: wanted.volume,
            cancel: cancel.clone(),
            parts: sender,
            figures,
        };
        tokio::task::spawn_blocking(move || {
            let _slot = slot;
            if let Err(error) = voice.speak(&*tts) {
                // Whoever asked may have left.
                let _ = voice.parts.blocking_send(Err(error));
            }
        });
        Self { parts, cancel }
    }

    /// The next part.
    pub(super) async fn next(&mut self) -> Option<Result<Part, String>> {
        self.parts.recv().await
    }
}

/// The blocking side.
struct Voice {
    text: String,
    options: SpeakOptions,
    format: Format,
    rate: u32,
    volume: f32,
    cancel: Cancel,
    parts: mpsc::Sender<Result<Part, String>>,
    figures: Arc<Figures>,
}

impl Voice {
    fn speak(&mut self, tts: &dyn Tts) -> Result<(), String> {
        let began = Instant::now();
        let rate = tts.sample_rate();
        let mut encoder = self.format.encoder(self.rate)?;
        let mut resampler = Resampler::new(rate, self.rate).map_err(|error| error.to_string())?;
        let (mut failure, mut first, mut made) = (None, true, 0_usize);
        let spoken = offline::speak_in_pieces(tts, &self.text, &self.options, &self.cancel, &mut |piece| {
            made += piece.samples.len();
            let clause_ends =
                piece.last || piece.samples.iter().rev().take(PAUSE).all(|sample| *sample == 0.0);
            let mut samples = Vec::new();
            resampler.process(&piece.samples, &mut |some| samples.extend_from_slice(some));
            samples.iter_mut().for_each(|sample| *sample = (*sample * self.volume).clamp(-1.0, 1.0));
            let mut bytes = Vec::new();
            let encoded = encoder
                .push(&samples, &mut bytes)
                .and_then(|()| if clause_ends { encoder.clause_end(&mut bytes) } else { Ok(()) });
            let words = piece.marks.iter().map(|mark| {
                let seconds = |at: usize| at as f64 / f64::from(rate);
                let word = self.text.get(mark.source.clone()).unwrap_or_default().to_owned();
                (word, seconds(mark.samples.start), seconds(mark.samples.end))
            });
            let part = Part { bytes, words: words.collect() };
            if std::mem::take(&mut first) && !part.bytes.is_empty() {
                self.figures.first_audio(began.elapsed());
            }
            let sent = encoded.map(|()| self.parts.blocking_send(Ok(part)));
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(_)) => self.cancel.cancel(),
                Err(error) => {
                    failure = Some(error);
                    self.cancel.cancel();
                }
            }
        });
        if let Some(error) = failure {
            return Err(error);
        }
        spoken.map_err(|error| error.to_string())?;
        self.figures.spoke(Duration::from_secs_f64(made as f64 / f64::from(rate)), began.elapsed());
        let (mut samples, mut bytes) = (Vec::new(), Vec::new());
        resampler.flush(&mut |some| samples.extend_from_slice(some));
        encoder.push(&samples, &mut bytes)?;
        encoder.finish(&mut bytes)?;
        // An error means that whoever asked has left.
        let _ = self.parts.blocking_send(Ok(Part { bytes, words: Vec::new() }));
        Ok(())
    }
}

pub(super) async fn speech(State(shared): State<Shared>, request: Request) -> Result<Response, Refusal> {
    let (wanted, mut speaking) = begin(&shared, request).await?;
    // What cannot be spoken is told as an error, not as a broken stream.
    let first = speaking.next().await.ok_or_else(|| Refusal::failed("the voice gave nothing"))?;
    let first = first.map_err(Refusal::failed)?;
    if wanted.events {
        return Ok(events(&wanted, first, speaking));
    }
    if !wanted.stream {
        return whole(&wanted, first, speaking).await;
    }
    let parts = stream::unfold((Some(first), speaking), |(first, mut speaking)| async move {
        let part = match first {
            Some(first) => Ok(first),
            None => speaking.next().await?,
        };
        Some((part.map(|part| Bytes::from(part.bytes)).map_err(std::io::Error::other), (None, speaking)))
    });
    Ok(audio(wanted.format, Body::from_stream(parts)))
}

/// Reads a request and begins to speak.
pub(super) async fn begin(shared: &Shared, request: Request) -> Result<(Wanted, Speaking), Refusal> {
    let body = object(request).await?;
    let models = shared.engines.models().await.map_err(|error| Refusal::unavailable(error.to_string()))?;
    let wanted =
        Wanted::read(&body, &*models.tts, &listing::speech_models(&models, shared.engines.config()))?;
    let slot = shared.slots.interactive().await.map_err(|_| shared.busy())?;
    shared.figures.asked_for_speech();
    let speaking = Speaking::begin(&wanted, Arc::clone(&models.tts), slot, Arc::clone(&shared.figures));
    Ok((wanted, speaking))
}

fn audio(format: Format, body: Body) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    response
}

async fn whole(wanted: &Wanted, first: Part, mut speaking: Speaking) -> Result<Response, Refusal> {
    let mut bytes = first.bytes;
    while let Some(part) = speaking.next().await {
        bytes.extend(part.map_err(Refusal::failed)?.bytes);
    }
    if wanted.format == Format::Wav {
        let header = wav_header(wanted.rate, u32::try_from(bytes.len().saturating_sub(44)).ok());
        bytes[..44].copy_from_slice(&header);
    }
    Ok(audio(wanted.format, Body::from(bytes)))
}

/// As server-sent events: `speech.audio.delta` for each part, `speech.audio.done` at the end.
fn events(wanted: &Wanted, first: Part, speaking: Speaking) -> Response {
    let words = wanted.text.split_whitespace().count();
    let state = (Some(first), Some(speaking));
    let events = stream::unfold(state, move |(first, speaking)| async move {
        let mut speaking = speaking?;
        let part = match first {
            Some(first) => Some(Ok(first)),
            None => speaking.next().await,
        };
        let event = match part {
            Some(Ok(part)) => {
                let audio = STANDARD.encode(&part.bytes);
                let delta = json!({ "type": "speech.audio.delta", "audio": audio });
                return Some((line(&delta), (None, Some(speaking))));
            }
            Some(Err(message)) => {
                json!({ "type": "error", "error": { "message": message, "type": "server_error", "param": null, "code": null } })
            }
            // There are no tokens here: words are counted.
            None => json!({ "type": "speech.audio.done",
                "usage": { "input_tokens": words, "output_tokens": 0, "total_tokens": words } }),
        };
        Some((line(&event), (None, None)))
    });
    event_stream(Body::from_stream(events))
}

pub(super) fn line(event: &Value) -> Result<Bytes, std::convert::Infallible> {
    Ok(Bytes::from(format!("data: {event}\n\n")))
}

pub(super) fn event_stream(body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
