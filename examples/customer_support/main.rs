//! Customer support: an agent that searches a knowledge base, opens tickets, and remembers.
//!
//!     cargo run --example customer_support                        # type; /steps, /quit; Ctrl-C cuts an answer off
//!     cargo run --example customer_support -- --db support.db     # and go on with it tomorrow
//!     cargo run --example customer_support -- --voice             # a caller in a simulated room
//!     cargo run --example customer_support -- --llm http://127.0.0.1:11434/v1 --model qwen3:4b
//!
//! Say "My kitchen lights are dark", then "yes", then "thank you". `--json` shows what a frontend
//! gets: one envelope a line. `--features devices -- --voice` talks with you.

mod agents;
mod case;
mod desk;
mod knowledge;
mod tools;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use duologue::agent::message::{DataMessage, Message};
use duologue::agent::store::{HistoryStore, MemoryStore, RecordStore, SqliteStore};
use duologue::agent::{AgentSession, SessionConfig};
use duologue::config::Config;
use duologue::console::{Console, Typed};
use duologue::eval::{Script, ScriptedLlm};
use serde_json::Value;

use agents::SupportAgent;
use case::Case;
use desk::Desk;

/// What the caller of `--voice` says.
const LINES: [&str; 4] = ["hello", "turn-on-the-kitchen-lights", "yes", "thank-you-goodbye"];

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    console: Console,
    /// Keeps history and tickets in this SQLite file
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Who calls: a customer's history is gone on with
    #[arg(long, default_value = "ada")]
    customer: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let console = args.console.caller(&LINES);
    let offline = ScriptedLlm::new(Script::parse(include_str!("script.toml"))?);
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
        .shared_llm(console.llm(offline)?)
        .shared_store(history)
        .config(SessionConfig { session_id: args.customer, ..Config::load(None)?.session()? })
        .build()?;

    Ok(console.run_with(&session, SupportAgent, async |line| command(&session, line)).await?)
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
