//! The binary, as a person runs it.

use std::path::Path;
use std::process::{Command, Output};

use duologue::pipeline::wav::{WavReader, WavWriter};
use serde_json::Value;

fn duologue(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_duologue"))
        .args(args)
        .current_dir(dir)
        .output()
        .expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn failure(output: &Output) -> String {
    assert!(!output.status.success(), "it should have failed");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("panicked"), "{text}");
    text
}

#[test]
fn what_is_said_is_not_unintelligible() {
    let dir = tempfile::tempdir().unwrap();
    let said =
        stdout(&duologue(&["say", "set a timer for ten minutes", "-o", "said.wav", "--json"], dir.path()));
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["words"].as_array().map(Vec::len), Some(6), "{report}");
    let heard = stdout(&duologue(&["transcribe", "said.wav", "--json"], dir.path()));
    let last: Value = serde_json::from_str(heard.lines().last().unwrap()).unwrap();
    assert_eq!(last["type"], "final");
    assert!(last["text"].as_str().unwrap().contains("timer"), "{last}");
}

#[test]
fn partials_do_not_wait_for_the_end() {
    let dir = tempfile::tempdir().unwrap();
    stdout(&duologue(
        &["say", "turn on the kitchen lights and tell me a story", "-o", "said.wav"],
        dir.path(),
    ));
    let heard = stdout(&duologue(&["transcribe", "said.wav", "--json"], dir.path()));
    let partials = heard.lines().filter(|line| line.contains("\"partial\"")).count();
    assert!(partials >= 3, "{heard}");
}

#[test]
fn a_bad_recording_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.wav"), b"this is no sound").unwrap();
    for command in ["transcribe", "vad"] {
        let text = failure(&duologue(&[command, "bad.wav"], dir.path()));
        assert!(text.contains("bad.wav"), "{text}");
    }
    let text = failure(&duologue(&["demo", "--fast", "--input", "missing.wav"], dir.path()));
    assert!(text.contains("missing.wav"), "{text}");
}

#[test]
fn an_unknown_model_is_not_looked_for_on_the_network() {
    let dir = tempfile::tempdir().unwrap();
    let text =
        failure(&duologue(&["say", "hello", "-o", "a.wav", "--tts", "kokorro", "--offline"], dir.path()));
    assert!(text.contains("kokorro"), "{text}");
}

#[test]
fn a_mistyped_setting_is_not_ignored() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("duologue.toml"), "[pipeline.voice]\nsped = 2.0\n").unwrap();
    let text = failure(&duologue(&["say", "hello", "-o", "a.wav"], dir.path()));
    assert!(text.contains("duologue.toml") && text.contains("sped"), "{text}");
}

#[test]
fn speech_out_of_range_is_refused_with_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let text = failure(&duologue(&["say", "hello", "-o", "a.wav", "--speed", "9"], dir.path()));
    assert!(text.contains("speed"), "{text}");
    let text = failure(&duologue(&["say", "hello", "-o", "a.wav", "--voice", "nobody"], dir.path()));
    assert!(text.contains("nobody"), "{text}");
}

#[test]
fn speech_is_not_overlooked_and_silence_not_heard() {
    let dir = tempfile::tempdir().unwrap();
    stdout(&duologue(&["say", "what time is it", "-o", "said.wav"], dir.path()));
    let mut reader = WavReader::open(dir.path().join("said.wav")).unwrap();
    let rate = reader.spec().rate;
    let speech = reader.read_to_end(1 << 20).unwrap();
    let mut padded = vec![0.0; rate as usize];
    padded.extend(&speech);
    padded.extend(vec![0.0; rate as usize]);
    let mut writer = WavWriter::create(dir.path().join("padded.wav"), rate, 1).unwrap();
    writer.write(&padded).unwrap();
    writer.finish().unwrap();
    let found = stdout(&duologue(&["vad", "padded.wav", "--json"], dir.path()));
    let segments: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!segments.is_empty());
    let end = 1.0 + speech.len() as f64 / f64::from(rate);
    for segment in &segments {
        assert!(
            segment["start"].as_f64().unwrap() > 0.8 && segment["end"].as_f64().unwrap() < end + 0.3,
            "{segment}"
        );
    }
}

#[test]
fn a_full_disk_is_not_a_panic() {
    if !Path::new("/dev/full").exists() {
        println!("SKIPPED: no /dev/full here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let text = failure(&duologue(&["say", "hello there", "-o", "/dev/full"], dir.path()));
    assert!(text.contains("/dev/full"), "{text}");
}

#[test]
fn the_demonstration_does_not_stop_halfway() {
    let dir = tempfile::tempdir().unwrap();
    let told = stdout(&duologue(&["demo", "--fast", "--json"], dir.path()));
    let report: Value = serde_json::from_str(told.trim()).unwrap();
    let lines = report["lines"].as_array().unwrap();
    let of = |who: &str| lines.iter().filter(|line| line["who"] == who).count();
    assert!(of("caller") >= 5 && of("agent") >= 5, "{report:#}");
    assert!(
        lines.iter().any(|line| line["who"] == "agent" && line["unheard"] != ""),
        "nobody was interrupted: {report:#}"
    );
    assert!(report["faults"].as_array().unwrap().is_empty(), "{report:#}");
    let svg = std::fs::read_to_string(dir.path().join("timeline.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("yield"));
    let mut wav = WavReader::open(dir.path().join("conversation.wav")).unwrap();
    assert_eq!(wav.spec().channels, 2);
    assert!(wav.read_to_end(1 << 26).unwrap().iter().any(|x| x.abs() > 0.05));
}

#[test]
fn completions_are_not_empty() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&duologue(&["completions", shell], dir.path())).contains("transcribe"));
    }
}
