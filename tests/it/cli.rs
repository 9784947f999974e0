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
fn transcripts_are_subtitles_where_they_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("calls")).unwrap();
    stdout(&duologue(&["say", "set a timer for ten minutes", "-o", "calls/a.wav"], dir.path()));
    std::fs::copy(dir.path().join("calls/a.wav"), dir.path().join("calls/b.WAV")).unwrap();
    let srt = stdout(&duologue(&["transcribe", "calls/a.wav", "--format", "srt"], dir.path()));
    assert!(srt.starts_with("1\n00:00:0") && srt.contains(" --> 00:00:0") && srt.contains("timer"), "{srt}");

    stdout(&duologue(&["transcribe", "calls", "--format", "vtt", "--out", "texts"], dir.path()));
    for file in ["texts/a.vtt", "texts/b.vtt"] {
        let vtt = std::fs::read_to_string(dir.path().join(file)).unwrap();
        assert!(vtt.starts_with("WEBVTT\n\n00:00:0") && vtt.contains("timer"), "{file}: {vtt}");
    }
    let text = failure(&duologue(&["transcribe", "calls", "--format", "srt"], dir.path()));
    assert!(text.contains("--out"), "{text}");
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

/// With its standard output in `sink`.
fn into(sink: &str, args: &[&str], dir: &Path) -> Output {
    let out = std::fs::File::options().write(true).open(sink).unwrap();
    Command::new(env!("CARGO_BIN_EXE_duologue")).args(args).current_dir(dir).stdout(out).output().unwrap()
}

#[test]
fn a_full_output_ends_a_command_with_one_line() {
    if !Path::new("/dev/full").exists() {
        println!("SKIPPED: no /dev/full here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["config"][..],
        &["models", "list"],
        &["voices"],
        &["config", "explain"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let output = into("/dev/full", args, dir.path());
        let text = failure(&output);
        assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{args:?}: {text}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_left_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["config"][..], &["models", "list"], &["config", "explain"], &["completions", "bash"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_duologue"))
            .args(args)
            .current_dir(dir.path())
            .stdout(writer)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.is_empty(), "{args:?}: {told}");
    }
}

#[test]
fn text_that_cannot_be_said_is_an_error_and_a_part_of_it_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    for text in ["", "   ", "🎉🎉", "привет мир"] {
        let told = failure(&duologue(&["say", text, "-o", "a.wav"], dir.path()));
        assert!(told.contains("say"), "{told}");
        assert!(!dir.path().join("a.wav").exists());
    }
    let output = duologue(&["say", "hello 🎉 there", "-o", "a.wav"], dir.path());
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains("🎉"), "{output:?}");
}

#[test]
fn text_may_begin_with_a_hyphen() {
    let dir = tempfile::tempdir().unwrap();
    stdout(&duologue(&["say", "-five degrees", "-o", "a.wav"], dir.path()));
}

#[test]
fn speech_goes_to_standard_output_and_comes_from_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    let said = duologue(&["say", "turn on the kitchen lights", "-o", "-"], dir.path());
    assert!(said.status.success() && said.stdout.starts_with(b"RIFF"), "{said:?}");
    let raw = duologue(&["say", "turn on the kitchen lights", "-o", "-", "--raw"], dir.path());
    assert_eq!(raw.stdout, said.stdout[44..]);
    std::fs::write(dir.path().join("a.wav"), &said.stdout).unwrap();
    let heard = Command::new(env!("CARGO_BIN_EXE_duologue"))
        .args(["transcribe", "-"])
        .current_dir(dir.path())
        .stdin(std::fs::File::open(dir.path().join("a.wav")).unwrap())
        .output()
        .unwrap();
    assert!(stdout(&heard).contains("kitchen light"));
}

#[test]
fn a_format_that_is_not_written_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let told = failure(&duologue(&["say", "hello", "-o", "a.mp3"], dir.path()));
    assert!(told.contains(".mp3"), "{told}");
    stdout(&duologue(&["say", "hello", "-o", "a.raw"], dir.path()));
    assert!(!std::fs::read(dir.path().join("a.raw")).unwrap().starts_with(b"RIFF"));
}

#[cfg(unix)]
#[test]
fn a_file_name_that_is_not_utf_8_is_read() {
    use std::os::unix::ffi::OsStrExt;

    let dir = tempfile::tempdir().unwrap();
    stdout(&duologue(&["say", "turn on the kitchen lights", "-o", "a.wav"], dir.path()));
    let odd = std::ffi::OsStr::from_bytes(b"b\xff\x1b[2J.wav");
    std::fs::rename(dir.path().join("a.wav"), dir.path().join(odd)).unwrap();
    for json in [&[][..], &["--json"]] {
        let heard = Command::new(env!("CARGO_BIN_EXE_duologue"))
            .arg("transcribe")
            .args(json)
            .arg(odd)
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(stdout(&heard).contains("kitchen light"));
        assert!(!heard.stdout.contains(&0x1b), "an escape was obeyed");
    }
}

#[test]
fn a_found_file_starts_no_server_before_somebody_vouches_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("state/trusted");
    std::fs::write(dir.path().join("duologue.toml"), "[[agent.mcp]]\ncommand = [\"touch\", \"started\"]\n")
        .unwrap();
    let run = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_duologue"))
            .args(args)
            .current_dir(dir.path())
            .env("DUOLOGUE_TRUSTED", &list)
            .output()
            .unwrap()
    };
    let told = failure(&run(&["config"]));
    assert!(told.contains("--config") && told.contains("agent.mcp"), "{told}");
    stdout(&run(&["config", "--config", "duologue.toml"]));
    stdout(&run(&["config", "trust"]));
    stdout(&run(&["config"]));
    std::fs::write(dir.path().join("duologue.toml"), "[[agent.mcp]]\ncommand = [\"touch\", \"other\"]\n")
        .unwrap();
    failure(&run(&["config"]));
    assert!(!dir.path().join("started").exists());
}

#[test]
fn settings_explain_themselves() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("duologue.toml"),
        "[pipeline.voice]\nspeed = 1.5\n[worker]\njob_limit = 3\n",
    )
    .unwrap();
    let told = stdout(&duologue(&["config", "--json"], dir.path()));
    let speed = told.lines().find(|line| line.contains("pipeline.voice.speed")).unwrap();
    let speed: Value = serde_json::from_str(speed).unwrap();
    assert_eq!((&speed["value"], &speed["from"]), (&"1.5".into(), &"duologue.toml".into()));
    stdout(&duologue(&["config", "check"], dir.path()));
    let told = stdout(&duologue(&["config", "explain", "pipeline.voice.speed"], dir.path()));
    assert!(told.contains("0.5 to 2") && told.contains("DUOLOGUE_PIPELINE__VOICE__SPEED"), "{told}");
    let told = failure(&duologue(&["config", "explain", "pipeline.voice.sped"], dir.path()));
    assert!(told.contains("pipeline.voice.speed"), "{told}");
}

/// The same with an empty cache, and no network.
fn with_cache(args: &[&str], cache: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_duologue"))
        .args(args)
        .current_dir(cache)
        .env("DUOLOGUE_CACHE", cache)
        .env("DUOLOGUE_OFFLINE", "1")
        .output()
        .expect("the binary runs")
}

#[test]
fn a_model_is_shown_and_its_absence_names_the_verb_that_fetches_it() {
    let cache = tempfile::tempdir().unwrap();
    let shown = stdout(&with_cache(&["models", "show", "kokoro-int8", "--json"], cache.path()));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (shown["present"].as_bool(), shown["files"].as_array().map(Vec::len)),
        (Some(false), Some(55))
    );
    let absent = failure(&with_cache(&["models", "path", "kokoro-int8"], cache.path()));
    assert!(absent.contains("duologue models pull kokoro-int8"), "{absent}");
    let offline = failure(&with_cache(&["models", "pull", "kokoro-int8"], cache.path()));
    assert!(offline.contains("offline"), "{offline}");
    let built_in = failure(&with_cache(&["models", "rm", "builtin-stt"], cache.path()));
    assert!(built_in.contains("ships with the program"), "{built_in}");
    let gone = stdout(&with_cache(&["models", "rm", "kokoro-int8"], cache.path()));
    assert!(gone.contains("was not here"), "{gone}");
}

#[test]
fn a_foreign_model_that_ends_its_process_is_an_error_of_ours() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("mine");
    std::fs::create_dir(&model).unwrap();
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/builtin/stt");
    for file in ["model.int8.onnx", "tokens.txt"] {
        std::fs::copy(built_in.join(file), model.join(file)).unwrap();
    }
    stdout(&duologue(&["say", "set a timer", "-o", "said.wav"], dir.path()));
    stdout(&duologue(&["transcribe", "said.wav", "--stt", "./mine"], dir.path()));
    // Its graph fails inside on 17 frames, which nothing about the file tells; the engine throws.
    let graph = model.join("model.int8.onnx");
    let mut bytes = std::fs::read(&graph).unwrap();
    let key = b"window_size\x12\x0216";
    let at = bytes.windows(key.len()).position(|window| window == key).expect("the key is there");
    bytes[at + key.len() - 1] = b'7';
    std::fs::write(&graph, bytes).unwrap();
    let error = failure(&duologue(&["transcribe", "said.wav", "--stt", "./mine"], dir.path()));
    assert!(error.contains("ended the process that checks it"), "{error}");
}
