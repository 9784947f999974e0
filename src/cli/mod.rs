//! The command line: each file is one command.

mod args;
mod bench;
mod config;
mod demo;
mod doctor;
#[cfg(feature = "agent")]
mod eval;
mod fetch;
mod models;
mod narrate;
mod output;
mod probe;
#[cfg(feature = "room")]
mod room;
mod say;
#[cfg(feature = "serve")]
mod serve;
#[cfg(feature = "serve")]
mod service;
#[cfg(feature = "serve")]
mod stella;
mod talk;
mod text;
mod transcribe;
mod vad;
mod voices;
#[cfg(feature = "room")]
mod worker;
#[cfg(feature = "serve")]
mod wyoming;

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::{Result, bail};
use args::{Cli, Command, Common};
use clap::{CommandFactory, Parser};
use duologue::config::{Config, ConfigError};
use duologue::{note, terminal};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => return tell(&told),
    };
    init_log();
    if let Ok(program) = std::env::current_exe() {
        duologue::models::probe::set_program(program);
    }
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if has_left(&error) => ExitCode::SUCCESS,
        Err(error) => {
            note!("duologue: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Help, the version, or what is wrong with the arguments.
fn tell(told: &clap::Error) -> ExitCode {
    let code = u8::try_from(told.exit_code()).unwrap_or(2);
    match told.print() {
        Err(error) if !told.use_stderr() && !terminal::left(&error) => {
            note!("duologue: standard output cannot be written: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::from(code),
    }
}

fn dispatch(cli: Cli) -> Result<()> {
    let common = &cli.common;
    match cli.command {
        Command::Demo(args) => demo::run(common, &args),
        Command::Talk(args) => talk::run(common, &args),
        Command::Say(args) => say::run(common, &args),
        Command::Text(args) => text::run(common, &args),
        Command::Transcribe(args) => transcribe::run(common, &args),
        Command::Vad(args) => vad::run(common, &args),
        Command::Models { command } => models::run(common, &command),
        Command::Fetch => fetch::run(common),
        Command::Probe { dir } => probe::run(&dir),
        Command::Doctor => doctor::run(common),
        Command::Bench(args) => bench::run(common, &args),
        #[cfg(feature = "agent")]
        Command::Eval(args) => eval::run(common, &args),
        #[cfg(not(feature = "agent"))]
        Command::Eval(_) => lacking("eval", "agent"),
        Command::Config { command } => config::run(common, command.as_ref()),
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::run(common, &args),
        #[cfg(not(feature = "serve"))]
        Command::Serve(_) => lacking("serve", "serve"),
        #[cfg(feature = "serve")]
        Command::Stella(args) => stella::run(common, &args),
        #[cfg(not(feature = "serve"))]
        Command::Stella(_) => lacking("stella", "serve"),
        Command::Voices => voices::run(common),
        #[cfg(feature = "room")]
        Command::Worker { command } => worker::run(common, &command),
        #[cfg(feature = "room")]
        Command::Room { command } => room::run(common, &command),
        #[cfg(not(feature = "room"))]
        Command::Worker(_) => lacking("worker", "room"),
        #[cfg(not(feature = "room"))]
        Command::Room(_) => lacking("room", "room"),
        #[cfg(feature = "serve")]
        Command::Wyoming(args) => wyoming::run(common, &args),
        #[cfg(not(feature = "serve"))]
        Command::Wyoming(_) => lacking("wyoming", "serve"),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "duologue", &mut script);
            Ok(terminal::write(&script)?)
        }
    }
}

impl Common {
    /// The settings: file, environment, command line.
    fn settings(&self) -> Result<Config> {
        let mut config = match Config::load(self.config.as_deref()) {
            Err(error) if error.untrusted_file().is_some() => vouched(&error)?,
            other => other?,
        };
        for (key, value) in [
            (&mut config.stt, &self.stt),
            (&mut config.tts, &self.tts),
            (&mut config.vad, &self.vad),
            (&mut config.turn, &self.turn),
        ] {
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
    let wanted = std::env::var("DUOLOGUE_LOG").ok().and_then(|filter| filter.parse::<Targets>().ok());
    let filter = wanted.unwrap_or_else(|| QUIET.parse().unwrap_or_default());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter(filter);
    tracing_subscriber::registry().with(lines).init();
}

/// The settings of a file that was only found, once somebody at the terminal has vouched for it.
fn vouched(error: &ConfigError) -> Result<Config> {
    let asked = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let Some(file) = error.untrusted_file().filter(|_| asked) else { bail!("{error}") };
    note!("duologue: {error}.\nTrust it as it is now? [y/N]");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        bail!("{} is not trusted; nothing was started", file.display());
    }
    duologue::config::trust::trust(file)?;
    Ok(Config::load(None)?)
}

/// A command of a part that this build has not.
#[cfg(not(all(feature = "agent", feature = "room", feature = "serve")))]
fn lacking(command: &str, feature: &str) -> Result<()> {
    bail!("this build has no `{command}`; build with `--features {feature}` (or `full`)")
}

/// `duologue … | head` is no failure.
fn has_left(error: &anyhow::Error) -> bool {
    causes(error).any(terminal::left)
}

/// Whether standard output is what failed.
fn is_output(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some()
}

fn causes(error: &anyhow::Error) -> impl Iterator<Item = &std::io::Error> {
    error.chain().filter_map(|cause| cause.downcast_ref())
}
