//! The example `newcomer`, which the README shows.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const EXAMPLE: &str = include_str!("../../examples/newcomer.rs");
const README: &str = include_str!("../../README.md");

#[test]
fn the_readme_does_not_show_another_agent_than_the_one_that_runs() {
    assert!(README.contains(&format!("```rust\n{EXAMPLE}```")), "copy examples/newcomer.rs into README.md");
}

#[test]
fn an_agent_does_not_take_more_than_25_lines() {
    let lines = EXAMPLE.lines().filter(|line| !line.is_empty()).count();
    assert!(lines <= 25, "{lines} lines, blank ones apart");
}

#[test]
fn a_newcomer_is_not_left_without_an_answer() {
    // Beside this test, in target/debug/deps.
    let test = std::env::current_exe().unwrap();
    let program: PathBuf = test.ancestors().nth(2).unwrap().join("examples").join("newcomer");
    if !program.exists() {
        println!("SKIPPED: {} is not built; run cargo build --example newcomer", program.display());
        return;
    }
    let mut child = Command::new(program)
        .env_remove("DUOLOGUE_LLM__BASE_URL")
        .env_remove("OPENAI_BASE_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"What is the weather in Oslo?\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let (greeting, weather) = (said.find("Hello!"), said.to_lowercase().find("it is sunny in oslo."));
    assert!(greeting.is_some() && weather > greeting, "{said}");
}
