//! Connections: accepted, limited, answered, drained.
//!
//! Invariants: at most [`CONNECTIONS`] at a time, so that whoever opens thousands cannot use up the process's
//! descriptors; one whose request's head does not come within 10 s is closed; at the end what is being answered is answered.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::{Error, ErrorKind};

/// Connections at a time.
pub const CONNECTIONS: usize = 512;
/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(10);
/// How long nobody is let in when the process or the machine has no descriptor left.
const PAUSE: Duration = Duration::from_secs(1);
/// How long what is being answered may take after the end was asked for.
const DRAIN: Duration = Duration::from_secs(30);

/// Listens at `address`.
///
/// # Errors
/// [`ErrorKind::Listen`] naming the address.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| {
        let message =
            format!("cannot listen at {address}: {error}; choose another --port, or stop what holds it");
        Error::new(ErrorKind::Listen, message)
    })
}

/// Answers on `listener` until `end`, then finishes what is being answered, for at most 30 s.
pub async fn serve(listener: TcpListener, router: Router, end: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut end = std::pin::pin!(end);
    loop {
        let accepted = tokio::select! {
            () = &mut end => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // One too many is closed at once: it may ask again.
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
                let service = TowerToHyperService::new(router.clone());
                let connection = Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD)
                    .serve_connection(TokioIo::new(stream), service);
                let connection = graceful.watch(connection);
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!("a connection ended: {error}");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some answers were not finished within {} s", DRAIN.as_secs());
    }
}
