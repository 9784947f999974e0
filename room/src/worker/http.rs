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
//!
//! Invariant: whoever connects holds at most [`CONNECTIONS`] of the worker's descriptors, each for at most [`LIMIT`]. A connection
//! carries one request; one too many is closed at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::WorkerOptions;
use super::figures::Ledger;
use super::options::JobKind;
use crate::{Error, ErrorKind};

/// Connections at a time: probes and a scraper need three.
const CONNECTIONS: usize = 64;
/// How long a connection may take from its first byte to the last of the answer.
const LIMIT: Duration = Duration::from_secs(10);
/// Bytes of a request that are kept until its head is read; hyper wants no less.
const HEAD: usize = 8192;
/// How long nobody is let in when the process or the machine has no descriptor left.
const PAUSE: Duration = Duration::from_secs(1);

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
    let task = tokio::spawn(listen(listener, router));
    Ok(HttpServer { address, task: task.abort_handle() })
}

async fn listen(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
                let router = router.clone();
                tokio::spawn(async move {
                    answer(stream, router).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("the local HTTP server cannot accept a connection: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Answers one request; whoever takes too long over it is hung up on.
async fn answer(stream: TcpStream, router: Router) {
    let connection = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    match timeout(LIMIT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("the local HTTP server: {error}"),
        Err(_) => {
            tracing::debug!("a connection to the local HTTP server took longer than {} s", LIMIT.as_secs())
        }
    }
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn server() -> HttpServer {
        serve(&WorkerOptions::dev(), Arc::default()).await.unwrap()
    }

    async fn get(server: &HttpServer) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(server.address).await?;
        stream.write_all(b"GET /worker HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    }

    #[tokio::test]
    async fn a_connection_carries_one_request_and_ends() {
        let server = server().await;
        let answer = get(&server).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("active_jobs"), "{answer}");
    }

    #[tokio::test]
    async fn whoever_connects_does_not_use_up_the_workers_descriptors() {
        let server = server().await;
        let mut held = Vec::new();
        for _ in 0..4 * CONNECTIONS {
            held.push(TcpStream::connect(server.address).await.unwrap());
        }
        // One too many is closed, at once; the first ones are kept until their time is over.
        let mut last = held.pop().unwrap();
        assert_eq!(last.read(&mut [0]).await.unwrap_or(0), 0);
        drop(held);
        let answered = async {
            while !get(&server).await.is_ok_and(|answer| answer.contains("active_jobs")) {
                tokio::task::yield_now().await;
            }
        };
        timeout(2 * LIMIT, answered).await.expect("places are free again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_says_nothing_or_little_is_not_kept() {
        let server = server().await;
        let mut silent = TcpStream::connect(server.address).await.unwrap();
        let mut slow = TcpStream::connect(server.address).await.unwrap();
        let _ = slow.write_all(b"GET / HTTP/1.1\r\nHost: ").await;
        for stream in [&mut silent, &mut slow] {
            let mut rest = Vec::new();
            // Either way it is over: with nothing, or with a reset.
            let _ = stream.read_to_end(&mut rest).await;
            assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
        }
    }

    #[tokio::test]
    async fn a_head_without_an_end_is_refused() {
        let server = server().await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(64 << 10));
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
    }
}
