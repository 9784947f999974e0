//! The appliance of the example of that name, for a room: it needs no wake word, greets who comes, and
//! answers frontends' own messages.

use async_trait::async_trait;
use duologue::agent::message::DataMessage;
use duologue::agent::tool::Toolset;
use duologue::agent::{Agent, AgentSession, Error};

use super::agents::Appliance;
use super::home::Home;
use super::wake::WakeWord;

const GREETING: &str = "Hello! What can I do for you?";

/// See the [module](self).
pub struct RoomAgent {
    appliance: Appliance,
}

impl RoomAgent {
    pub fn new() -> Self {
        Self { appliance: Appliance::new(WakeWord::new("hello")) }
    }
}

#[async_trait]
impl Agent<Home> for RoomAgent {
    fn instructions(&self) -> String {
        self.appliance.instructions()
    }

    fn id(&self) -> String {
        "appliance".into()
    }

    fn tools(&self) -> Toolset<Home> {
        self.appliance.tools()
    }

    async fn on_enter(&self, session: &AgentSession<Home>) -> Result<(), Error> {
        session.say(GREETING)?;
        Ok(())
    }

    /// A button of the frontend, for example: its topic is shown as a status.
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
