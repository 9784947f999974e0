//! The local HTTP server: whether the worker lives, what it does, and its figures.
//!
//! | path | answer |
//! |---|---|
//! | `GET /` | 200 `OK`; 503 before the first registration, and when the worker has given up |
//! | `GET /worker` | JSON, with the names that LiveKit's workers use |
//! | `GET /metrics` | Prometheus' text format |
//!
//! While a lost connection is tried again the answer stays 200: its jobs run on, and a probe that
//! restarted the worker would end them.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::WorkerOptions;
use super::figures::Ledger;
use super::options::JobKind;
use crate::{Error, ErrorKind};

/// A server that listens until it is dropped.
#[derive(Debug)]
pub(super) struct HttpServer {
    pub address: SocketAddr,
    task: AbortHandle,
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Shown {
    agent_name: Arc<str>,
    kind: JobKind,
    ledger: Arc<Ledger>,
}

/// Listens where `options` says.
pub(super) async fn serve(options: &WorkerOptions, ledger: Arc<Ledger>) -> Result<HttpServer, Error> {
    let wanted = SocketAddr::new(options.http_host, options.http_port);
    let unusable = |error: std::io::Error| {
        let message = format!(
            "the local HTTP server cannot listen at {wanted}: {error}; set worker.http_port (0: any free port)"
        );
        Error::new(ErrorKind::Config, message)
    };
    let listener = TcpListener::bind(wanted).await.map_err(unusable)?;
    let address = listener.local_addr().map_err(unusable)?;
    let shown = Shown { agent_name: options.agent_name.as_str().into(), kind: options.kind, ledger };
    let router = Router::new()
        .route("/", get(health))
        .route("/worker", get(worker))
        .route("/metrics", get(metrics))
        .with_state(shown);
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!("the local HTTP server ended: {error}");
        }
    });
    Ok(HttpServer { address, task: task.abort_handle() })
}

async fn health(State(shown): State<Shown>) -> (StatusCode, &'static str) {
    if shown.ledger.get().registered {
        (StatusCode::OK, "OK")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not connected to the LiveKit server")
    }
}

async fn worker(State(shown): State<Shown>) -> impl IntoResponse {
    let figures = shown.ledger.get();
    let worker_type = match shown.kind {
        JobKind::Room => "JT_ROOM",
        JobKind::Publisher => "JT_PUBLISHER",
    };
    Json(json!({
        "agent_name": &*shown.agent_name,
        "worker_type": worker_type,
        "worker_id": figures.worker_id,
        "active_jobs": figures.active,
        "sdk_version": env!("CARGO_PKG_VERSION"),
        "worker_load": figures.load,
        "online": figures.online,
        "draining": figures.draining,
    }))
}

async fn metrics(State(shown): State<Shown>) -> impl IntoResponse {
    let text = shown.ledger.get().prometheus(&shown.agent_name);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
