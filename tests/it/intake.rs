//! The example `intake`: what is recorded, and when it hands over.

#[path = "../../examples/intake/agents.rs"]
mod agents;
#[path = "../../examples/intake/form.rs"]
mod form;
#[path = "../../examples/intake/task.rs"]
mod task;

use crate::common::told::handoffs;
use agents::Intake;
use duologue::agent::{AgentSession, SessionEvent};
use duologue::eval::{Rule, Script, ScriptedLlm};
use form::Form;
use serde_json::json;
use task::Appointments;

fn script() -> Script {
    Script::parse(include_str!("../../examples/intake/script.toml")).unwrap()
}

async fn started(script: Script) -> AgentSession<Form> {
    let session = AgentSession::builder(Form::default()).llm(ScriptedLlm::new(script)).build().unwrap();
    session.start_text(Intake).await.unwrap();
    session
}

fn form(name: Option<&str>, age: Option<u8>) -> Form {
    Form { name: name.map(str::to_owned), age }
}

#[tokio::test]
async fn it_does_not_hand_over_before_the_form_is_complete() {
    let session = started(script()).await;
    let result = session.run("I am Ada").await.unwrap();
    assert_eq!((result.text().as_str(), handoffs(&result.events)), ("And how old are you?", vec![]));
    assert_eq!(*session.userdata(), form(Some("Ada"), None));
    let result = session.run("I am 36").await.unwrap();
    assert_eq!(handoffs(&result.events), ["Reception"]);
    assert_eq!(result.text(), "Thank you, Ada. What can I do for you?");
    assert_eq!(*session.userdata(), form(Some("Ada"), Some(36)));
    session.close().await;
}

#[tokio::test]
async fn a_form_filled_in_one_breath_is_not_handed_over_twice() {
    let session = started(script()).await;
    let result = session.run("Hi, my name is Ada and I am 36 years old.").await.unwrap();
    assert_eq!(handoffs(&result.events), ["Reception"]);
    assert_eq!(*session.userdata(), form(Some("Ada"), Some(36)));
    session.close().await;
}

#[tokio::test]
async fn an_age_is_not_recorded_twice() {
    let age = || json!({ "age": 36 });
    let twice = Script::new()
        .rule(Rule::any().call("record_age", age()).call("record_age", age()))
        .rule(Rule::result_of("record_age").say("And your name?"));
    let session = started(twice).await;
    let result = session.run("I am 36").await.unwrap();
    let mut outputs: Vec<String> = result
        .events
        .iter()
        .filter_map(|event| match event {
            SessionEvent::ToolFinished { output, .. } => Some(output.clone()),
            _ => None,
        })
        .collect();
    outputs.sort();
    assert!(outputs[0].contains("Recorded. Still missing: the name."), "{outputs:?}");
    assert!(outputs[1].contains("the age is recorded already"), "{outputs:?}");
    assert_eq!(*session.userdata(), form(None, Some(36)));
    session.close().await;
}

#[tokio::test]
async fn an_impossible_age_is_not_recorded() {
    let session = started(script()).await;
    let result = session.run("I am 200 years old").await.unwrap();
    assert_eq!(result.text(), "Sorry, how old are you?");
    assert_eq!(*session.userdata(), Form::default());
    session.close().await;
}

#[tokio::test]
async fn a_correction_is_not_lost() {
    let session = started(script()).await;
    session.run("I am Eva").await.unwrap();
    session.run("No, my name is Ada").await.unwrap();
    assert_eq!(*session.userdata(), form(Some("Ada"), None));
    session.run("I am 36").await.unwrap();
    let result = session.run("I am 37 years old, sorry").await.unwrap();
    assert_eq!(session.userdata().age, Some(37));
    assert_eq!((result.text().as_str(), handoffs(&result.events)), ("I have noted it.", vec![]));
    session.close().await;
}

#[tokio::test]
async fn a_task_does_not_end_without_its_typed_result() {
    let session = AgentSession::builder(Form::default()).llm(ScriptedLlm::new(script())).build().unwrap();
    session.start_text(Appointments).await.unwrap();
    let result = session.run("I would like an appointment please").await.unwrap();
    assert_eq!(result.text(), "For whom is it? Your name, please.");
    assert_eq!(session.current_agent().unwrap().id(), "AskPerson");
    let result = session.run("Well, my name is Ada").await.unwrap();
    assert_eq!(result.text(), "And how old are you?");
    assert_eq!(*session.userdata(), Form::default(), "the task keeps to itself what it knows");
    let result = session.run("I am 36").await.unwrap();
    assert_eq!(result.text(), "Booked for Ada, 36 years old, at nine.");
    assert_eq!(session.current_agent().unwrap().id(), "Appointments");
    assert_eq!(*session.userdata(), form(Some("Ada"), Some(36)));
    session.close().await;
}
