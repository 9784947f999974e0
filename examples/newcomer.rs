//! A complete agent: `cargo run --release --example newcomer`.

use duologue::agent::llm::intents::Intents;
use duologue::agent::{AgentSession, Error, SimpleAgent, tool};
use duologue::console::Console;

/// Tells the weather in a city.
#[tool]
async fn weather(city: String) -> String {
    format!("It is sunny in {city}.")
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let offline = r#"
        [[intent]]
        name = "weather"
        patterns = ["[what is the] weather in {city:text}"]
        call = "weather"
    "#;
    let console = Console::from_args();
    let llm = console.llm(Intents::parse(offline, "newcomer")?)?;
    let session = AgentSession::builder(()).shared_llm(llm).build()?;
    let agent = SimpleAgent::new("You tell the weather. Answer in one short sentence.")
        .greeting("Hello! Which city's weather would you like to know?")
        .tool(weather);
    console.run(&session, agent).await
}
