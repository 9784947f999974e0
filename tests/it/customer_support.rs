//! The agent of `examples/customer_support`: its real code, with its own script.

#[path = "../../examples/customer_support/agents.rs"]
mod agents;
#[path = "../../examples/customer_support/case.rs"]
mod case;
#[path = "../../examples/customer_support/desk.rs"]
mod desk;
#[path = "../../examples/customer_support/knowledge.rs"]
mod knowledge;
#[path = "../../examples/customer_support/tools.rs"]
mod tools;

use crate::common::told;
use std::sync::Arc;
use std::time::Duration;

use duologue::agent::chat::{ChatContent, ChatItem, Role};
use duologue::agent::message::{Envelope, Message};
use duologue::agent::session::Envelopes;
use duologue::agent::store::{HistoryStore, MemoryStore, RecordStore, SqliteStore};
use duologue::agent::todo::{TodoList, TodoStatus};
use duologue::agent::{AgentSession, RunResult, SessionConfig, SessionEvent};
use duologue::eval::{Pace, Script, ScriptedLlm};

use crate::common::talk::Talk;
use agents::SupportAgent;
use case::Case;
use desk::Desk;

const PROBLEM: &str = "My kitchen lights are dark";
const LONG_ANSWER: &str = "What does everything do?";
const INTERRUPT: &[u8] = br#"{"v":1,"type":"control","data":{"action":"interrupt"}}"#;

/// What the example's model says, at once.
fn llm() -> ScriptedLlm {
    llm_at(Pace::default())
}

fn llm_at(pace: Pace) -> ScriptedLlm {
    let script = Script::parse(include_str!("../../examples/customer_support/script.toml")).unwrap();
    ScriptedLlm::new(Script { pace, ..script })
}

fn session<S: HistoryStore + RecordStore>(llm: &ScriptedLlm, store: Arc<S>) -> AgentSession<Case> {
    let case = Case::new("ada", Desk::new(store.clone())).unwrap();
    let config = SessionConfig { session_id: "ada".into(), ..SessionConfig::default() };
    AgentSession::builder(case).llm(llm.clone()).shared_store(store).config(config).build().unwrap()
}

async fn started(llm: &ScriptedLlm) -> AgentSession<Case> {
    let session = session(llm, Arc::new(MemoryStore::new()));
    session.start_text(SupportAgent).await.unwrap();
    session
}

fn tickets(session: &AgentSession<Case>) -> Vec<String> {
    let tickets = session.userdata().desk.tickets().unwrap();
    tickets.into_iter().map(|ticket| format!("{} {}", ticket.number, ticket.subject)).collect()
}

fn lists(events: &[SessionEvent]) -> Vec<TodoList> {
    let list = |event: &SessionEvent| match event {
        SessionEvent::Todo(list) => Some(list.clone()),
        _ => None,
    };
    events.iter().filter_map(list).collect()
}

fn calls(result: &RunResult) -> Vec<String> {
    let name = |item: &ChatItem| match &item.content {
        ChatContent::ToolCall { name, .. } => Some(name.clone()),
        _ => None,
    };
    result.items().filter_map(name).collect()
}

#[tokio::test]
async fn a_problem_is_not_answered_without_the_knowledge_base() {
    let llm = llm();
    let session = started(&llm).await;
    let greeting = session.history().items().iter().find_map(|item| item.spoken().map(str::to_owned));
    assert_eq!(greeting.as_deref(), Some("Hello, this is Hearth. How can I help you?"));

    let result = session.run(PROBLEM).await.unwrap();
    assert_eq!(calls(&result), ["search_knowledge"]);
    assert!(result.text().contains("Turn the lamp's own switch off"), "{}", result.text());

    let result = session.run("My elephant is sad").await.unwrap();
    assert!(result.text().contains("found nothing"), "{}", result.text());
}

#[tokio::test]
async fn a_ticket_is_not_opened_twice() {
    let session = started(&llm()).await;
    session.run(PROBLEM).await.unwrap();
    let first = session.run("Yes, please").await.unwrap();
    let again = session.run("Yes, do it").await.unwrap();
    assert_eq!((calls(&first), calls(&again)), (vec!["create_ticket".into()], vec!["create_ticket".into()]));
    assert!(first.text().contains("T-1001") && again.text().contains("T-1001"), "{}", again.text());
    assert_eq!(tickets(&session), ["T-1001 Kitchen lights"]);
}

#[tokio::test]
async fn an_interruption_does_not_lose_a_ticket() {
    let session = started(&llm()).await;
    session.run(PROBLEM).await.unwrap();
    let mut events = session.events();
    let (frontend, turn) = (session.clone(), session.run("Yes"));
    let interrupt = async {
        while let Some(event) = events.next().await {
            if matches!(event, SessionEvent::ToolStarted { .. }) {
                frontend.receive(Envelope::parse(INTERRUPT).unwrap().message).unwrap();
                return;
            }
        }
    };
    let (result, ()) = tokio::join!(turn, interrupt);
    result.unwrap();
    assert_eq!(tickets(&session), ["T-1001 Kitchen lights"]);
    assert!(session.userdata().steps.is_done(), "the ticket is open, and its step is not done");
}

#[tokio::test]
async fn a_step_is_not_left_undone() {
    let session = session(&llm(), Arc::new(MemoryStore::new()));
    let mut events = session.events();
    session.start_text(SupportAgent).await.unwrap();
    session.run(PROBLEM).await.unwrap();
    session.run("Yes").await.unwrap();
    let shown: Vec<_> = std::iter::from_fn(|| events.try_next()).collect();
    let lists = lists(&shown);
    for step in ["understand", "search", "solve"] {
        let seen: Vec<_> = lists.iter().map(|list| list.get(step).unwrap().status).collect();
        assert!(seen.contains(&TodoStatus::InProgress), "{step} was never shown as begun: {seen:?}");
        assert_eq!(seen.last(), Some(&TodoStatus::Completed), "{step}");
    }

    let result = session.run("Now the hub is offline").await.unwrap();
    let last = session.userdata().steps.clone();
    assert_eq!(last.current().map(|step| step.id.as_str()), Some("solve"), "a second problem: {:?}", result);
    session.run("Thank you").await.unwrap();
    assert!(session.userdata().steps.is_done());
}

#[tokio::test]
async fn a_frontend_is_not_left_without_what_happens() {
    let session = session(&llm(), Arc::new(MemoryStore::new()));
    let mut events = session.events();
    session.start_text(SupportAgent).await.unwrap();
    session.run(PROBLEM).await.unwrap();
    session
        .receive(Envelope::parse(br#"{"type":"data","data":{"topic":"steps"}}"#).unwrap().message)
        .unwrap();
    session.close().await;

    let mut envelopes = Envelopes::new();
    let mut sent = Vec::new();
    while let Some(event) = events.next().await {
        sent.extend(envelopes.next(&event));
    }
    for envelope in &sent {
        envelope.check().unwrap();
        assert_eq!(&Envelope::parse(envelope.to_json().as_bytes()).unwrap(), envelope);
    }
    let count = |matches: fn(&Message) -> bool| sent.iter().filter(|sent| matches(&sent.message)).count();
    let final_text = |message: &Message| matches!(message, Message::AgentText(text) if text.is_final);
    let status = |message: &Message| matches!(message, Message::Status(status) if status.text.is_some());
    assert_eq!(count(final_text), 2, "greeting and answer");
    assert_eq!(count(status), 1, "the search");
    assert_eq!(count(|message| matches!(message, Message::ToolCall(_) | Message::ToolResult(_))), 2);
    // One as it begins, two by the search, one that the frontend asked for.
    assert_eq!(count(|message| matches!(message, Message::Todo(_))), 4);
    assert_eq!(sent.last().unwrap().message.readable(), "end");
}

#[tokio::test]
async fn a_control_message_does_not_go_unheard() {
    let session = started(&llm_at(Pace { ttft_ms: 0, tokens_per_second: 20.0 })).await;
    let mut events = session.events();
    let (frontend, turn) = (session.clone(), session.run(LONG_ANSWER));
    let interrupt = async {
        while let Some(event) = events.next().await {
            if matches!(event, SessionEvent::AgentTranscript { .. }) {
                frontend.receive(Envelope::parse(INTERRUPT).unwrap().message).unwrap();
                return;
            }
        }
    };
    let (result, ()) = tokio::join!(turn, interrupt);
    let text = result.unwrap().text();
    assert!(!text.contains("network does not"), "it went on to its end: {text}");
    assert_eq!(session.run("Hello there").await.unwrap().text(), "Hello! What is wrong with your home?");
}

#[tokio::test]
async fn a_conversation_is_not_forgotten_with_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("support.db");
    {
        let session = session(&llm(), Arc::new(SqliteStore::open(&file).unwrap()));
        session.start_text(SupportAgent).await.unwrap();
        session.run(PROBLEM).await.unwrap();
        session.run("Yes").await.unwrap();
        session.close().await;
    }
    let llm = llm();
    let session = session(&llm, Arc::new(SqliteStore::open(&file).unwrap()));
    session.start_text(SupportAgent).await.unwrap();
    let history = session.history();
    let spoken: Vec<_> = history.items().iter().filter_map(ChatItem::spoken).collect();
    assert_eq!(spoken.last(), Some(&"Welcome back to Hearth. How can I help you today?"));
    assert!(spoken.iter().any(|text| text.contains("T-1001")), "{spoken:?}");

    session.run("Hello again").await.unwrap();
    let asked = llm.requests().pop().unwrap();
    let is_known = |item: &ChatItem| matches!(&item.content, ChatContent::Message { role: Role::User, text, .. } if text == PROBLEM);
    assert!(asked.items.iter().any(is_known), "the model is not told what was said before");
    assert_eq!(tickets(&session), ["T-1001 Kitchen lights"]);
}

/// The caller of the example, in simulated time: greeted, heard, looked up, answered, ticketed.
#[test]
fn a_spoken_problem_is_not_left_without_an_answer_or_a_ticket() {
    let session = session(&llm(), Arc::new(MemoryStore::new()));
    let mut talk =
        Talk::start(session, SupportAgent, &["turn-on-the-kitchen-lights", "yes", "thank-you-goodbye"]);
    talk.run(Duration::from_secs(10));
    let heard = talk.heard();
    let expected = [
        "Hello, this is Hearth. How can I help you?",
        "I have found this. A light does not turn on",
        "I have opened ticket T-1001",
        "I am glad that it works",
    ];
    assert_eq!(heard.len(), expected.len(), "{heard:#?}");
    for (heard, expected) in heard.iter().zip(expected) {
        assert!(heard.starts_with(expected), "{heard:?} is not {expected:?}");
    }
    let events = told::drain(&mut talk.events);
    let calls = ["search_knowledge", "create_ticket", "mark_solved"].map(|tool| told::calls(&events, tool));
    assert_eq!(calls, [1, 1, 1]);
    assert_eq!(tickets(talk.stage.session()), ["T-1001 Kitchen lights"]);
    assert!(talk.log.agent().len() >= 4, "what was answered did not sound in the room");
}

#[test]
fn a_frontends_interrupt_does_not_let_the_voice_go_on() {
    let session = session(&llm(), Arc::new(MemoryStore::new()));
    let mut talk = Talk::start(session, SupportAgent, &[]);
    talk.stage.run_for(Duration::from_secs(5)).unwrap();
    let session = talk.stage.session().clone();
    session.user_text(LONG_ANSWER).unwrap();
    talk.stage.run_for(Duration::from_secs(4)).unwrap();
    session.receive(Envelope::parse(INTERRUPT).unwrap().message).unwrap();
    let rate = u64::from(talk.log.rate());
    let (at, _) = (talk.log.now(), talk.stage.run_for(Duration::from_secs(3)).unwrap());
    // One step and the fade.
    let peak = talk.log.agent_peak_dbfs(at + rate / 10, talk.log.now());
    assert!(peak.is_none_or(|peak| peak < -60.0), "it speaks on: {peak:?} dBFS");
    let answer = talk.heard().pop().unwrap();
    assert!(answer.starts_with("Hearth makes lights") && !answer.contains("network does not"), "{answer}");
    session.user_text("Hello there").unwrap();
    talk.stage.run_for(Duration::from_secs(5)).unwrap();
    assert_eq!(talk.heard().last().unwrap(), "Hello! What is wrong with your home?");
}
