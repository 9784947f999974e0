//! `POST /v1/audio/transcriptions`: recordings to text, utterance by utterance.
//!
//! The form is read whole (at most 25 MB, in memory), its file is decoded and heard on a blocking thread, in a slot for
//! batch work. Invariant: whoever leaves ends the work within a tenth of a second of sound.

use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use duologue_pipeline::cues::{Cue, Format as CueFormat};
use duologue_pipeline::{Heard, Listener};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::refusal::Refusal;
use super::speech::{event_stream, line};
use super::{BODY, Shared, listing};
use crate::audio::decode;

/// Utterances that wait for a slow reader.
const UTTERANCES: usize = 64;
/// Longest field beside the file, in bytes.
const FIELD: usize = 64 * 1_024;
/// Rate of a listener's times, in Hz.
const RATE: f64 = 16_000.0;

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Form {
    #[default]
    Json,
    Text,
    VerboseJson,
    Cues(CueFormat),
}

/// What the form asks for.
#[derive(Default)]
struct Wanted {
    file: Vec<u8>,
    model: Option<String>,
    form: Form,
    stream: bool,
    words: bool,
    segments: bool,
}

impl Wanted {
    async fn read(mut form: Multipart) -> Result<Self, Refusal> {
        let (mut wanted, mut has_file) = (Self::default(), false);
        while let Some(field) = form.next_field().await? {
            match field.name().unwrap_or_default() {
                "file" => {
                    (wanted.file, has_file) = (field.bytes().await?.into(), true);
                }
                "model" => wanted.model = Some(text(field).await?),
                "response_format" => wanted.form = form_of(&text(field).await?)?,
                "stream" => wanted.stream = matches!(text(field).await?.as_str(), "true" | "True" | "1"),
                "timestamp_granularities[]" | "timestamp_granularities" => {
                    match text(field).await?.as_str() {
                        "word" => wanted.words = true,
                        "segment" => wanted.segments = true,
                        other => {
                            let message =
                                format!("timestamp_granularities {other:?}: word or segment is wanted");
                            return Err(Refusal::invalid("timestamp_granularities", message));
                        }
                    }
                }
                // What else OpenAI knows (language, prompt, temperature, …) changes nothing here.
                _ => drop(text(field).await?),
            }
        }
        if has_file { Ok(wanted) } else { Err(Refusal::invalid("file", "file: a recording is wanted")) }
    }
}

async fn text(mut field: Field<'_>) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await? {
        if bytes.len() + chunk.len() > FIELD {
            return Err(Refusal::too_large(FIELD));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

fn form_of(name: &str) -> Result<Form, Refusal> {
    Ok(match name {
        "json" | "" => Form::Json,
        "text" => Form::Text,
        "verbose_json" => Form::VerboseJson,
        "srt" => Form::Cues(CueFormat::Srt),
        "vtt" => Form::Cues(CueFormat::Vtt),
        other => {
            let message =
                format!("response_format {other:?}: json, text, srt, verbose_json or vtt is wanted");
            return Err(Refusal::invalid("response_format", message));
        }
    })
}

/// What came of the recording.
enum Found {
    Utterance(Utterance),
    /// The end, with the recording's length in seconds.
    Over(f64),
    Failed(Refusal),
}

/// One utterance that has words; times in seconds.
struct Utterance {
    start: f64,
    end: f64,
    text: String,
    words: Vec<(String, f64, f64)>,
}

pub(super) async fn transcription(
    State(shared): State<Shared>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Refusal> {
    let form = form.map_err(|_| {
        let message = "a form is wanted (multipart/form-data) with a field `file`";
        Refusal::new(StatusCode::BAD_REQUEST, message)
    })?;
    let mut wanted = timeout(BODY, Wanted::read(form)).await.map_err(|_| Refusal::slow())??;
    let models = shared.engines.models().await.map_err(|error| Refusal::unavailable(error.to_string()))?;
    let known = listing::transcription_models(&models, shared.engines.config());
    if let Some(model) = wanted.model.as_ref().filter(|model| !known.contains(model)) {
        return Err(Refusal::model(model, &known[0]));
    }
    let slot = shared.slots.batch().await.map_err(|_| shared.busy())?;
    shared.figures.asked_for_transcription();
    let (sender, mut found) = mpsc::channel(UTTERANCES);
    let (file, figures) = (std::mem::take(&mut wanted.file), shared.figures.clone());
    tokio::task::spawn_blocking(move || {
        let _slot = slot;
        let began = Instant::now();
        let end = match hear(&models, file, &sender) {
            Ok(seconds) => {
                figures.heard(Duration::from_secs_f64(seconds), began.elapsed());
                Found::Over(seconds)
            }
            Err(refusal) => Found::Failed(refusal),
        };
        // An error means that whoever asked has left.
        let _ = sender.blocking_send(end);
    });
    if wanted.stream && matches!(wanted.form, Form::Json | Form::Text) {
        return streamed(found).await;
    }
    let mut utterances = Vec::new();
    while let Some(next) = found.recv().await {
        match next {
            Found::Utterance(utterance) => utterances.push(utterance),
            Found::Over(seconds) => return Ok(answer(&wanted, &utterances, seconds)),
            Found::Failed(refusal) => return Err(refusal),
        }
    }
    Err(Refusal::failed("the recogniser ended before the recording did"))
}

/// The recording's length in seconds.
fn hear(
    models: &duologue_setup::Models,
    file: Vec<u8>,
    sender: &mpsc::Sender<Found>,
) -> Result<f64, Refusal> {
    let mut listener = None;
    let mut seconds = 0.0;
    let mut fault = None;
    let decoded = decode::decode(file, &mut |rate, samples| {
        seconds += samples.len() as f64 / f64::from(rate);
        let heard = listen(models, &mut listener, rate, samples, sender);
        heard.inspect_err(|error| fault = Some(error.clone()))
    });
    match (decoded, fault) {
        (_, Some(fault)) => return Err(Refusal::failed(fault)),
        (Err(error), None) => return Err(Refusal::invalid("file", error)),
        (Ok(()), None) => {}
    }
    if let Some(listener) = &mut listener {
        listener
            .finish(&mut |heard| send(heard, sender))
            .map_err(|error| Refusal::failed(error.to_string()))?;
    }
    Ok(seconds)
}

fn listen(
    models: &duologue_setup::Models,
    listener: &mut Option<Listener>,
    rate: u32,
    samples: &[f32],
    sender: &mpsc::Sender<Found>,
) -> Result<(), String> {
    if sender.is_closed() {
        return Err("nobody waits for it".to_owned());
    }
    if listener.is_none() {
        let vad = models.vad().map_err(|error| error.to_string())?;
        let new = Listener::new(&*models.stt, vad, rate, &Listener::recording());
        *listener = Some(new.map_err(|error| error.to_string())?);
    }
    let Some(listener) = listener else { return Ok(()) };
    listener.push(samples, &mut |heard| send(heard, sender)).map_err(|error| error.to_string())
}

fn send(heard: Heard, sender: &mpsc::Sender<Found>) {
    let Heard::Final { range, text, words } = heard else { return };
    if text.is_empty() {
        return;
    }
    let seconds = |sample: u64| sample as f64 / RATE;
    let words =
        words.into_iter().map(|word| (word.text, seconds(word.span.start), seconds(word.span.end))).collect();
    let utterance = Utterance { start: seconds(range.start), end: seconds(range.end), text, words };
    // An error means that whoever asked has left; the next sound notices.
    let _ = sender.blocking_send(Found::Utterance(utterance));
}

fn whole(utterances: &[Utterance]) -> String {
    utterances.iter().map(|utterance| utterance.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn usage(seconds: f64) -> Value {
    json!({ "type": "duration", "seconds": seconds })
}

fn answer(wanted: &Wanted, utterances: &[Utterance], seconds: f64) -> Response {
    let text = whole(utterances);
    match wanted.form {
        Form::Json => Json(json!({ "text": text, "usage": usage(seconds) })).into_response(),
        Form::Text => text.into_response(),
        Form::VerboseJson => verbose(wanted, utterances, seconds).into_response(),
        Form::Cues(format) => {
            let kind = if format == CueFormat::Vtt { "text/vtt" } else { "text/plain" };
            ([(header::CONTENT_TYPE, format!("{kind}; charset=utf-8"))], cues(format, utterances))
                .into_response()
        }
    }
}

fn cues(format: CueFormat, utterances: &[Utterance]) -> String {
    let ms = |seconds: f64| (seconds * 1e3).round() as u64;
    let cues = utterances.iter().zip(1..).map(|(utterance, number)| {
        let Utterance { start, end, text, .. } = utterance;
        format.cue(number, &Cue { start_ms: ms(*start), end_ms: ms(*end), channel: None, text })
    });
    format.head(false).to_owned() + &cues.collect::<String>()
}

fn verbose(wanted: &Wanted, utterances: &[Utterance], seconds: f64) -> Json<Value> {
    // Clients want every field; what no recogniser here knows stands at its neutral value.
    let segments = utterances.iter().enumerate().map(|(id, utterance)| {
        json!({
            "id": id, "seek": (utterance.start * 100.0) as u64, "start": utterance.start, "end": utterance.end,
            "text": utterance.text, "tokens": [], "temperature": 0.0, "avg_logprob": 0.0, "compression_ratio": 1.0,
            "no_speech_prob": 0.0,
        })
    });
    let mut answer = json!({
        "task": "transcribe", "language": "english", "duration": seconds, "text": whole(utterances),
        "usage": usage(seconds),
    });
    if wanted.segments || !wanted.words {
        answer["segments"] = segments.collect();
    }
    if wanted.words {
        let words = utterances.iter().flat_map(|utterance| &utterance.words);
        answer["words"] =
            words.map(|(word, start, end)| json!({ "word": word, "start": start, "end": end })).collect();
    }
    Json(answer)
}

/// As server-sent events: a delta for each utterance, which will not change any more; at the end the whole.
async fn streamed(mut found: mpsc::Receiver<Found>) -> Result<Response, Refusal> {
    // What cannot be heard at all is told as an error, not as a broken stream.
    let first = match found.recv().await {
        Some(Found::Failed(refusal)) => return Err(refusal),
        Some(first) => first,
        None => return Err(Refusal::failed("the recogniser ended before the recording did")),
    };
    let state = (Some(first), Some(found), String::new());
    let events = stream::unfold(state, |(first, found, mut text)| async move {
        let mut found = found?;
        let next = match first {
            Some(first) => Some(first),
            None => found.recv().await,
        };
        let event = match next {
            Some(Found::Utterance(utterance)) => {
                let delta = if text.is_empty() { utterance.text } else { format!(" {}", utterance.text) };
                text += &delta;
                let event = json!({ "type": "transcript.text.delta", "delta": delta });
                return Some((line(&event), (None, Some(found), text)));
            }
            // Its usage would have to be of tokens, which there are none of here.
            Some(Found::Over(_)) => json!({ "type": "transcript.text.done", "text": text }),
            Some(Found::Failed(_)) | None => {
                let message = "the recording could not be heard to its end";
                json!({ "type": "error", "error": { "message": message, "type": "server_error", "param": null, "code": null } })
            }
        };
        Some((line(&event), (None, None, text)))
    });
    Ok(event_stream(Body::from_stream(events)))
}
