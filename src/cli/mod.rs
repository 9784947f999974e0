//! The command line: each file is one command.

mod args;
mod bench;
mod demo;
mod doctor;
mod eval;
mod fetch;
mod models;
mod narrate;
mod output;
#[cfg(feature = "room")]
mod room;
mod say;
mod talk;
mod transcribe;
mod vad;
#[cfg(feature = "room")]
mod worker;

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use args::{Cli, Command, Common};
use clap::{CommandFactory, Parser};
use duologue::config::Config;

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    init_log();
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("duologue: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> Result<()> {
    let common = &cli.common;
    match cli.command {
        Command::Demo(args) => demo::run(common, &args),
        Command::Talk(args) => talk::run(common, &args),
        Command::Say(args) => say::run(common, &args),
        Command::Transcribe(args) => transcribe::run(common, &args),
        Command::Vad(args) => vad::run(common, &args),
        Command::Models { command } => models::run(common, &command),
        Command::Fetch => fetch::run(common),
        Command::Doctor => doctor::run(common),
        Command::Bench(args) => bench::run(common, &args),
        Command::Eval(args) => eval::run(common, &args),
        #[cfg(feature = "room")]
        Command::Worker { command } => worker::run(common, &command),
        #[cfg(feature = "room")]
        Command::Room { command } => room::run(common, &command),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "duologue", &mut std::io::stdout());
            Ok(())
        }
    }
}

impl Common {
    /// The settings: file, environment, command line.
    fn settings(&self) -> Result<Config> {
        let beside = Path::new("duologue.toml");
        let file = self.config.as_deref().or_else(|| beside.is_file().then_some(beside));
        let mut config = Config::load(file)?;
        for (key, value) in
            [(&mut config.stt, &self.stt), (&mut config.tts, &self.tts), (&mut config.vad, &self.vad)]
        {
            if let Some(value) = value {
                key.clone_from(value);
            }
        }
        Ok(config)
    }
}

/// What is told without being asked for: a worker's comings and goings, and otherwise what is wrong.
const QUIET: &str = if cfg!(feature = "room") { "warn,duologue_room::worker=info" } else { "warn" };

/// `DUOLOGUE_LOG=debug` shows what happens inside.
fn init_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("DUOLOGUE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(QUIET));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// `duologue … | head` is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}
