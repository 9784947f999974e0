//! The appliance: deaf until it is woken, then at the service of whoever woke it.

use async_trait::async_trait;
use chrono::{Local, Timelike};
use duologue::agent::tool::{Json, RunContext, Toolset};
use duologue::agent::{Agent, AgentSession, Error, TurnDecision, tool};
use serde_json::{Value, json};

use super::home::Home;
use super::wake::{Call, WakeWord};

/// See the [module](self).
pub struct Appliance {
    wake: WakeWord,
}

impl Appliance {
    pub fn new(wake: WakeWord) -> Self {
        Self { wake }
    }
}

#[async_trait]
impl Agent<Home> for Appliance {
    /// For a language model; intents need none.
    fn instructions(&self) -> String {
        "You are an appliance in a home: you switch the lights of kitchen and bedroom and keep timers. One short \
         sentence at a time."
            .into()
    }

    fn tools(&self) -> Toolset<Home> {
        Toolset::new()
            .with(set_lights)
            .with(lit_lights)
            .with(set_timer)
            .with(cancel_timer)
            .with(timer_left)
            .with(tell_time)
    }

    async fn on_user_turn(&self, _: &AgentSession<Home>, text: &mut String) -> Result<TurnDecision, Error> {
        Ok(match self.wake.call(text) {
            Call::NotMeant => TurnDecision::Decline,
            Call::Woken => TurnDecision::Answer("Yes?".into()),
            Call::Command(command) => {
                *text = command;
                TurnDecision::Generate
            }
        })
    }
}

/// Switches the lights of one room, or of all.
#[tool(effect)]
async fn set_lights(
    context: &RunContext<Home>,
    /// `on` or `off`.
    state: String,
    /// `kitchen` or `bedroom`; all rooms if left out.
    room: Option<String>,
) -> Json<Value> {
    context.userdata().switch(room.as_deref(), state == "on");
    Json(json!({ "state": state, "room": room }))
}

/// Tells in which rooms the lights are on.
#[tool]
async fn lit_lights(context: &RunContext<Home>) -> Json<Value> {
    let rooms = context.userdata().lit().join(" and ");
    Json(if rooms.is_empty() { json!({}) } else { json!({ "rooms": rooms }) })
}

/// Sets a timer, which speaks when it is over.
#[tool(effect)]
async fn set_timer(
    context: &RunContext<Home>,
    /// Its length.
    #[schemars(range(min = 1, max = 86_400))]
    seconds: u64,
) -> &'static str {
    let session = context.session().clone();
    context.userdata().set_timer(seconds, async move {
        // A session that is over has nobody to tell.
        let _ = session.say("Your timer is over.");
    });
    "done"
}

/// Cancels the timer that was set last.
#[tool(effect)]
async fn cancel_timer(context: &RunContext<Home>) -> Json<Value> {
    seconds(context.userdata().cancel_timer())
}

/// Tells how long the timer has left that is over next.
#[tool]
async fn timer_left(context: &RunContext<Home>) -> Json<Value> {
    seconds(context.userdata().timer_left())
}

/// Tells the time.
#[tool]
async fn tell_time() -> Json<Value> {
    let now = Local::now();
    Json(json!({ "time": format!("{:02}:{:02}", now.hour(), now.minute()) }))
}

fn seconds(seconds: Option<u64>) -> Json<Value> {
    Json(seconds.map_or_else(|| json!({}), |seconds| json!({ "seconds": seconds })))
}
