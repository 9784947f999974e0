//! A model that fails, hangs, floods or loops: each ends in words or a named event, and the session
//! lives on.

use std::time::Duration;

use crate::session_rig::{Rig, config};
use duologue_agent::{SessionConfig, SessionEvent};
use duologue_eval::{Fault, Rule, Script, ScriptedLlm};
use serde_json::json;

const APOLOGY: &str = "Assistant: I'm sorry, something went wrong. Please try again.";

/// The first question meets `script`'s trouble, the second must be answered.
fn ask_twice(rule: Rule, config: SessionConfig) -> Rig {
    let script = Script::new()
        .rule(rule)
        .rule(Rule::user("*name*").say("I am well again."))
        .rule(Rule::any().say("Yes."));
    let llm = ScriptedLlm::with_patience(script, Duration::from_secs(3_600));
    let calls = [(300, 1_000, "tell me a story"), (60_000, 1_000, "what is your name")];
    let mut rig = Rig::with(&calls, llm, config);
    rig.until("the second answer", |rig| rig.heard.iter().any(|turn| turn.heard == "I am well again."));
    rig.close();
    rig.check();
    rig
}

fn errors(rig: &Rig) -> usize {
    rig.seen.iter().filter(|event| matches!(event, SessionEvent::Error { .. })).count()
}

#[test]
fn a_model_that_fails_is_apologised_for() {
    for fault in [Fault::Refuse, Fault::Unauthorized, Fault::UnknownModel] {
        let rig = ask_twice(Rule::user("*story*").fault(fault), config());
        assert!(rig.told_history().contains(&APOLOGY.to_owned()), "{:#?}", rig.told_history());
        assert!(errors(&rig) > 0);
    }
}

#[test]
fn a_model_that_hangs_is_not_waited_for_in_silence() {
    let rig = ask_twice(Rule::user("*story*").fault(Fault::Hang), config());
    let told = rig.told_history();
    assert!(told.contains(&"Assistant: One moment.".to_owned()), "{told:#?}");
    assert!(told.contains(&APOLOGY.to_owned()), "{told:#?}");
}

#[test]
fn an_answer_without_end_is_cut_and_told_of() {
    let rule = Rule::user("*story*").say("and so on ").flood(1 << 20);
    let rig = ask_twice(rule, SessionConfig { max_answer_bytes: 200, ..config() });
    assert!(rig.told_history()[1].len() < 250, "{:#?}", rig.told_history());
    assert_eq!(errors(&rig), 1);
}

#[test]
fn a_model_that_calls_for_ever_is_made_to_answer() {
    let rule = Rule::user("*story*").again().call("nothing", json!({}));
    let rig = ask_twice(rule, SessionConfig { max_tool_steps: 3, ..config() });
    let calls = rig.told_history().iter().filter(|line| *line == "call nothing").count();
    assert_eq!(calls, 3, "{:#?}", rig.told_history());
}

#[test]
fn thinking_is_never_spoken() {
    let rule = Rule::user("*story*").reasoning("They want a story, hm.").say("Once upon a time.");
    let rig = ask_twice(rule, config());
    assert_eq!(rig.told_history()[1], "Assistant: Once upon a time.");
}

#[test]
fn an_empty_answer_is_not_silence() {
    let rig = ask_twice(Rule::user("*story*").say(""), config());
    assert!(rig.told_history().contains(&APOLOGY.to_owned()), "{:#?}", rig.told_history());
}
