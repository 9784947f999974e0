//! One connection: its bytes to its session, and what the session gives to the socket.
//!
//! Two tasks: one reads and asks the session, one writes. The writer has a deadline for each event, so that a client that takes
//! nothing lets go of everything behind it; the reader has one for each whole event, unless work is under way.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::decoder::Decoder;
use super::refusal::{Code, Refusal};
use super::session::Session;
use super::{Event, Options};
use crate::Engines;

/// Bytes read at once.
const READ: usize = 16 << 10;
/// Events that wait to be written: about a second of sound.
const WAITING: usize = 32;
/// How long, and for how many bytes, a client that was refused is still listened to.
const LINGER: Duration = Duration::from_secs(1);
const MOST_UNREAD: usize = 4 << 20;

/// Why a connection ends.
enum Over {
    /// The client closed it, or takes nothing any more.
    Left,
    /// The server ends.
    Closing,
    Refused(Refusal),
}

/// Serves `stream` until the client leaves, its bytes make no sense, nothing came for too long, or `closing` is true.
pub(super) async fn serve(
    stream: TcpStream,
    engines: Engines,
    options: Arc<Options>,
    mut closing: watch::Receiver<bool>,
) {
    // Chunks of sound are small and wanted at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no nodelay");
    }
    let (mut read, write) = stream.into_split();
    let (out, events) = mpsc::channel(WAITING);
    let writer = tokio::spawn(write_all(write, events, options.write));
    let mut session = Session::new(engines, Arc::clone(&options), out.clone());
    let over = converse(&mut read, &mut session, &out, &options, &mut closing).await;
    let is_refused = matches!(over, Over::Refused(_));
    match over {
        Over::Left => {}
        Over::Closing => session.finish().await,
        Over::Refused(refusal) => {
            tracing::info!(?refusal, "a connection is closed");
            // The writer may have ended.
            let _ = out.send(refusal.event()).await;
        }
    }
    drop(session);
    drop(out);
    // Ends when the jobs have, whose events nobody takes after its deadline.
    let _ = writer.await;
    if is_refused {
        // It may take longer; then the client may miss why.
        let _ = timeout(LINGER, leave_unread(&mut read)).await;
    }
}

/// Takes what still comes, within bounds: a socket that is closed over unread bytes takes back the last words sent on it.
async fn leave_unread(read: &mut OwnedReadHalf) {
    let mut buffer = vec![0; READ];
    for _ in 0..MOST_UNREAD / READ {
        if matches!(read.read(&mut buffer).await, Ok(0) | Err(_)) {
            return;
        }
    }
}

async fn converse(
    read: &mut OwnedReadHalf,
    session: &mut Session,
    out: &mpsc::Sender<Event>,
    options: &Options,
    closing: &mut watch::Receiver<bool>,
) -> Over {
    let mut decoder = Decoder::new(options.limits);
    let mut buffer = vec![0; READ];
    let mut due = Instant::now() + options.idle;
    loop {
        let read = tokio::select! {
            read = read.read(&mut buffer) => read,
            () = out.closed() => return Over::Left,
            // Whoever could say that the server ends is gone: it ends.
            _ = closing.wait_for(|closing| *closing) => return Over::Closing,
            () = sleep_until(due) => {
                if !session.is_busy() {
                    let message = format!("nothing whole came for {} s", options.idle.as_secs());
                    return Over::Refused(Refusal::new(Code::Protocol, message));
                }
                due = Instant::now() + options.idle;
                continue;
            }
        };
        let mut bytes = match read {
            Ok(0) | Err(_) => return Over::Left,
            Ok(length) => &buffer[..length],
        };
        loop {
            match decoder.decode(&mut bytes) {
                Ok(None) => break,
                Ok(Some(event)) => {
                    if session.handle(event).await.is_err() {
                        return Over::Left;
                    }
                    due = Instant::now() + options.idle;
                }
                Err(malformed) => return Over::Refused(Refusal::new(Code::Protocol, malformed.to_string())),
            }
        }
    }
}

/// Writes events until there are no more, or the client takes none within the limit.
async fn write_all(mut write: OwnedWriteHalf, mut events: mpsc::Receiver<Event>, limit: Duration) {
    while let Some(event) = events.recv().await {
        match timeout(limit, write.write_all(&event.encode())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, "a client left");
                return;
            }
            Err(_) => {
                tracing::info!(limit_s = limit.as_secs(), "a client takes nothing: its connection is closed");
                return;
            }
        }
    }
    // The client may have closed it already.
    let _ = timeout(limit, write.shutdown()).await;
}
