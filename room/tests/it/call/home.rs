//! The appliance of the tests: lights, timers and the time, by intents.

use std::collections::BTreeSet;

use async_trait::async_trait;
use duologue_agent::message::DataMessage;
use duologue_agent::tool::{Json, RunContext, Toolset};
use duologue_agent::{Agent, AgentSession, Error, tool};
use serde_json::{Value, json};

/// The rooms whose lights are on.
#[derive(Default)]
pub struct Home(BTreeSet<String>);

pub struct RoomAgent;

#[async_trait]
impl Agent<Home> for RoomAgent {
    fn instructions(&self) -> String {
        "You are an appliance in a home.".into()
    }

    fn tools(&self) -> Toolset<Home> {
        Toolset::new().with(set_lights).with(lit_lights).with(set_timer).with(tell_time)
    }

    async fn on_enter(&self, session: &AgentSession<Home>) -> Result<(), Error> {
        session.say("Hello! What can I do for you?")?;
        Ok(())
    }

    async fn on_data_message(
        &self,
        session: &AgentSession<Home>,
        message: &DataMessage,
    ) -> Result<(), Error> {
        session.send_status(&format!(
            "{} pressed {}",
            message.from.as_deref().unwrap_or("somebody"),
            message.topic
        ));
        Ok(())
    }
}

/// Switches the lights of one room, or of all.
#[tool(effect)]
async fn set_lights(context: &RunContext<Home>, state: String, room: Option<String>) -> Json<Value> {
    let name = room.clone().unwrap_or_else(|| "bedroom".into());
    match state.as_str() {
        "on" => context.userdata().0.insert(name),
        _ => context.userdata().0.remove(&name),
    };
    Json(json!({ "state": state, "room": room }))
}

/// Tells in which rooms the lights are on.
#[tool]
async fn lit_lights(context: &RunContext<Home>) -> Json<Value> {
    let rooms = context.userdata().0.iter().cloned().collect::<Vec<_>>().join(" and ");
    Json(if rooms.is_empty() { json!({}) } else { json!({ "rooms": rooms }) })
}

/// Sets a timer.
#[tool(effect)]
async fn set_timer(seconds: u64) -> String {
    format!("set for {seconds} s")
}

/// Tells the time.
#[tool]
async fn tell_time() -> Json<Value> {
    Json(json!({ "time": "09:41" }))
}
