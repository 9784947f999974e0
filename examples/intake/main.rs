//! Intake: one agent fills in a form, then hands over to the next.
//!
//!     cargo run --release --example intake                          # typed: "I am Ada", "I am 36"
//!     cargo run --release --example intake -- --voice
//!     cargo run --release --example intake -- --task                # "an appointment", "my name is Ada", "I am 36"
//!     cargo run --release --example intake -- --llm http://127.0.0.1:11434/v1 --model qwen3:4b

mod agents;
mod form;
mod task;

use agents::Intake;
use clap::Parser;
use duologue::agent::{AgentSession, Error};
use duologue::console::Console;
use duologue::eval::{Script, ScriptedLlm};
use form::Form;
use task::Appointments;

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    console: Console,
    /// Book an appointment: the intake is a task there, which ends with a typed result
    #[arg(long)]
    task: bool,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let Args { console, task } = Args::parse();
    let console = console.caller(&["what-is-your-name", "set-a-timer", "thank-you-goodbye"]);
    let offline = ScriptedLlm::new(Script::parse(include_str!("script.toml"))?);
    let session = AgentSession::builder(Form::default()).shared_llm(console.llm(offline)?).build()?;
    match task {
        true => console.run(&session, Appointments).await?,
        false => console.run(&session, Intake).await?,
    }
    println!("{:?}", *session.userdata());
    Ok(())
}
