//! The example `handoffs`: who knows what, and who speaks how.

#[path = "../../examples/handoffs/agents.rs"]
mod agents;

use crate::common::told::handoffs;
use agents::FrontDesk;
use duologue::agent::AgentSession;
use duologue::agent::llm::LlmRequest;
use duologue::eval::{Script, ScriptedLlm};

fn model() -> ScriptedLlm {
    ScriptedLlm::new(Script::parse(include_str!("../../examples/handoffs/script.toml")).unwrap())
}

fn session(llm: &ScriptedLlm) -> AgentSession {
    AgentSession::builder(()).llm(llm.clone()).build().unwrap()
}

/// All that the model was told, as one text.
fn sent(request: &LlmRequest) -> String {
    format!("{} {:?}", request.instructions, request.items)
}

#[tokio::test]
async fn billing_does_not_lose_what_was_said() {
    let llm = model();
    let session = session(&llm);
    session.start_text(FrontDesk).await.unwrap();
    let result = session.run("My bill is too high.").await.unwrap();
    assert_eq!(handoffs(&result.events), ["Billing"]);
    assert_eq!(result.text(), "Billing speaking. I see it, and I take ten off. Is that all right?");
    let request = sent(llm.requests().last().unwrap());
    assert!(request.contains("billing department"), "{request}");
    assert!(request.contains("My bill is too high.") && request.contains("Northlight, hello!"), "{request}");
    session.close().await;
}

#[tokio::test]
async fn technical_support_does_not_keep_the_conversation_nor_lose_the_problem() {
    let llm = model();
    let session = session(&llm);
    session.start_text(FrontDesk).await.unwrap();
    session.run("Hello, this is Ada.").await.unwrap();
    let result = session.run("The lamp stays dark.").await.unwrap();
    assert_eq!(handoffs(&result.events), ["TechnicalSupport"]);
    assert_eq!(result.text(), "Technical support. Does the lamp stay dark with another bulb, too?");
    session.run("I have no other one.").await.unwrap();
    let request = llm.requests().pop().unwrap();
    assert!(request.instructions.contains("in their own words: The lamp stays dark."), "{request:?}");
    let request = sent(&request);
    assert!(!request.contains("Ada") && !request.contains("Northlight, hello!"), "{request}");
    // The session's own history is whole.
    assert!(format!("{:?}", session.history()).contains("Ada"));
    session.close().await;
}
