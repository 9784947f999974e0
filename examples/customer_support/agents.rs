//! Who answers.

use async_trait::async_trait;
use duologue::agent::message::DataMessage;
use duologue::agent::tool::Toolset;
use duologue::agent::{Agent, AgentSession, Error};

use super::case::{self, Case};
use super::tools::{create_ticket, mark_solved, search_knowledge};

const INSTRUCTIONS: &str = "You are the voice of Hearth, which makes lights and hubs for the home. \
    Answer in one or two short sentences that are easy to listen to, without lists. \
    Search the knowledge base before you answer. If that does not help, offer to open a ticket, and open \
    it once the customer agrees. When the customer says that all is well, mark the case as solved.";

pub struct SupportAgent;

#[async_trait]
impl Agent<Case> for SupportAgent {
    fn instructions(&self) -> String {
        INSTRUCTIONS.to_owned()
    }

    fn tools(&self) -> Toolset<Case> {
        Toolset::new().with(search_knowledge).with(create_ticket).with(mark_solved)
    }

    async fn on_enter(&self, session: &AgentSession<Case>) -> Result<(), Error> {
        let knows_us = session.history().items().iter().any(|item| item.spoken().is_some());
        case::begin(session, "understand")?;
        session.say(match knows_us {
            true => "Welcome back to Hearth. How can I help you today?",
            false => "Hello, this is Hearth. How can I help you?",
        })?;
        Ok(())
    }

    /// A frontend that has just opened asks for the steps.
    async fn on_data_message(
        &self,
        session: &AgentSession<Case>,
        message: &DataMessage,
    ) -> Result<(), Error> {
        if message.topic == "steps" {
            case::show(session, &session.userdata().steps);
        }
        Ok(())
    }
}
