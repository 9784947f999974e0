//! A script performed over HTTP, as an OpenAI-compatible server.
//!
//! Life cycle: [`ScriptedServer::start`] listens on a free port of 127.0.0.1 and records what it is
//! asked; dropping it stops listening. [`serve`] is the same for good, on an address of choice.
//!
//! ```
//! use duologue_eval::{Script, ScriptedServer};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let server = ScriptedServer::start(Script::saying("Hello!")).await?;
//! assert!(server.base_url().starts_with("http://127.0.0.1:"));
//! assert!(server.requests().is_empty());
//! # Ok::<(), duologue_agent::Error>(()) }).unwrap();
//! ```

mod record;
mod wire;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;

pub use record::{Ending, Recorded};

use crate::script::{Fault, Plan, Progress, Prompt, Script};
use duologue_agent::{Error, ErrorKind};
use record::{Entry, Record};
use wire::Frame;

/// Largest request that is read, in bytes.
const MAX_REQUEST: usize = 32 << 20;

/// A running server. Dropping it stops listening.
pub struct ScriptedServer {
    address: SocketAddr,
    record: Arc<Record>,
    task: tokio::task::JoinHandle<()>,
}

struct Stage {
    script: Script,
    progress: Mutex<Progress>,
    record: Arc<Record>,
}

impl ScriptedServer {
    /// One on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it cannot listen.
    pub async fn start(script: Script) -> Result<Self, Error> {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr().map_err(|error| cannot_listen("127.0.0.1:0", &error))?;
        let record = Arc::new(Record::default());
        let router = router(script, Arc::clone(&record));
        let task = tokio::spawn(async move {
            // It ends only by being dropped.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, record, task })
    }

    /// What a client is given as base URL: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What it was asked, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.record.all()
    }

    /// Waits until what it was asked satisfies `done`. It waits for good if that never happens: put
    /// a time limit around it.
    pub async fn until(&self, done: impl FnMut(&[Recorded]) -> bool) {
        self.record.until(done).await;
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves `script` on `address` for good: `/v1/chat/completions` and `/v1/models`.
///
/// # Errors
/// [`ErrorKind::Config`] if it cannot listen there.
pub async fn serve(script: Script, address: SocketAddr) -> Result<Infallible, Error> {
    let listener = listen(address).await?;
    let ended = axum::serve(listener, router(script, Arc::new(Record::forgetful()))).await;
    Err(match ended {
        Err(error) => cannot_listen(&address.to_string(), &error),
        Ok(()) => Error::new(ErrorKind::Closed, "the server has stopped"),
    })
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| cannot_listen(&address.to_string(), &error))
}

fn cannot_listen(address: &str, error: &std::io::Error) -> Error {
    Error::new(
        ErrorKind::Config,
        format!(
            "cannot listen on {address}: {error}; choose another address or stop the program that uses it"
        ),
    )
}

fn router(script: Script, record: Arc<Record>) -> Router {
    let stage = Arc::new(Stage { script, progress: Mutex::default(), record });
    Router::new()
        .route("/v1/chat/completions", post(completions))
        .route("/v1/models", get(models))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .with_state(stage)
}

async fn models(State(stage): State<Arc<Stage>>) -> Json<Value> {
    let model = json!({ "id": stage.script.model, "object": "model", "created": 0, "owned_by": "script" });
    Json(json!({ "object": "list", "data": [model] }))
}

async fn completions(State(stage): State<Arc<Stage>>, headers: HeaderMap, body: Bytes) -> Response {
    let authorization =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return refusal(StatusCode::BAD_REQUEST, "the request is no JSON");
    };
    let mut entry = stage.record.begin(authorization.clone(), request.clone());
    let known = stage.script.api_key.as_ref().map(|key| format!("Bearer {key}"));
    if known.is_some() && known != authorization {
        entry.end(Ending::Broken);
        return refusal(StatusCode::UNAUTHORIZED, "Incorrect API key provided");
    }
    let Some(prompt) = wire::prompt(&request) else {
        entry.end(Ending::Broken);
        return refusal(StatusCode::BAD_REQUEST, "'messages' must be a list of messages");
    };
    let plan = plan(&stage, &prompt);
    if let Some(response) = faulty_start(&plan, &mut entry).await {
        return response;
    }
    if request["stream"] == Value::Bool(true) {
        return streamed(&stage, &request, &plan, entry);
    }
    whole(&stage, &plan, entry).await
}

fn plan(stage: &Stage, prompt: &Prompt) -> Plan {
    let mut progress = stage.progress.lock().unwrap_or_else(PoisonError::into_inner);
    stage.script.plan(prompt, &mut progress)
}

fn refusal(status: StatusCode, message: &str) -> Response {
    let error = json!({ "message": message, "type": "scripted", "param": null, "code": status.as_u16() });
    (status, Json(json!({ "error": error }))).into_response()
}

/// What goes wrong before the answer.
async fn faulty_start(plan: &Plan, entry: &mut Entry) -> Option<Response> {
    let response = match *plan.fault.as_ref()? {
        Fault::Refuse => closed(),
        Fault::Unauthorized => refusal(StatusCode::UNAUTHORIZED, "Incorrect API key provided"),
        Fault::UnknownModel => refusal(StatusCode::NOT_FOUND, "no such model"),
        Fault::ServerError => refusal(StatusCode::INTERNAL_SERVER_ERROR, "the model fell over"),
        Fault::RateLimited { retry_after_ms } => {
            let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, "too many requests");
            if let Some(wait) = retry_after_ms {
                response.headers_mut().insert(header::RETRY_AFTER, wait.div_ceil(1000).into());
            }
            response
        }
        Fault::Hang => std::future::pending().await,
        _ => return None,
    };
    entry.end(Ending::Broken);
    Some(response)
}

/// An answer that fails before its first byte: the connection is closed and even the status is lost.
fn closed() -> Response {
    Body::from_stream(stream::iter([Err::<Bytes, _>(broken())])).into_response()
}

fn broken() -> std::io::Error {
    std::io::Error::other("the script closes the connection")
}

fn streamed(stage: &Stage, request: &Value, plan: &Plan, entry: Entry) -> Response {
    let usage = request["stream_options"]["include_usage"] == Value::Bool(true);
    let frames = wire::frames(plan, &stage.script, usage);
    let body = stream::unfold((frames.into_iter(), entry), |(mut frames, mut entry)| async move {
        match frames.next() {
            None => {
                entry.end(Ending::Complete);
                None
            }
            Some(Frame::Silence) => std::future::pending().await,
            Some(Frame::Close) => {
                // Lets what was written leave first.
                sleep(Duration::from_millis(1)).await;
                entry.end(Ending::Broken);
                Some((Err(broken()), (frames, entry)))
            }
            Some(Frame::Bytes { after, bytes }) => {
                if !after.is_zero() {
                    sleep(after).await;
                }
                Some((Ok(Bytes::from(bytes)), (frames, entry)))
            }
        }
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (headers, Body::from_stream(body)).into_response()
}

async fn whole(stage: &Stage, plan: &Plan, mut entry: Entry) -> Response {
    let tokens = u32::try_from(plan.pieces.len()).unwrap_or(u32::MAX);
    sleep(plan.ttft + plan.interval.saturating_mul(tokens.saturating_sub(1))).await;
    let response = match plan.fault {
        Some(Fault::Stall { .. }) => std::future::pending().await,
        Some(Fault::Close { .. }) => closed(),
        Some(Fault::MalformedJson { .. } | Fault::MalformedStream { .. }) => {
            (StatusCode::OK, "{\"choices\": [").into_response()
        }
        _ => {
            entry.end(Ending::Complete);
            return Json(wire::completion(plan, &stage.script)).into_response();
        }
    };
    entry.end(Ending::Broken);
    response
}
