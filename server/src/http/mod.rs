//! OpenAI's REST routes, and what people who run servers want beside them.
//!
//! | route | what |
//! |---|---|
//! | `POST /v1/audio/speech` | text to speech, from the first clause on |
//! | `POST /v1/audio/transcriptions` | recordings to text |
//! | `GET /v1/models`, `/v1/models/{id}`, `/v1/audio/models`, `/v1/audio/voices` | what is here |
//! | `POST /dev/captioned_speech` | speech with the time of each word |
//! | `GET /health`, `/metrics`, `/openapi.json` | for machines |
//!
//! Invariants: every error has OpenAI's four keys, also those of the framework; bodies are bounded and stay in memory;
//! a client that leaves ends the work for it.

mod caption;
mod figures;
mod listing;
mod refusal;
mod speech;
mod transcription;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::timeout;

use crate::keys::Keys;
use crate::slots::Slots;
use crate::{Engines, Error, ErrorKind};
use figures::Figures;
use refusal::Refusal;

/// Largest upload, in bytes: OpenAI's 25 MB, and what a form adds.
const UPLOAD: usize = 26_000_000;
/// Largest body of JSON, in bytes: 4,096 characters and what surrounds them.
const JSON: usize = 1_000_000;
/// How long a body may take to come.
const BODY: Duration = Duration::from_secs(120);
/// How many pieces, and for how long, of a body that is too large are read before it is refused.
const READ_PAST: usize = 20_000;
const HEED: Duration = Duration::from_secs(10);

/// Who may ask.
#[derive(Clone, Default)]
pub struct HttpOptions {
    keys: Keys,
    cors: Option<HeaderValue>,
}

impl HttpOptions {
    /// Those who have one of `keys` may ask; if there are none, everybody.
    pub fn new(keys: Keys) -> Self {
        Self { keys, cors: None }
    }

    /// Web pages of `origin` (`https://chat.example.org`, or `*` for all) may read the answers; by default none of
    /// another origin may.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for what is no origin.
    pub fn cors(mut self, origin: &str) -> Result<Self, Error> {
        let host = origin.split_once("://").map(|(_, host)| host);
        let whole = origin == "*" || host.is_some_and(|host| !host.is_empty() && !host.contains('/'));
        let value = HeaderValue::from_str(origin).ok().filter(|_| whole);
        let wrong = || {
            format!("{origin:?} is no origin; write scheme and host, such as https://chat.example.org, or *")
        };
        self.cors = Some(value.ok_or_else(|| Error::new(ErrorKind::Config, wrong()))?);
        Ok(self)
    }
}

/// What all routes share.
#[derive(Clone)]
struct Shared {
    engines: Engines,
    slots: Slots,
    options: Arc<HttpOptions>,
    figures: Arc<Figures>,
}

/// The routes over `engines`.
pub fn router(engines: Engines, slots: Slots, options: HttpOptions) -> Router {
    let shared = Shared { engines, slots, options: Arc::new(options), figures: Arc::default() };
    // Open WebUI asks for models and voices without a key.
    let open = Router::new()
        .route("/health", get(listing::health))
        .route("/openapi.json", get(listing::openapi))
        .route("/v1/models", get(listing::models))
        .route("/v1/models/{id}", get(listing::model))
        .route("/v1/audio/models", get(listing::audio_models))
        .route("/v1/audio/voices", get(listing::voices));
    let closed = Router::new()
        .route("/metrics", get(figures::metrics))
        .route(
            "/v1/audio/speech",
            post(speech::speech)
                .layer(DefaultBodyLimit::max(JSON))
                .layer(middleware::from_fn_with_state(JSON, in_size)),
        )
        .route(
            "/dev/captioned_speech",
            post(caption::captioned)
                .layer(DefaultBodyLimit::max(JSON))
                .layer(middleware::from_fn_with_state(JSON, in_size)),
        )
        .route(
            "/v1/audio/transcriptions",
            post(transcription::transcription)
                .layer(DefaultBodyLimit::max(UPLOAD))
                .layer(middleware::from_fn_with_state(UPLOAD, in_size)),
        )
        .route_layer(middleware::from_fn_with_state(shared.clone(), with_key));
    open.merge(closed)
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(shared.clone(), across_origins))
        .with_state(shared)
}

/// Refuses what says that it is too large. It is read all the same, as far as that makes sense: a client that still sends
/// when the connection is closed sees no answer.
async fn in_size(State(most): State<usize>, request: Request, next: Next) -> Result<Response, Refusal> {
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_none_or(|length: usize| length <= most) {
        return Ok(next.run(request).await);
    }
    let mut body = request.into_body().into_data_stream().take(READ_PAST);
    let rest = async { while let Some(Ok(_)) = body.next().await {} };
    // One that takes longer is hung up on.
    let _ = timeout(HEED, rest).await;
    Err(Refusal::too_large(most))
}

async fn no_such_route(request: Request) -> Refusal {
    let message = format!("there is no {} here; /openapi.json lists what there is", request.uri().path());
    Refusal::new(StatusCode::NOT_FOUND, message)
}

async fn no_such_method(method: Method) -> Refusal {
    let message = format!("{method} is not what this route takes; /openapi.json tells");
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message)
}

/// Lets those in who have a key, if keys are asked for.
async fn with_key(State(shared): State<Shared>, request: Request, next: Next) -> Result<Response, Refusal> {
    let keys = &shared.options.keys;
    if keys.is_empty() || bearer(request.headers()).is_some_and(|key| keys.name_of(key).is_some()) {
        return Ok(next.run(request).await);
    }
    Err(Refusal::key())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Answers browsers that ask for a page of another origin.
async fn across_origins(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let Some(origin) = &shared.options.cors else { return next.run(request).await };
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if asks { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if asks {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("authorization, content-type, x-requested-with"),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

/// The object of JSON that a request brings, within [`BODY`].
async fn object(request: Request) -> Result<Value, Refusal> {
    let body = timeout(BODY, Bytes::from_request(request, &())).await.map_err(|_| Refusal::slow())?;
    let body = body.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::too_large(JSON),
        status => Refusal::new(status, "the request's body did not come whole"),
    })?;
    let value: Value = serde_json::from_slice(&body)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, format!("the body is no JSON: {error}")))?;
    if value.is_object() {
        return Ok(value);
    }
    Err(Refusal::new(StatusCode::BAD_REQUEST, "the body is JSON, but no object: {\"input\": …} is wanted"))
}
