//! `duologue wyoming`, as a person starts it; its clients' side is `.ci/wyoming.sh`'s.

use std::net::TcpListener;
use std::process::Command;

/// What it says when it must not start.
fn refusal(args: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_duologue"))
        .arg("wyoming")
        .args(args)
        .current_dir(dir.path())
        .output()
        .expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && !text.contains("panicked"), "{text}");
    text
}

#[test]
fn an_address_that_others_reach_is_not_listened_on_unless_that_is_spelled_out() {
    for host in ["0.0.0.0", "::", "192.0.2.1"] {
        let text = refusal(&["--host", host, "--port", "0"]);
        assert!(text.contains("--insecure") && text.contains(host), "{text}");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let text = refusal(&["--port", &port]);
    assert!(text.contains(&port) && text.contains("--port"), "{text}");
}

#[test]
fn models_that_cannot_be_loaded_end_it_with_their_error() {
    let text = refusal(&["--port", "0", "--tts", "/nowhere/at-all"]);
    assert!(text.contains("/nowhere/at-all"), "{text}");
}

#[test]
fn what_only_this_machine_reaches_is_not_announced() {
    let text = refusal(&["--port", "0", "--announce", "kitchen"]);
    assert!(text.contains("127.0.0.1") && text.contains("--host"), "{text}");
    let text = refusal(&["--host", "0.0.0.0", "--insecure", "--port", "0", "--announce", "no good name"]);
    assert!(text.contains("letters, digits"), "{text}");
}
