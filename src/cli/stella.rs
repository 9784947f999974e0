//! `duologue stella`: STELLA's speech services over the configured models.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Result, bail};
use clap::Args;
use duologue::server::{Engines, Slots, listen, stella};
use duologue::{note, outln};
use serde_json::json;

use super::args::Common;
use super::service;

#[derive(Args, Debug)]
pub struct StellaArgs {
    /// Address to listen on; one that others reach needs --insecure
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port of speech-to-text; 0: any free one
    #[arg(long, value_name = "PORT", default_value_t = 50_051)]
    stt_port: u16,
    /// Port of text-to-speech; 0: any free one
    #[arg(long, value_name = "PORT", default_value_t = 50_052)]
    tts_port: u16,
    /// Let everybody who reaches the address listen and speak: the protocol has no keys
    #[arg(long)]
    insecure: bool,
}

pub const HELP: &str = "\
Agents of stella-ai-agent-sdk find it by two variables:

  duologue stella
  STT_SERVICE_ADDRESS=127.0.0.1:50051 TTS_SERVICE_ADDRESS=127.0.0.1:50052 python agent.py

In a container network: duologue stella --host 0.0.0.0 --insecure. SIGTERM (or Ctrl-C) lets calls under way end.";

pub fn run(common: &Common, args: &StellaArgs) -> Result<()> {
    if !args.host.is_loopback() && !args.insecure {
        bail!(
            "{}: whoever reaches it could listen and speak, since the protocol has no keys; add --insecure if the network is yours",
            args.host
        );
    }
    let settings = common.settings()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stt = listen::bind(SocketAddr::new(args.host, args.stt_port)).await?;
        let tts = listen::bind(SocketAddr::new(args.host, args.tts_port)).await?;
        let (hears, speaks) = (stt.local_addr()?, tts.local_addr()?);
        let engines = Engines::load(settings, common.offline)?;
        // A server serves on, whoever reads.
        let _ = if common.json {
            outln!("{}", json!({ "event": "listening", "stt": hears.to_string(), "tts": speaks.to_string() }))
        } else {
            outln!("STT_SERVICE_ADDRESS={hears}\nTTS_SERVICE_ADDRESS={speaks}")
        };
        stella::serve(stt, tts, engines.clone(), Slots::of_this_device(), service::end(engines.clone()))
            .await?;
        engines.try_models()?;
        note!("ended");
        Ok(())
    })
}
