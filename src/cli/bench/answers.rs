//! How soon an agent answers whose model takes its time: a scripted model behind real HTTP, live in
//! the simulated room, asked once the turn is over or as soon as the words seem complete.

use std::time::Duration;

use anyhow::{Result, bail};
use duologue::agent::llm::openai::{OpenAi, OpenAiConfig};
use duologue::agent::session::{SessionConfig, SessionEvent};
use duologue::agent::{AgentSession, SimpleAgent};
use duologue::eval::{Script, ScriptedServer};
use duologue::pipeline::PipelineConfig;
use duologue::pipeline::endpoint::simulated::{Caller, Item, SimulatedRoom, SimulatedRoomConfig, When};
use duologue::pipeline::endpoint::{Endpoint, Paced};
use duologue::setup::Models;

use super::{RATES, Results, clip};

/// What the model takes to its first token, in ms.
const FIRST_TOKEN_MS: [u64; 3] = [0, 150, 400];
/// Tokens a second from then on: a small model on a small machine.
const TOKENS_PER_SECOND: f64 = 30.0;
const ANSWER: &str = "It is a quarter past nine, and the sun is out.";

/// End of speech → first sample, by the model's time to its first token, over `turns` questions each.
pub fn run(models: &Models, config: &PipelineConfig, turns: u32, results: &mut Results) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for speculate in [false, true] {
        for ttft in FIRST_TOKEN_MS.map(Duration::from_millis) {
            let latencies = runtime.block_on(answers(models, config, turns, ttft, speculate))?;
            let asked = if speculate { "early" } else { "at the end" };
            let id = format!("llm_{}_ms_{}_to_first_sample", ttft.as_millis(), asked.replace(' ', "_"));
            let what = format!(
                "model's first token after {} ms, asked {asked}: end of speech → first sample",
                ttft.as_millis()
            );
            results.quantiles(&id, &what, &latencies, [None, None]);
        }
    }
    Ok(())
}

async fn answers(
    models: &Models,
    config: &PipelineConfig,
    turns: u32,
    ttft: Duration,
    speculate: bool,
) -> Result<Vec<Duration>> {
    let server = ScriptedServer::start(Script::saying(ANSWER).pace(ttft, TOKENS_PER_SECOND)).await?;
    let session = AgentSession::builder(())
        .llm(OpenAi::new(OpenAiConfig::new(server.base_url(), "scripted"))?)
        .config(SessionConfig { speculate, ..SessionConfig::default() })
        .build()?;
    let mut events = session.events();
    let agent = SimpleAgent::new("You tell the time.");
    session.start(agent, models.builder(config.clone())?, room(turns)?).await?;
    let limit = Duration::from_secs(u64::from(turns) * 15 + 15);
    let listen = async {
        let mut latencies = Vec::new();
        while latencies.len() < turns as usize {
            let Some(event) = events.next().await else { break };
            if let SessionEvent::Metrics(turn) = event {
                latencies.extend(turn.end_to_end);
            }
        }
        latencies
    };
    let latencies = tokio::time::timeout(limit, listen).await;
    session.close().await;
    match latencies {
        Ok(latencies) if !latencies.is_empty() => Ok(latencies),
        _ => bail!("the agent's answers were not heard; try other models"),
    }
}

/// A caller who asks `turns` times.
fn room(turns: u32) -> Result<Box<dyn Endpoint>> {
    let question = clip("what-time-is-it")?;
    let mut caller = Caller::new();
    for turn in 0..turns {
        let when = if turn == 0 { When::At(500) } else { When::AfterAgentSilence(900) };
        caller = caller.item(Item::new(question.clone(), when).patience_ms(15_000));
    }
    let mut room = SimulatedRoomConfig::new(RATES);
    room.caller = caller;
    Ok(Box::new(Paced::real_time(SimulatedRoom::new(room)?.0)))
}
