//! `duologue serve`: OpenAI's routes over the configured models.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use duologue::note;
use duologue_server::http::{HttpOptions, router};
use duologue_server::{Engines, Keys, Slots, listen};

use super::args::{Common, ServeArgs};

pub fn run(common: &Common, args: &ServeArgs) -> Result<()> {
    let address = SocketAddr::new(args.host, args.port);
    let keys = keys(args)?;
    if keys.is_empty() && !args.host.is_loopback() && !args.insecure {
        bail!(
            "--host {}: everybody who reaches that address could use this server; ask for a key with --api-key KEY or \
             --keys FILE, or say --insecure",
            args.host
        );
    }
    let mut options = HttpOptions::new(keys);
    if let Some(origin) = &args.cors {
        options = options.cors(origin).context("--cors")?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // The signals first: whoever stops it while it starts is heard.
        let mut terminate = Terminate::new()?;
        let listener = listen::bind(address).await?;
        let engines = Engines::load(common.settings()?, common.offline)?;
        let router = router(engines.clone(), Slots::of_this_device(), options);
        note!("listening at http://{}/v1", listener.local_addr()?);
        let serving = listen::serve(listener, router, async {
            tokio::select! {
                () = terminate.asked() => note!("finishing what is being answered"),
                () = broken(&engines) => {}
            }
        });
        serving.await;
        // What ended it: a signal, or models that cannot be loaded.
        engines.try_models()?;
        Ok(())
    })
}

/// Returns if the models cannot be loaded.
async fn broken(engines: &Engines) {
    if engines.models().await.is_ok() {
        note!("ready");
        std::future::pending::<()>().await;
    }
}

fn keys(args: &ServeArgs) -> Result<Keys> {
    let mut keys = Keys::default();
    for (number, key) in args.api_key.iter().enumerate() {
        keys = keys.with(&format!("--api-key {}", number + 1), key)?;
    }
    match &args.keys {
        Some(file) => Ok(keys.with_file(file)?),
        None => Ok(keys),
    }
}

/// Ctrl-C, and on Unix SIGTERM.
struct Terminate {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Terminate {
    fn new() -> Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    #[cfg(unix)]
    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }

    #[cfg(not(unix))]
    async fn asked(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
