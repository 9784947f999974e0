//! The edges of a turn: taken back, its first and last sample, the voice of the next agent, and the
//! same over threads.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::session_rig::{Level, Lines, Listener, RATE, Rig, Room, Voice, config, script};
use duologue_agent::task::{AgentTask, Completion};
use duologue_agent::tool::{FnTool, RunContext, ToolError};
use duologue_agent::{Agent, AgentSession, Handoff, Overrides, SessionEvent, SimpleAgent, SpeechOutcome};
use duologue_eval::{Rule, Script, ScriptedLlm};
use duologue_pipeline::endpoint::Paced;
use duologue_pipeline::{Builder, PipelineConfig};

const QUESTION: (u64, u64, &str) = (300, 1_000, "tell me a story");

/// When the answer to [`QUESTION`] is first and last heard, in ms.
fn answer_sounds() -> (u64, u64) {
    let mut rig = Rig::new(&[QUESTION]);
    let (mut first, mut last) = (0, 0);
    for ms in (0..20_000).step_by(10) {
        rig.step();
        if rig.is_audible() {
            first = if first == 0 { ms } else { first };
            last = ms;
        }
    }
    assert!(first > 1_300 && last > first + 2_000, "{first} {last}");
    (first, last)
}

#[test]
fn barge_in_at_the_first_or_last_sample_does_not_break_history() {
    let (first, last) = answer_sounds();
    for at in [first, last] {
        for start in (at - 60..=at + 60).step_by(20) {
            let mut rig = Rig::new(&[QUESTION, (start, 1_200, "no wait stop that please")]);
            rig.run_ms(start + 8_000);
            rig.close();
            rig.check();
            assert!(rig.user_turns.len() == 2 || start < first, "{start}: {:?}", rig.user_turns);
        }
    }
}

#[test]
fn barge_in_at_any_moment_of_a_handoff_does_not_break_history() {
    for start in (1_500..5_000).step_by(230) {
        let mut rig =
            Rig::new(&[(300, 1_000, "please transfer me now"), (start, 1_200, "no wait stop that please")]);
        rig.run_ms(start + 8_000);
        rig.close();
        rig.check();
    }
}

#[test]
fn a_question_that_is_taken_back_does_not_keep_the_model_at_work() {
    // The pause is long enough to ask, and too short to be the end of the turn.
    let llm = ScriptedLlm::new(script());
    let calls = [(300, 700, "tell me"), (1_250, 750, "a nice long story")];
    let mut rig = Rig::with(&calls, llm.clone(), config());
    rig.run_ms(12_000);
    rig.close();
    rig.check();
    assert_eq!(rig.user_turns.len(), 1, "{:?}", rig.user_turns);
    assert!(llm.requests().len() > 1, "nothing was asked early");
    assert_eq!(llm.cancelled(), llm.requests().len() - 1, "an answer nobody needs was not dropped");
}

#[test]
fn a_task_does_not_begin_in_a_turn_that_is_taken_back() {
    struct Wants(#[allow(dead_code, reason = "it never ends")] Completion<String>);
    #[async_trait::async_trait]
    impl Agent for Wants {
        fn instructions(&self) -> String {
            "You want to know.".into()
        }
        async fn on_enter(&self, session: &AgentSession) -> Result<(), duologue_agent::Error> {
            session.say("For whom is it?").map(drop)
        }
    }
    let inquire = FnTool::new("inquire", "Asks.", |context: RunContext, _: Nothing| async move {
        Ok::<_, ToolError>(context.session().run_task(AgentTask::new(Wants)).await?)
    });
    let agent = SimpleAgent::new("You ask.").tool(inquire);
    let rule = Rule::any().say("One moment.").call("inquire", serde_json::json!({}));
    let llm = ScriptedLlm::new(Script::new().rule(rule));
    let calls = [(300, 700, "tell me"), (1_250, 750, "a nice long story")];
    let mut rig = Rig::of(&calls, llm.clone(), config(), agent);
    rig.until("the task's question", |rig| rig.heard.iter().any(|turn| turn.heard == "For whom is it?"));
    rig.run_ms(2_000);
    assert!(llm.requests().len() > 1, "nothing was asked early");
    let asked = rig.history().iter().filter(|item| item.spoken() == Some("For whom is it?")).count();
    assert_eq!((rig.user_turns.len(), asked), (1, 1), "{:#?}", rig.told_history());
    let entered =
        rig.seen.iter().filter(|event| matches!(event, SessionEvent::Handoff { to, .. } if to == "Wants"));
    assert_eq!(entered.count(), 1, "it began before the turn was certain");
    rig.close();
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Nothing {}

#[test]
fn the_same_words_at_the_same_times_do_not_lead_elsewhere() {
    let run = || {
        let mut rig = Rig::new(&[QUESTION, (3_000, 1_000, "please count it all"), (6_500, 400, "mhm")]);
        rig.run_ms(15_000);
        rig.close();
        rig.told_history()
    };
    assert_eq!(run(), run());
}

#[test]
fn the_next_agent_does_not_speak_with_the_voice_of_the_one_before() {
    struct Farewell;
    #[async_trait::async_trait]
    impl Agent for Farewell {
        fn instructions(&self) -> String {
            "You leave.".into()
        }
        async fn on_exit(&self, session: &AgentSession) -> Result<(), duologue_agent::Error> {
            session.say("I leave you now.").map(drop)
        }
    }
    let llm = ScriptedLlm::new(Script::new().rule(Rule::any().say("Yes.")));
    let mut rig = Rig::of(&[], llm, config(), Farewell);
    rig.run_ms(500);
    let overrides = Overrides { voice: Some("two".into()), ..Overrides::default() };
    let next = SimpleAgent::new("You come.").greeting("And I am here.").overrides(overrides);
    rig.session().update_agent(Handoff::to(next)).unwrap();
    rig.until("the greeting", |rig| rig.heard.len() == 2);
    let spoken = rig.spoken.lock().unwrap().clone();
    let voice_of =
        |text: &str| spoken.iter().find(|(_, said)| said.contains(text)).map(|(voice, _)| voice.clone());
    assert_ne!(voice_of("leave").as_deref(), Some("two"), "{spoken:?}");
    assert_eq!(voice_of("here").as_deref(), Some("two"), "{spoken:?}");
}

#[test]
fn a_speech_knows_what_was_heard_of_it() {
    let mut rig = Rig::new(&[]);
    rig.run_ms(200);
    let (first, second) =
        (rig.session().say("One two three four.").unwrap(), rig.session().say("Never said.").unwrap());
    rig.until("some of it", |_| first.heard().starts_with("One two"));
    rig.session().interrupt().unwrap();
    rig.run_ms(500);
    assert_eq!(first.outcome(), Some(SpeechOutcome::Interrupted));
    assert!(first.heard().starts_with("One two") && !first.heard().contains("four"), "{}", first.heard());
    assert_eq!((second.outcome(), second.heard().as_str()), (Some(SpeechOutcome::Dropped), ""));
    rig.close();
    rig.check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_over_threads_does_not_lose_a_word() {
    let lines: Lines = Arc::new(Mutex::new(VecDeque::from(["tell me a story".to_owned()])));
    let voice = Voice::new(Arc::default());
    let mut settings = PipelineConfig::default();
    settings.ear.echo.enabled = false;
    let pipeline = Builder::new(Arc::new(Listener(lines)), Arc::new(voice), Box::new(Level)).config(settings);
    let per_ms = u64::from(RATE) / 1_000;
    let room = Room { calls: vec![(2_500 * per_ms, 1_000 * per_ms)], at: 0, audible: false };
    let llm = ScriptedLlm::new(Script::new().rule(Rule::any().say("Once upon a time.")));
    let session = AgentSession::builder(()).llm(llm).build().unwrap();
    let mut events = session.events();
    let agent = SimpleAgent::new("You tell stories.").greeting("Hello there.");
    session.start(agent, pipeline, Box::new(Paced::real_time(room))).await.unwrap();
    let mut finished = Vec::new();
    let wait = async {
        while finished.len() < 2 {
            if let SessionEvent::SpeechFinished { heard, .. } = events.next().await.expect("it goes on") {
                finished.push(heard);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("two speeches");
    session.close().await;
    assert_eq!(finished, ["Hello there.", "Once upon a time."]);
    let told: Vec<String> = session.history().items().iter().map(crate::session_rig::line).collect();
    assert_eq!(told, ["Assistant: Hello there.", "User: tell me a story", "Assistant: Once upon a time."]);
    assert!(session.say("too late").is_err());
    assert!(std::iter::from_fn(|| events.try_next()).any(|event| matches!(event, SessionEvent::Closed)));
}

#[test]
fn a_speech_that_waits_for_another_is_not_lost() {
    for words in 1..12 {
        let mut rig = Rig::new(&[]);
        rig.run_ms(200);
        let first = ["word"; 12][..words].join(" ");
        let speeches =
            [first.as_str(), "Said next.", "Said last."].map(|text| rig.session().say(text).unwrap());
        rig.run_ms(9_000);
        for speech in &speeches {
            assert_eq!(speech.outcome(), Some(SpeechOutcome::Finished), "{words}: {:?}", rig.heard);
        }
        rig.close();
        rig.check();
    }
}
