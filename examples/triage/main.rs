//! Triage: an orchestrator, three specialists and a person share a telephone.
//!
//!     cargo run --example triage                 # type; /new /status /quit
//!     cargo run --example triage -- --voice      # a caller in a simulated room
//!     cargo run --example triage -- --llm http://127.0.0.1:11434/v1 --model qwen3:4b
//!
//! Say "My invoice 4711 is wrong", "yes", "thank you"; "my hub is dead", three times, calls a person, and so
//! does "let me talk to a human". `--webhook URL` tells another system as well.

mod agents;
mod call;
mod office;
mod tools;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use duologue::agent::AgentSession;
use duologue::agent::store::{MemoryStore, RecordStore, SqliteStore};
use duologue::config::Config;
use duologue::console::{Console, Typed};
use duologue::eval::{Script, ScriptedLlm};
use duologue::triage::{FnNotifier, Notification, Notifications, WebhookNotifier};

use agents::Triage;
use call::{Call, Office};

/// What the caller of `--voice` says.
const LINES: [&str; 4] = ["hello", "thank-you-goodbye", "turn-on-the-kitchen-lights", "thank-you-goodbye"];

/// How long others may take to hear the last notifications.
const LAST_WORDS: Duration = Duration::from_secs(5);

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    console: Console,
    /// Keeps requests in this SQLite file
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Posts notifications to this URL
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let console = args.console.caller(&LINES);
    let store: Arc<dyn RecordStore> = match &args.db {
        Some(file) => Arc::new(SqliteStore::open(file)?),
        None => Arc::new(MemoryStore::new()),
    };
    let mut notifications = Notifications::builder().notifier(FnNotifier::new("console", print));
    if let Some(url) = &args.webhook {
        notifications = notifications.notifier(WebhookNotifier::new(url)?);
    }
    let llm = console.llm(ScriptedLlm::new(Script::parse(include_str!("script.toml"))?))?;
    let office = office::open(Some(Arc::clone(&llm)), store, notifications.start())?;
    let session = AgentSession::builder(Call::new("ada", Arc::clone(&office)))
        .shared_llm(llm)
        .config(Config::load(None)?.session()?)
        .build()?;

    let timed = tokio::spawn(call::time_answers(session.clone(), session.events()));
    console.run_with(&session, Triage, async |line| command(&session, &office, line).await).await?;
    timed.await?;
    println!("\n{}", office.requests.analytics()?);
    drop(session);
    if let Some(office) = Arc::into_inner(office) {
        office.notifications.close(LAST_WORDS).await;
    }
    Ok(())
}

async fn command(
    session: &AgentSession<Call>,
    office: &Office,
    line: &str,
) -> Result<Typed, duologue::agent::Error> {
    match line {
        "/new" => call::hang_up(session).await?,
        "/status" => status(session, office)?,
        "/quit" => return Ok(Typed::Quit),
        _ => return Ok(Typed::Turn),
    }
    Ok(Typed::Done)
}

/// The open request, and the figures of all.
fn status(session: &AgentSession<Call>, office: &Office) -> Result<(), duologue::agent::Error> {
    let open = session.userdata().request.clone();
    if let Some(request) = open.map(|id| office.requests.get(&id)).transpose()?.flatten() {
        let category = request.category.as_deref().unwrap_or("-");
        let agent = request.agent.as_deref().unwrap_or("-");
        println!(
            "{category}, {}, {}, {agent}, {} turns",
            request.priority.as_str(),
            request.status(),
            request.turns()
        );
    }
    print!("{}", office.requests.analytics()?);
    Ok(())
}

async fn print(notification: Notification) -> Result<(), duologue::agent::Error> {
    println!("notify  {:?}: {}", notification.kind, notification.text);
    Ok(())
}
