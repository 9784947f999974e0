//! What the specialists may do.

use duologue::agent::tool;
use duologue::agent::tool::{RunContext, ToolError};
use duologue::agent::{Error, Handoff};
use duologue::triage::Decision;

use super::agents::Specialist;
use super::call::{self, Call};

/// The invoices there are, and their amounts.
const INVOICES: [(&str, u32); 2] = [("4711", 59), ("4712", 18)];

/// Checks a device of the caller from afar.
#[tool]
pub async fn check_device(
    context: &RunContext<Call>,
    /// Such as `hub` or `kitchen lights`.
    device: String,
) -> Result<String, ToolError> {
    let reachable = device.to_lowercase().contains("light");
    // Turns that bring nothing are counted: the policy calls a person after some of them.
    call::change(context.session(), move |request| {
        match reachable {
            true => request.record_success(),
            false => request.record_failure(),
        }
        Ok(())
    })
    .await?;
    match reachable {
        true => Ok(format!("The {device} answer, and are on.")),
        false => Err(ToolError::new(format!("the {device} does not answer"))),
    }
}

/// Finds an invoice.
#[tool]
pub async fn find_invoice(
    /// Its number, four digits.
    number: String,
) -> Result<String, ToolError> {
    let amount = amount(&number)?;
    Ok(format!("Invoice {number} is about {amount} euros, and paid."))
}

/// Pays an invoice back. Ask the caller first.
#[tool(effect)]
pub async fn refund(
    context: &RunContext<Call>,
    /// The invoice's number, four digits.
    number: String,
) -> Result<String, ToolError> {
    let amount = amount(&number)?;
    context.session().send_status(&format!("Refunding invoice {number}"));
    Ok(format!("{amount} euros"))
}

fn amount(number: &str) -> Result<u32, ToolError> {
    let known = INVOICES.iter().find(|(known, _)| *known == number);
    known.map(|(_, amount)| *amount).ok_or_else(|| ToolError::new("there is no invoice of this number"))
}

/// Notes that the caller has what they wanted.
#[tool(effect)]
pub async fn resolve_request(context: &RunContext<Call>) -> Result<(), ToolError> {
    Ok(call::resolve(context.session()).await?)
}

/// Hands the caller over to another department.
#[tool(effect)]
pub async fn transfer(
    context: &RunContext<Call>,
    /// `technical`, `billing` or `general`.
    department: String,
    /// Why, in one sentence.
    reason: String,
) -> Result<(Handoff<Call>, String), ToolError> {
    let Some(specialist) = Specialist::by_id(&department) else {
        return Err(ToolError::new("there are the departments technical, billing and general"));
    };
    let message = format!("transferred to {department}: {reason}");
    call::change(context.session(), move |request| -> Result<(), Error> {
        request.assign(&Decision {
            category: department.clone(),
            priority: request.priority,
            reason: reason.clone(),
            agent: department.clone(),
        })
    })
    .await?;
    Ok((Handoff::to(specialist), message))
}
