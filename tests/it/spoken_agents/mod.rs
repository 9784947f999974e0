//! The examples `handoffs`, `intake` and `appliance`, spoken in simulated time.
#![allow(dead_code, reason = "the examples are used in part")]

#[path = "../../../examples/handoffs"]
mod handoffs {
    pub mod agents;
}
#[path = "../../../examples/intake"]
mod intake {
    pub mod agents;
    pub mod form;
}
#[path = "../../../examples/appliance"]
mod appliance {
    pub mod agents;
    pub mod home;
    pub mod wake;
}

use crate::common;
use crate::common::told;
use std::time::Duration;

use crate::common::talk::Talk;
use appliance::agents::Appliance;
use appliance::home::Home;
use appliance::wake::WakeWord;
use duologue::agent::AgentSession;
use duologue::agent::llm::intents::Intents;
use duologue::eval::{Script, ScriptedLlm};
use duologue::pipeline::endpoint::simulated::When;
use intake::form::Form;

fn scripted(script: &str) -> ScriptedLlm {
    ScriptedLlm::new(Script::parse(script).unwrap())
}

fn home() -> AgentSession<Home> {
    let intents =
        Intents::parse(include_str!("../../../examples/appliance/intents.toml"), "intents.toml").unwrap();
    AgentSession::builder(Home::default()).llm(intents).build().unwrap()
}

#[test]
fn the_voice_of_an_agent_does_not_stay_when_it_has_left() {
    let llm = scripted(include_str!("../../../examples/handoffs/script.toml"));
    let session = AgentSession::builder(()).llm(llm).build().unwrap();
    let mut talk = Talk::start(session, handoffs::agents::FrontDesk, &["turn-on-the-kitchen-lights", "yes"]);
    talk.run(Duration::from_secs(10));
    let handed = told::handoffs(&told::drain(&mut talk.events));
    assert_eq!(handed, ["TechnicalSupport", "Billing"], "{:?}", talk.heard());
    let voice =
        |part| talk.voice_of(part).unwrap_or_else(|| panic!("{part:?} was not said: {:?}", talk.heard()));
    assert_eq!(
        [voice("Northlight"), voice("Technical support"), voice("Billing speaking")],
        ["slt", "rms", "slt"]
    );
}

/// The model is asked before it is certain that the user has finished; the tools wait.
#[test]
fn a_spoken_answer_is_not_recorded_twice() {
    let llm = scripted(include_str!("../../../examples/intake/script.toml"));
    let session = AgentSession::builder(Form::default()).llm(llm).build().unwrap();
    let mut talk = Talk::start(session, intake::agents::Intake, &["what-is-your-name", "set-a-timer"]);
    talk.run(Duration::from_secs(8));
    let events = told::drain(&mut talk.events);
    assert_eq!(
        (told::calls(&events, "record_name"), told::calls(&events, "record_age")),
        (1, 1),
        "{:?}",
        talk.heard()
    );
    assert_eq!(told::handoffs(&events), ["Reception"]);
    assert_eq!(*talk.stage.session().userdata(), Form { name: Some("Ada".into()), age: Some(10) });
    assert_eq!(talk.heard().last().map(String::as_str), Some("Thank you, Ada. What can I do for you?"));
}

/// Asked by voice, and rung by voice.
#[test]
fn a_timer_is_not_unheard_in_the_room() {
    let mut talk = Talk::start(home(), Appliance::new(WakeWord::new("hello")), &[]);
    talk.stage.run_for(Duration::from_secs(1)).unwrap();
    talk.stage.session().user_text("hello set a timer for eight seconds").unwrap();
    talk.stage.run_for(Duration::from_secs(7)).unwrap();
    assert_eq!(talk.heard(), ["Your timer is set for 8 seconds."]);
    talk.stage.run_for(Duration::from_secs(6)).unwrap();
    assert_eq!(talk.heard().last().unwrap(), "Your timer is over.");
    let audible = talk.log.agent().len();
    assert!(audible >= 2, "the agent sounded {audible} times");
}

#[test]
fn a_caller_who_does_not_say_the_wake_word_is_not_answered() {
    let (room, log) = common::room(common::says([
        ("what-time-is-it", When::At(500)),
        ("hello", When::Gap(4_000)),
        ("turn-on-the-kitchen-lights", When::AfterAgentSilence(700)),
    ]));
    let mut talk = Talk::in_room(home(), Appliance::new(WakeWord::new("hello")), room, log);
    talk.run(Duration::from_secs(6));
    assert_eq!(talk.heard(), ["Yes?", "The kitchen lights are on."]);
    assert_eq!(talk.stage.session().userdata().lit(), ["kitchen"]);
}
