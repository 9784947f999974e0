//! Customer support: an agent that searches a knowledge base, opens tickets, and remembers.
//!
//!     cargo run --example customer_support                        # type; /steps, /quit; Ctrl-C cuts an answer off
//!     cargo run --example customer_support -- --db support.db     # and go on with it tomorrow
//!     cargo run --example customer_support -- --voice             # a caller in a simulated room
//!     cargo run --example customer_support -- --llm http://127.0.0.1:11434/v1 --model qwen3:4b
//!
//! Say "My kitchen lights are dark", then "yes", then "thank you". `--json` shows what a frontend
//! gets: one envelope a line. `--features devices -- --mic` talks with you.

mod agents;
mod case;
#[path = "../common/console.rs"]
mod console;
mod desk;
mod knowledge;
#[path = "../common/model.rs"]
mod model;
mod tools;
#[path = "../common/voice.rs"]
mod voice;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use duologue::agent::message::{DataMessage, Message};
use duologue::agent::store::{HistoryStore, MemoryStore, RecordStore, SqliteStore};
use duologue::agent::{AgentSession, SessionConfig};
use duologue::config::Config;
use serde_json::Value;

use agents::SupportAgent;
use case::Case;
use console::Typed;
use desk::Desk;

/// What the caller of `--voice` says.
const LINES: [&str; 4] = ["hello", "turn-on-the-kitchen-lights", "yes", "thank-you-goodbye"];

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    model: model::ModelArgs,
    #[command(flatten)]
    voice: voice::VoiceArgs,
    /// Keeps history and tickets in this SQLite file
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Who calls: a customer's history is gone on with
    #[arg(long, default_value = "ada")]
    customer: String,
    /// Shows envelopes as JSON
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let settings = Config::load(None)?;
    let (history, records): (Arc<dyn HistoryStore>, Arc<dyn RecordStore>) = match &args.db {
        Some(file) => {
            let store = Arc::new(SqliteStore::open(file)?);
            (store.clone(), store)
        }
        None => {
            let store = Arc::new(MemoryStore::new());
            (store.clone(), store)
        }
    };
    let session = AgentSession::builder(Case::new(&args.customer, Desk::new(records))?)
        .shared_llm(args.model.llm(&settings.llm, include_str!("script.toml"))?)
        .shared_store(history)
        .config(SessionConfig { session_id: args.customer, ..settings.session.clone() })
        .build()?;

    let shown = tokio::spawn(console::show(session.events(), args.json));
    match args.voice.parts(&settings, &LINES)? {
        Some((pipeline, endpoint)) => session.start(SupportAgent, pipeline, endpoint).await?,
        None => {
            session.start_text(SupportAgent).await?;
            console::converse(&session, async |line| command(&session, line)).await?;
            session.close().await;
        }
    }
    // With a voice, until the caller has hung up.
    shown.await?;
    Ok(())
}

fn command(session: &AgentSession<Case>, line: &str) -> Result<Typed, duologue::agent::Error> {
    match line {
        "/steps" => {
            let ask = DataMessage { topic: "steps".to_owned(), payload: Value::Null, from: None };
            session.receive(Message::Data(ask))?;
            Ok(Typed::Done)
        }
        "/quit" => Ok(Typed::Quit),
        _ => Ok(Typed::Turn),
    }
}
