//! `duologue serve`: OpenAI's routes over the configured models.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use duologue::note;
use duologue_server::http::{HttpOptions, router};
use duologue_server::{Engines, Keys, Slots, listen};

use super::args::{Common, ServeArgs};
use super::service;

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
        let listener = listen::bind(address).await?;
        let engines = Engines::load(common.settings()?, common.offline)?;
        let router = router(engines.clone(), Slots::of_this_device(), options);
        note!("listening at http://{}/v1", listener.local_addr()?);
        listen::serve(listener, router, service::end(engines.clone())).await;
        // What ended it: a signal, or models that cannot be loaded.
        engines.try_models()?;
        Ok(())
    })
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
