//! Scenarios, played aloud in the simulated room and by the binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::common::{builder, models};
use duologue::eval::{Scenario, ScenarioParts, ScenarioReport, Stage, play, run_spoken};
use serde_json::Value;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scenarios").join(name)
}

fn spoken(scenario: &Scenario) -> ScenarioReport {
    let stage = Stage { pipeline: builder(), caller: &*models().tts };
    play(false, run_spoken(scenario, &ScenarioParts::default(), stage, |_| {})).unwrap().unwrap()
}

fn changed(name: &str, from: &str, to: &str) -> Scenario {
    let text = std::fs::read_to_string(example(name)).unwrap();
    assert!(text.contains(from), "{name} has no {from}");
    Scenario::parse(&text.replace(from, to), &example(name)).unwrap()
}

fn duologue(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_duologue")).args(args).output().expect("the binary runs")
}

#[test]
fn the_example_scenarios_do_not_fail_aloud() {
    for name in ["kitchen.toml", "appliance.toml", "barge-in.toml", "reception.toml"] {
        let report = spoken(&Scenario::load(&example(name)).unwrap());
        assert!(report.passed, "{name}: {}\n{report:#?}", report.remarks());
        assert!(report.steps.iter().all(|step| step.heard.is_some()), "{report:#?}");
        let answered = report.steps.iter().filter(|step| step.latency.is_some()).count();
        assert_eq!(answered, report.steps.len(), "an answer has no latency: {report:#?}");
    }
}

#[test]
fn an_answer_that_comes_too_late_does_not_pass() {
    let report = spoken(&changed("kitchen.toml", "within_ms = 2000", "within_ms = 20"));
    assert!(!report.passed);
    assert!(report.remarks().contains("within_ms: the answer began after"), "{}", report.remarks());
}

#[test]
fn an_interruption_that_never_comes_does_not_pass() {
    let report =
        spoken(&changed("barge-in.toml", "interrupted_at = \"forest\"", "interrupted_at = \"dragon\""));
    assert!(report.remarks().contains("never came to \"dragon\""), "{}", report.remarks());
}

#[test]
fn the_same_scenario_does_not_come_out_otherwise_the_next_time() {
    let scenario = Scenario::load(&example("barge-in.toml")).unwrap();
    assert_eq!(spoken(&scenario), spoken(&scenario));
}

#[test]
fn a_voice_that_does_not_exist_is_named() {
    let scenario = changed("kitchen.toml", "voice = \"rms\"", "voice = \"nobody\"");
    let stage = Stage { pipeline: builder(), caller: &*models().tts };
    let error =
        play(false, run_spoken(&scenario, &ScenarioParts::default(), stage, |_| {})).unwrap().unwrap_err();
    let text = error.to_string();
    assert!(
        ["kitchen.toml", "caller.voice", "nobody", "slt"].iter().all(|part| text.contains(part)),
        "{text}"
    );
}

#[test]
fn the_exit_status_does_not_hide_a_failure() {
    let kitchen = example("kitchen.toml");
    let good = duologue(&["eval", "--text", "--json", kitchen.to_str().unwrap()]);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    let report: Value = serde_json::from_slice(&good.stdout).unwrap();
    assert_eq!((&report["passed"], &report["mode"]), (&Value::Bool(true), &Value::from("text")));
    assert_eq!(report["steps"][1]["events"][0]["name"], "set_timer", "{report:#}");

    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(&kitchen)
        .unwrap()
        .replace("message = \"Your timer is set for ten\"", "message = \"no\"");
    std::fs::write(dir.path().join("bad.toml"), text).unwrap();
    std::fs::copy(example("kitchen.script.toml"), dir.path().join("kitchen.script.toml")).unwrap();
    let bad = duologue(&["eval", "--text", dir.path().join("bad.toml").to_str().unwrap()]);
    assert_eq!(bad.status.code(), Some(1));
    let told = String::from_utf8_lossy(&bad.stdout).into_owned();
    assert!(told.contains("step 2: FAILED") && told.contains("set for ten minutes"), "{told}");
}

#[test]
fn a_bad_file_is_not_played() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("typo.toml");
    std::fs::write(&file, "[agent]\ninstruction = \"\"\n[[step]]\nuser = \"hello\"\n").unwrap();
    let output = duologue(&["eval", file.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("typo.toml") && text.contains("instruction") && !text.contains("panicked"),
        "{text}"
    );
}
