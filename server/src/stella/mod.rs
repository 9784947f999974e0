//! STELLA's speech services: speech-to-text and text-to-speech over gRPC, as its published agents call them.
//!
//! An agent of `stella-ai-agent-sdk` needs two addresses (`STT_SERVICE_ADDRESS`, `TTS_SERVICE_ADDRESS`) and nothing else.
//!
//! Invariants: the sound of a stream waits in a bounded queue and is heard on a thread of its own; a client that leaves
//! ends the work for it; half-closing a stream ends its utterance, and the final transcript still comes.

mod ears;
mod mouth;
mod utterance;

/// Messages and traits, made by `cargo run -p xtask --features stella-proto -- stella-proto`.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
mod proto {
    #[rustfmt::skip]
    pub mod stt;
    #[rustfmt::skip]
    pub mod tts;
}

use std::future::Future;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::Status;
use tonic::codegen::tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

use crate::slots::{Busy, Slots};
use crate::{Engines, Error, ErrorKind};

/// Largest message: the clients' own limit.
const MESSAGE: usize = 50 << 20;
/// How long a connection may stay silent before it is asked whether it lives, and may take to say so.
const ALIVE: Duration = Duration::from_secs(20);
/// Connections of one client that wait for each other.
const STREAMS: u32 = 64;

/// Serves speech-to-text on `stt` and text-to-speech on `tts` until `end`; both may be the same port's twin only by
/// being bound apart.
///
/// # Errors
/// [`ErrorKind::Listen`] if one of them stops by itself.
pub async fn serve(
    stt: TcpListener,
    tts: TcpListener,
    engines: Engines,
    slots: Slots,
    end: impl Future<Output = ()>,
) -> Result<(), Error> {
    let (tell, told) = watch::channel(false);
    let ended = |mut told: watch::Receiver<bool>| async move { drop(told.wait_for(|ended| *ended).await) };
    let server = || {
        Server::builder()
            .http2_keepalive_interval(Some(ALIVE))
            .http2_keepalive_timeout(Some(ALIVE))
            .max_concurrent_streams(STREAMS)
    };
    let hears = server()
        .add_service(ears::service(engines.clone(), slots.clone()))
        .serve_with_incoming_shutdown(TcpListenerStream::new(stt), ended(told.clone()));
    let speaks = server()
        .add_service(mouth::service(engines, slots))
        .serve_with_incoming_shutdown(TcpListenerStream::new(tts), ended(told));
    let stop = async {
        end.await;
        // Nobody listens any more: both have ended.
        let _ = tell.send(true);
        Ok(())
    };
    let failed = |error: tonic::transport::Error| {
        Error::new(ErrorKind::Listen, format!("the server stopped: {error}"))
    };
    tokio::try_join!(async { hears.await.map_err(failed) }, async { speaks.await.map_err(failed) }, stop)?;
    Ok(())
}

/// The error of a device whose slots are taken.
fn busy(_: Busy) -> Status {
    Status::unavailable("this server is busy; ask again in a second")
}

fn not_loaded(error: Error) -> Status {
    Status::unavailable(error.to_string())
}
