//! Customer service: the front desk hands over to technical support or to billing, each with a voice
//! of its own.
//!
//!     cargo run --release --example handoffs                        # typed: "my bill is too high"
//!     cargo run --release --example handoffs -- --voice
//!     cargo run --release --example handoffs -- --llm http://127.0.0.1:11434/v1 --model qwen3:4b

mod agents;

use agents::FrontDesk;
use duologue::agent::{AgentSession, Error};
use duologue::console::Console;
use duologue::eval::{Script, ScriptedLlm};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let console = Console::from_args().caller(&["turn-on-the-kitchen-lights", "yes", "what-is-your-name"]);
    let offline = ScriptedLlm::new(Script::parse(include_str!("script.toml"))?);
    let session = AgentSession::builder(()).shared_llm(console.llm(offline)?).build()?;
    console.run(&session, FrontDesk).await
}
