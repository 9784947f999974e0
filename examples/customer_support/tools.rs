//! What the model may do.

use duologue::agent::tool;
use duologue::agent::tool::{RunContext, ToolError};

use super::case::{self, Case};
use super::knowledge;

/// Looks for a solution in the knowledge base. Always search before you answer a question about a
/// device.
#[tool]
pub async fn search_knowledge(
    context: &RunContext<Case>,
    /// The problem, in a few words.
    query: String,
) -> Result<String, ToolError> {
    let session = context.session();
    case::begin(session, "search")?;
    session.send_status(&format!("Looking for {query:?}"));
    let articles: Vec<String> =
        knowledge::search(&query).iter().map(|found| format!("{}: {}", found.title, found.text)).collect();
    case::begin(session, "solve")?;
    if articles.is_empty() {
        return Ok("Nothing was found; offer to open a ticket.".to_owned());
    }
    Ok(articles.join("\n"))
}

/// Opens a ticket, with which a technician calls the customer back. Ask the customer first.
#[tool(effect)]
pub async fn create_ticket(
    context: &RunContext<Case>,
    /// The problem, in a few words.
    subject: String,
    /// All that the technician should know.
    details: String,
) -> Result<String, ToolError> {
    let session = context.session();
    session.send_status("Opening a ticket");
    let (desk, customer) = {
        let case = context.userdata();
        (case.desk.clone(), case.customer.clone())
    };
    let ticket = tokio::task::spawn_blocking(move || desk.open(&customer, &subject, &details)).await??;
    case::finish(session)?;
    Ok(ticket.number)
}

/// Notes that the problem is solved, because the customer says so.
#[tool]
pub async fn mark_solved(context: &RunContext<Case>) -> Result<(), ToolError> {
    Ok(case::finish(context.session())?)
}
