//! `duologue wyoming`: Home Assistant's voice protocol, over the configured models.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, bail};
use clap::Args;
use duologue::server::Engines;
use duologue::server::wyoming::{Announcement, Options, PORT, serve};
use duologue::{outln, setup};
use serde_json::json;
use tokio::net::TcpListener;

use super::args::Common;
use super::service;

#[derive(Args, Debug)]
pub struct WyomingArgs {
    /// Address to listen on; one that others reach needs --insecure
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Its port; 0: any free one
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// Let everybody who reaches the address listen and speak: the protocol has no keys
    #[arg(long)]
    insecure: bool,
    /// Language that the recogniser is announced for, by its tag; once for each of several
    #[arg(long = "language", value_name = "TAG", default_value = "en")]
    languages: Vec<String>,
    /// Keyword model for wake words: a name from `models list`, or a directory
    #[arg(long, value_name = "MODEL")]
    wake: Option<String>,
    /// Announce it in the local network under this name, which must be unique there and stay the same
    #[arg(long, value_name = "NAME")]
    announce: Option<String>,
    /// Most connections at a time
    #[arg(long, value_name = "N", default_value_t = Options::default().max_connections)]
    max_connections: usize,
}

pub const HELP: &str = "\
One port serves everything that Home Assistant's integration “Wyoming Protocol” asks for: speech to text,
text to speech, voice activity and, with --wake, wake words.

  duologue wyoming                                   for this machine only, on port 10300
  duologue wyoming --host 0.0.0.0 --insecure         for everybody in the network
  duologue wyoming --host 0.0.0.0 --insecure --announce duologue-kitchen
  duologue wyoming --stt ./whisper-base --language de --language en

SIGTERM (or Ctrl-C) lets requests under way end. Settings of Home Assistant, and limits: docs/wyoming.md.";

pub fn run(common: &Common, args: &WyomingArgs) -> Result<()> {
    if !args.host.is_loopback() && !args.insecure {
        bail!(
            "{}: whoever reaches it could listen and speak, since the protocol has no keys; add --insecure if the network is yours",
            args.host
        );
    }
    let settings = common.settings()?;
    let wake = args.wake.as_deref().map(|name| setup::wake(name, common.offline)).transpose()?;
    let options = Options {
        max_connections: args.max_connections,
        languages: args.languages.clone(),
        wake,
        ..Options::default()
    };
    let engines = Engines::load(settings, common.offline)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(listen(common, args, engines, options))
}

async fn listen(common: &Common, args: &WyomingArgs, engines: Engines, options: Options) -> Result<()> {
    let wanted = SocketAddr::new(args.host, args.port);
    let listener = TcpListener::bind(wanted).await.with_context(|| {
        format!("{wanted} cannot be listened on; choose another --port, or stop what holds it")
    })?;
    let address = listener.local_addr()?;
    let announcement = args
        .announce
        .as_deref()
        .map(|name| Announcement::new(name, address.ip(), address.port()))
        .transpose()?;
    // A server serves on, whoever reads.
    let _ = if common.json {
        outln!("{}", json!({ "event": "listening", "address": address.to_string() }))
    } else {
        outln!("Wyoming at tcp://{address}")
    };
    serve(listener, engines.clone(), options, service::end(engines.clone())).await?;
    drop(announcement);
    engines.try_models()?;
    Ok(())
}
