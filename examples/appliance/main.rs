//! A home appliance: wake word, lights and timers, without a network and without a language model.
//!
//!     cargo run --release --example appliance                       # typed: "hello, set a timer for five seconds"
//!     cargo run --release --example appliance -- --voice
//!     cargo run --release --example appliance -- --voice --keywords DIR
//!
//! `DIR` holds a keyword model of sherpa-onnx (`encoder*.onnx`, `decoder*.onnx`, `joiner*.onnx`,
//! `tokens.txt`) and `keywords.txt`. Without one, the wake word is looked for in what was recognised: it must
//! then be a word that the recogniser knows, and all that is said nearby is recognised to find it. Models of
//! other makers (openWakeWord, Porcupine) cannot be loaded.

mod agents;
mod home;
mod wake;

use std::path::PathBuf;
use std::sync::Arc;

use agents::Appliance;
use clap::Parser;
use duologue::agent::llm::intents::Intents;
use duologue::agent::{AgentSession, Error};
use duologue::console::Console;
use home::Home;
use wake::{SpottingStt, WakeWord};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    console: Console,
    /// What wakes it, as the recogniser writes it.
    #[arg(long, default_value = "hello")]
    wake: String,
    /// A keyword model, which hears its key words in the sound itself.
    #[arg(long, value_name = "DIR", requires = "voice")]
    keywords: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let Arguments { console, wake, keywords } = Arguments::parse();
    let console = console.caller(&[
        "what-time-is-it",
        "hello",
        "turn-on-the-kitchen-lights",
        "set-a-timer",
        "cancel-the-timer",
        "thank-you-goodbye",
    ]);
    let intents = Intents::parse(include_str!("intents.toml"), "intents.toml")?;
    let session = AgentSession::builder(Home::default()).shared_llm(console.llm(intents)?).build()?;
    let word = WakeWord::new(&wake);
    let Some(directory) = keywords else {
        println!("no keyword model: “{wake}” is looked for in what was recognised (see --keywords)");
        return console.run(&session, Appliance::new(word)).await;
    };
    let mut models = console.models()?;
    models.stt = Arc::new(SpottingStt::load(models.stt, &directory, &word)?);
    console.talk(&session, Appliance::new(word), &models).await
}
