//! Three agents. A tool that returns a [`Handoff`] makes another one current, and says how much of the
//! conversation it knows: billing all of it, technical support only the problem.

use async_trait::async_trait;
use duologue::agent::tool::Toolset;
use duologue::agent::{Agent, AgentSession, Carry, Error, Handoff, Overrides, tool};

/// Finds out who can help.
pub struct FrontDesk;

/// Knows why the customer called: whatever was said before is part of its conversation.
pub struct Billing;

/// Knows the problem and nothing else of the conversation.
pub struct TechnicalSupport {
    problem: String,
}

/// Hands the customer over to billing.
#[tool]
async fn transfer_to_billing() -> Handoff<()> {
    Handoff::to(Billing).message("The customer is with billing now.")
}

/// Hands the customer over to technical support.
#[tool]
async fn transfer_to_technical_support(
    /// The problem, in the customer's words.
    problem: String,
) -> Handoff<()> {
    Handoff::to(TechnicalSupport { problem }).carry(Carry::Fresh)
}

#[async_trait]
impl Agent for FrontDesk {
    fn instructions(&self) -> String {
        "You are the front desk of Northlight, which makes lamps. Find out whether it is about a bill or a lamp \
         that does not work, and hand the customer over. Solve nothing yourself. One short sentence at a time."
            .into()
    }

    fn tools(&self) -> Toolset {
        Toolset::new().with(transfer_to_billing).with(transfer_to_technical_support)
    }

    fn overrides(&self) -> Overrides {
        voice("slt")
    }

    async fn on_enter(&self, session: &AgentSession) -> Result<(), Error> {
        session.say("Northlight, hello! Is it about a bill, or about your lights?")?;
        Ok(())
    }
}

// It has no `on_enter`: the model speaks first, and knows what the customer said before.
impl Agent for Billing {
    fn instructions(&self) -> String {
        "You are the billing department of Northlight. Settle what the customer called about; do not ask for it \
         again. One short sentence at a time."
            .into()
    }

    fn overrides(&self) -> Overrides {
        voice("slt")
    }
}

#[async_trait]
impl Agent for TechnicalSupport {
    fn instructions(&self) -> String {
        format!(
            "You are the technical support of Northlight. The customer's problem, in their own words: {}. If it needs \
             a new lamp, hand over to billing. One short sentence at a time.",
            self.problem
        )
    }

    fn tools(&self) -> Toolset {
        Toolset::new().with(transfer_to_billing)
    }

    fn overrides(&self) -> Overrides {
        voice("rms")
    }

    async fn on_enter(&self, session: &AgentSession) -> Result<(), Error> {
        session.say("Technical support. Does the lamp stay dark with another bulb, too?")?;
        Ok(())
    }
}

fn voice(name: &str) -> Overrides {
    Overrides { voice: Some(name.into()), ..Overrides::default() }
}
