//! `duologue room` and `duologue worker`, as their users meet them.

use std::process::{Command, Output};

const SECRET: &str = "secret-secret-secret-secret-secret-32";

fn duologue(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duologue"));
    command.args(arguments).current_dir(std::env::temp_dir());
    for variable in [
        "LIVEKIT_URL",
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
        "LIVEKIT_AGENT_NAME",
        "AGENT_CONFIG_FILE",
        "AGENT_CONFIG_BODY",
    ] {
        command.env_remove(variable);
    }
    command
}

fn with_server(arguments: &[&str]) -> Command {
    let mut command = duologue(arguments);
    command
        .env("LIVEKIT_URL", "ws://127.0.0.1:1")
        .env("LIVEKIT_API_KEY", "devkey")
        .env("LIVEKIT_API_SECRET", SECRET);
    command
}

fn stderr(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_token_does_not_need_a_server() {
    let arguments =
        ["room", "token", "--room", "home", "--identity", "ada", "--agent", "cook", "--ttl", "10m", "--json"];
    let output = with_server(&arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["ttl_s"], 600);
    assert_eq!(shown["grants"]["admin"], false);
    assert_eq!(shown["token"].as_str().unwrap().split('.').count(), 3);
}

#[test]
fn a_missing_server_is_named_with_its_remedy() {
    let text = stderr(&duologue(&["room", "list"]).output().unwrap());
    assert!(text.contains("LIVEKIT_URL") && text.contains("LIVEKIT_API_SECRET"), "{text}");
}

#[test]
fn a_server_that_cannot_be_reached_is_not_waited_for() {
    let text = stderr(&with_server(&["room", "list"]).output().unwrap());
    assert!(text.contains("ws://127.0.0.1:1") && text.contains("cannot be reached"), "{text}");
    assert!(!text.contains(SECRET), "{text}");
}

#[test]
fn a_mistake_in_an_agents_file_is_named_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("agent-museum.yaml");
    std::fs::write(&file, "docker_image: a/b\nenabled: true\nworker:\n  job_limt: 4\n").unwrap();
    let output = with_server(&["worker", "start"]).env("AGENT_CONFIG_FILE", &file).output().unwrap();
    let text = stderr(&output);
    assert!(
        text.contains("agent-museum.yaml") && text.contains("job_limt") && text.contains("line 4"),
        "{text}"
    );
}

#[test]
fn an_agent_that_shall_not_run_does_not_run() {
    let file = "agent_name: museum\nenabled: false\n";
    let output = with_server(&["worker", "start"]).env("AGENT_CONFIG_BODY", file).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn livekits_verbs_are_known() {
    for (verb, expected) in [("console", "microphone"), ("download-files", "Fetch")] {
        let output = duologue(&[verb, "--help"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains(expected), "{text}");
    }
}
