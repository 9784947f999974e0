//! Assertions, mocks and scenarios in text, through a real session.

use std::path::{Path, PathBuf};

use duologue_agent::chat::Role;
use duologue_agent::tool::{FnTool, ToolError};
use duologue_agent::{AgentSession, Handoff, SimpleAgent};
use duologue_eval::{
    Expected, Judge, MockTools, Mode, Rule, RunAssertions, Scenario, ScenarioParts, ScenarioReport, Script,
    ScriptedLlm, run_text,
};
use serde_json::{Value, json};

fn script() -> Script {
    Script::new()
        .rule(
            Rule::user("* weather in {city}")
                .say("Let me look.")
                .call("get_weather", json!({ "city": "{city}" })),
        )
        .rule(Rule::result_of("get_weather").say("They say: {result}."))
        .rule(Rule::user("* billing *").call("to_billing", json!({})))
        .rule(Rule::any().say("Hello there."))
}

fn tools() -> SimpleAgent {
    let any = || json!({ "type": "object" });
    let weather =
        FnTool::with_schema("get_weather", "Tells the weather.", any(), |_, _| async { "the real thing" });
    let billing = FnTool::with_schema("to_billing", "Hands over.", any(), |_, _| async {
        Handoff::to(SimpleAgent::<()>::new("You are billing.").id("billing").greeting("Billing here."))
    });
    SimpleAgent::new("You help.").id("reception").tool(weather).tool(billing)
}

async fn session() -> AgentSession {
    session_with(&MockTools::new()).await
}

async fn session_with(mocks: &MockTools) -> AgentSession {
    let llm = ScriptedLlm::new(script());
    let session = AgentSession::builder(()).llm(llm).map_tools(mocks.hook()).build().unwrap();
    session.start_text(tools()).await.unwrap();
    session
}

#[tokio::test(start_paused = true)]
async fn events_do_not_stand_in_another_order_than_they_happened() {
    let run = session().await.run("What's the weather in Porto?").await.unwrap();
    let mut expect = run.expect();
    let _ = expect.next_event().is_message(Role::Assistant).contains("let me look");
    expect.next_event().is_function_call("get_weather", json!({ "city": "Porto" }));
    expect.next_event().is_function_call_output("the real thing");
    let _ = expect.next_event().is_message(Role::Assistant).contains("the real thing").lacks("sorry");
    expect.no_more_events();
}

#[tokio::test(start_paused = true)]
async fn a_hand_off_is_not_overlooked() {
    let run = session().await.run("I need billing please").await.unwrap();
    let mut expect = run.expect();
    expect.next_event().is_function_call("to_billing", Value::Null);
    expect.contains_agent_handoff("billing");
    let _ = expect.contains_message(Role::Assistant).contains("billing here");
    let mismatch = run.check().find(&Expected::handoff("sales")).unwrap_err().to_string();
    assert!(mismatch.contains("hand-off     reception to billing"), "{mismatch}");
}

#[tokio::test(start_paused = true)]
async fn a_mocked_tool_is_not_really_called() {
    let mocks = MockTools::new();
    let session = session_with(&mocks).await;
    let weather = mocks.replace("get_weather", |arguments| format!("rain in {}", arguments["city"]));
    let run = session.run("What's the weather in Porto?").await.unwrap();
    assert!(run.text().contains("rain in \"Porto\""), "{}", run.text());
    assert_eq!(weather.calls(), [json!({ "city": "Porto" })]);
    drop(weather);
    let run = session.run("What's the weather in Porto?").await.unwrap();
    assert!(run.text().contains("the real thing"), "the mock outlived itself: {}", run.text());
}

#[tokio::test(start_paused = true)]
async fn a_mock_that_fails_is_told_to_the_model() {
    let mocks = MockTools::new();
    let session = session_with(&mocks).await;
    let _weather = mocks.replace("get_weather", |_| Err::<String, _>(ToolError::new("no such city")));
    let run = session.run("What's the weather in Atlantis?").await.unwrap();
    run.expect().contains_function_call_output("no such city");
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "does not meet \"tells the time\": it greets")]
async fn a_judge_does_not_pass_another_intent() {
    let judge = Judge::new(ScriptedLlm::new(Script::saying(r#"{"pass": false, "reason": "it greets"}"#)));
    let run = session().await.run("Hello").await.unwrap();
    let message = run.expect().next_event().is_message(Role::Assistant);
    message.judged_by(&judge, "tells the time").await;
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/scenarios").join(name)
}

async fn text(scenario: &Scenario) -> ScenarioReport {
    run_text(scenario, &ScenarioParts::default(), |_| {}).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_example_scenarios_do_not_fail_in_text() {
    for name in ["kitchen.toml", "appliance.toml", "barge-in.toml", "reception.toml"] {
        let report = text(&Scenario::load(&example(name)).unwrap()).await;
        assert!(report.passed && report.mode == Mode::Text, "{name}: {}\n{report:#?}", report.remarks());
    }
}

#[tokio::test(start_paused = true)]
async fn a_scenario_that_comes_out_otherwise_does_not_pass() {
    let good = std::fs::read_to_string(example("kitchen.toml")).unwrap();
    for (from, to, told) in [
        (
            "{ tool = \"set_timer\"",
            "{ tool = \"cancel_timer\"",
            "step 2: FAILED: expected a call of cancel_timer",
        ),
        (
            "{ message = \"Your timer is set for ten\" }",
            "{ message = \"ten hours\" }",
            "step 2: FAILED: expected a message",
        ),
        (
            "room = \"kitchen\", state",
            "room = \"bedroom\", state",
            "step 1: FAILED: expected a call of set_lights",
        ),
        ("absent = [\"sorry\", \"timer\"]", "absent = \"goodbye\"", "step 3: FAILED: absent"),
        (
            "{ message = \"welcome\" }",
            "{ handoff = \"agent\" }",
            "step 3: FAILED: expected a hand-off to agent",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let scenario = Scenario::parse(&good.replace(from, to), &example("kitchen.toml")).unwrap();
        let report = text(&scenario).await;
        assert!(!report.passed && report.remarks().contains(told), "{to}: {}", report.remarks());
        let failed: Vec<bool> = report.steps.iter().map(|step| !step.passed()).collect();
        assert_eq!(failed.iter().filter(|failed| **failed).count(), 1, "{to}: {}", report.remarks());
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_does_not_pass_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.script.toml"), "[[rule]]\nfault = \"server_error\"\n").unwrap();
    let toml =
        "[agent]\ninstructions = \"\"\nllm = { script = \"a.script.toml\" }\n[[step]]\nuser = \"hello\"\n";
    let scenario = Scenario::parse(toml, &dir.path().join("a.toml")).unwrap();
    let report = text(&scenario).await;
    assert!(
        !report.passed && report.remarks().contains("the session reported errors"),
        "{}",
        report.remarks()
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_model_is_named_with_its_remedy() {
    let toml = "[agent]\ninstructions = \"\"\nllm = \"configured\"\n[[step]]\nuser = \"hello\"\n";
    let scenario = Scenario::parse(toml, Path::new("a.toml")).unwrap();
    let error = run_text(&scenario, &ScenarioParts::default(), |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("a.toml") && error.contains("[llm]"), "{error}");
    let toml = toml.replace("\"configured\"", "{ script = \"nowhere.toml\" }");
    let scenario = Scenario::parse(&toml, Path::new("dir/a.toml")).unwrap();
    let error = run_text(&scenario, &ScenarioParts::default(), |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("nowhere.toml"), "{error}");
}
