//! Intake: one agent fills in a form, then hands over to the next.
//!
//!     cargo run --release --example intake                          # typed: "I am Ada", "I am 36"
//!     cargo run --release --example intake -- --voice
//!     cargo run --release --example intake -- --llm http://127.0.0.1:11434/v1 --model qwen3:4b

mod agents;
mod form;

use agents::Intake;
use duologue::agent::testing::{Script, ScriptedLlm};
use duologue::agent::{AgentSession, Error};
use duologue::console::Console;
use form::Form;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let console = Console::from_args().caller(&["what-is-your-name", "set-a-timer", "thank-you-goodbye"]);
    let offline = ScriptedLlm::new(Script::parse(include_str!("script.toml"))?);
    let session = AgentSession::builder(Form::default()).shared_llm(console.llm(offline)?).build()?;
    console.run(&session, Intake).await?;
    println!("{:?}", *session.userdata());
    Ok(())
}
