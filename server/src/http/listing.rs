//! What is here: models, voices, whether they are loaded, and the description of the routes.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use duologue_setup::{Config, Models};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::refusal::Refusal;

/// Names that programs written for OpenAI ask for speech by.
const SPEECH: [&str; 3] = ["tts-1", "tts-1-hd", "gpt-4o-mini-tts"];
/// Names that they ask for transcripts by.
const TRANSCRIPTION: [&str; 4] =
    ["whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-transcribe"];

/// What the voice model may be called in a request.
pub(super) fn speech_models(models: &Models, config: &Config) -> Vec<String> {
    names(models.tts.name(), &config.tts, &SPEECH)
}

/// What the recogniser may be called in a request.
pub(super) fn transcription_models(models: &Models, config: &Config) -> Vec<String> {
    names(models.stt.name(), &config.stt, &TRANSCRIPTION)
}

/// The model's own name first. What is configured may be a directory, whose path is nobody's business.
fn names(own: &str, configured: &str, aliases: &[&str]) -> Vec<String> {
    let mut names = vec![own.to_owned()];
    if configured != own && !configured.contains(['/', '\\']) {
        names.push(configured.to_owned());
    }
    names.extend(aliases.iter().map(|alias| (*alias).to_owned()));
    names
}

/// When the models came into being, as far as a client is concerned: at the first request.
fn created() -> u64 {
    static CREATED: OnceLock<u64> = OnceLock::new();
    *CREATED.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

fn about(id: &str) -> Value {
    json!({ "id": id, "object": "model", "created": created(), "owned_by": "duologue" })
}

async fn all(shared: &Shared) -> Result<(Vec<String>, Vec<String>), Refusal> {
    let models = shared.engines.models().await.map_err(|error| Refusal::unavailable(error.to_string()))?;
    let config = shared.engines.config();
    Ok((speech_models(&models, config), transcription_models(&models, config)))
}

pub(super) async fn models(State(shared): State<Shared>) -> Result<Json<Value>, Refusal> {
    let (speech, transcription) = all(&shared).await?;
    let data: Vec<Value> = speech.iter().chain(&transcription).map(|id| about(id)).collect();
    Ok(Json(json!({ "object": "list", "data": data })))
}

pub(super) async fn model(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let (speech, transcription) = all(&shared).await?;
    if speech.iter().chain(&transcription).any(|known| *known == id) {
        return Ok(Json(about(&id)));
    }
    Err(Refusal::model(&id, &[&speech[0], &transcription[0]].map(String::as_str).join(" or ")))
}

/// As Open WebUI asks for them.
pub(super) async fn audio_models(State(shared): State<Shared>) -> Result<Json<Value>, Refusal> {
    let (speech, _) = all(&shared).await?;
    let models: Vec<Value> = speech.iter().map(|id| json!({ "id": id })).collect();
    Ok(Json(json!({ "models": models })))
}

#[derive(Deserialize)]
pub(super) struct VoicesQuery {
    #[serde(default)]
    legacy: Option<String>,
}

/// Voices as objects; as texts for older clients of Kokoro-FastAPI (`?legacy=true`).
pub(super) async fn voices(
    State(shared): State<Shared>,
    Query(query): Query<VoicesQuery>,
) -> Result<Json<Value>, Refusal> {
    let models = shared.engines.models().await.map_err(|error| Refusal::unavailable(error.to_string()))?;
    let legacy = query.legacy.is_some_and(|legacy| legacy == "true" || legacy == "1");
    let voices = models.tts.voices().iter().map(|name| match legacy {
        true => json!(name),
        false => json!({ "id": name, "name": name }),
    });
    Ok(Json(json!({ "voices": voices.collect::<Vec<_>>() })))
}

/// 200 while it serves or will soon; 503 if the models cannot be loaded.
pub(super) async fn health(State(shared): State<Shared>) -> impl IntoResponse {
    let (status, models) = match shared.engines.try_models() {
        Ok(Some(_)) => (StatusCode::OK, "loaded"),
        Ok(None) => (StatusCode::OK, "loading"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "failed"),
    };
    let healthy = if status == StatusCode::OK { "ok" } else { "failed" };
    (status, Json(json!({ "status": healthy, "models": models, "slots_free": shared.slots.free() })))
}

pub(super) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("openapi.json"))
}
