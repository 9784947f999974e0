//! What ends a server of ours: a signal, or models that cannot be loaded.

use duologue::note;
use duologue::server::Engines;

/// Waits until the server has to end; tells of a signal. Whether the models are the reason, [`Engines::try_models`] says.
pub async fn end(engines: Engines) {
    tokio::select! {
        () = signal() => note!("finishing what is under way"),
        () = failed(&engines) => {}
    }
}

/// Waits until the models cannot be loaded.
async fn failed(engines: &Engines) {
    if engines.models().await.is_ok() {
        note!("ready");
        std::future::pending::<()>().await;
    }
}

/// Waits for SIGTERM or Ctrl-C.
async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Where it cannot be waited for, the process is ended by the system.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
