//! Who answers: triage, three specialists, and the desk of the people.

use async_trait::async_trait;
use duologue::agent::tool::Toolset;
use duologue::agent::{Agent, AgentSession, Error, TurnDecision};

use super::call::{Call, take_turn};
use super::tools::{check_device, find_invoice, refund, resolve_request, transfer};

const STYLE: &str = "Answer in one or two short sentences that are easy to listen to, without lists. \
    When the caller has what they wanted, resolve the request.";

/// The orchestrator: it answers nothing itself, but finds out who does.
pub struct Triage;

#[async_trait]
impl Agent<Call> for Triage {
    fn instructions(&self) -> String {
        "You are the switchboard of Hearth. Ask the caller what it is about.".to_owned()
    }

    fn id(&self) -> String {
        "triage".to_owned()
    }

    async fn on_enter(&self, session: &AgentSession<Call>) -> Result<(), Error> {
        session.say("Hearth, hello. What is it about?")?;
        Ok(())
    }

    async fn on_user_turn(
        &self,
        session: &AgentSession<Call>,
        text: &mut String,
    ) -> Result<TurnDecision, Error> {
        take_turn(session, text).await?;
        Ok(TurnDecision::Generate)
    }
}

/// One department.
#[derive(Clone, Copy)]
pub struct Specialist {
    id: &'static str,
    role: &'static str,
}

impl Specialist {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self { id: "technical", role: "You are the technician of Hearth. Check a device before you advise." },
        Self { id: "billing", role: "You are the bookkeeper of Hearth. Ask before you refund an invoice." },
        Self {
            id: "general",
            role: "You look after the accounts of Hearth, and answer all other questions.",
        },
    ];

    /// The one called `id`.
    pub fn by_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|specialist| specialist.id == id)
    }
}

#[async_trait]
impl Agent<Call> for Specialist {
    fn instructions(&self) -> String {
        format!("{} {STYLE}", self.role)
    }

    fn id(&self) -> String {
        self.id.to_owned()
    }

    fn tools(&self) -> Toolset<Call> {
        let common = Toolset::new().with(resolve_request).with(transfer);
        match self.id {
            "technical" => common.with(check_device),
            "billing" => common.with(find_invoice).with(refund),
            _ => common,
        }
    }

    async fn on_user_turn(
        &self,
        session: &AgentSession<Call>,
        text: &mut String,
    ) -> Result<TurnDecision, Error> {
        take_turn(session, text).await?;
        Ok(TurnDecision::Generate)
    }
}

/// The desk of the people: it says that one of them is coming, and keeps the caller company.
pub struct Human;

#[async_trait]
impl Agent<Call> for Human {
    fn instructions(&self) -> String {
        "A colleague of Hearth will take this call over in a minute. Say so if you are asked, and promise \
         nothing else."
            .to_owned()
    }

    fn id(&self) -> String {
        "human".to_owned()
    }

    async fn on_enter(&self, session: &AgentSession<Call>) -> Result<(), Error> {
        session.say("I am calling a colleague, who will be with you in a minute.")?;
        Ok(())
    }
}
