//! Kokoro end to end: the built-in voice, exports of every kind, and the true 82M graph with random weights.

mod figures;
mod heard;
mod material;

use std::thread;
use std::time::Duration;

use duologue_models::text::English;
use duologue_models::tts::kokoro::{Kokoro, KokoroOptions, ModelFiles};
use duologue_models::{Cancel, ErrorKind, SpeakOptions, Speech, Tts};
use material::{builtin, builtin_files, kokoro, kokoro_files, load, random_kokoro, shared, variant};

const SENTENCE: &str = "Hello, my dear friend: it is seven o'clock, and the weather is lovely.";

fn say(voice: &Kokoro, text: &str) -> Speech {
    voice.speak(text, &SpeakOptions::default(), &Cancel::new()).unwrap()
}

fn voice(name: &str) -> SpeakOptions {
    SpeakOptions { voice: name.to_owned(), speed: 1.0 }
}

/// Sorted, apart, inside audio and text, on character boundaries.
fn check_marks(text: &str, speech: &Speech) {
    let (mut sample, mut byte) = (0, 0);
    for mark in &speech.marks {
        assert!(
            mark.samples.start >= sample && mark.samples.end >= mark.samples.start,
            "{text:?}: {:?}",
            speech.marks
        );
        assert!(mark.samples.end <= speech.samples.len(), "{text:?}: a mark beyond the audio");
        assert!(
            mark.source.start >= byte && text.get(mark.source.clone()).is_some(),
            "{text:?}: {:?}",
            mark.source
        );
        (sample, byte) = (mark.samples.end, mark.source.end);
    }
    assert!(speech.samples.iter().all(|s| s.abs() <= 1.0));
}

/// `assert_eq!` without a million samples in its message.
fn assert_same(a: &Speech, b: &Speech) {
    assert_eq!(a.marks, b.marks);
    assert!(a.samples == b.samples, "{} and {} samples differ", a.samples.len(), b.samples.len());
}

fn words<'a>(text: &'a str, speech: &Speech) -> Vec<&'a str> {
    speech.marks.iter().map(|m| &text[m.source.clone()]).collect()
}

#[test]
fn no_word_is_without_a_mark() {
    let Some(tts) = builtin() else { return };
    let speech = say(tts, SENTENCE);
    check_marks(SENTENCE, &speech);
    let expected = [
        "Hello", "my", "dear", "friend", "it", "is", "seven", "o'clock", "and", "the", "weather", "is",
        "lovely",
    ];
    assert_eq!(words(SENTENCE, &speech), expected);
    assert!(
        speech.marks.iter().all(|m| m.samples.len() > 240),
        "a word shorter than 10 ms: {:?}",
        speech.marks
    );
    let seconds = speech.samples.len() as f32 / tts.sample_rate() as f32;
    assert!((2.0..8.0).contains(&seconds), "{seconds} s");
}

#[test]
fn no_text_panics_or_hangs() {
    let Some(tts) = builtin() else { return };
    let long = "a ".repeat(50_000);
    let texts = [
        "",
        " ",
        "\0",
        "\u{1}\u{7f}\r\n\t\u{85}",
        "a",
        "I",
        ".",
        "…?!—",
        "???????????????????????",
        "0",
        "🙂",
        "日本語のテキスト",
        "mixed текст und العربية 中文 ok",
        "e\u{301}\u{301}\u{301}",
        "\u{202e}abc\u{feff}",
        "<b>&amp;</b> **x** `y`",
        "$1,234,567.89",
        "http://example.com/a?b=c",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        &long,
        &"x".repeat(100_000),
        &"9".repeat(4_000),
        &"é".repeat(3_999),
    ];
    for text in texts {
        let shown: String = text.chars().take(20).collect();
        match tts.speak(text, &SpeakOptions::default(), &Cancel::new()) {
            Ok(speech) => check_marks(text, &speech),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Config, "{shown:?}: {error}"),
        }
    }
    assert_eq!(say(tts, " … "), Speech::default());
}

#[test]
fn long_text_is_refused_or_spoken_whole_but_never_reaches_the_graphs_limit() {
    let Some(tts) = builtin() else { return };
    let text = "seven lovely friends are here ".repeat(25);
    let speech = say(tts, &text);
    check_marks(&text, &speech);
    assert_eq!(speech.marks.len(), 125);
    let error = tts.speak(&text.repeat(8), &SpeakOptions::default(), &Cancel::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("ClauseSplitter"), "{error}");
}

#[test]
fn pieces_are_the_whole_speech_and_come_before_its_end() {
    let Some(tts) = builtin() else { return };
    let text = "seven lovely friends are here ".repeat(25);
    let (mut pieces, cancel) = (Vec::new(), Cancel::new());
    tts.speak_in_pieces(&text, &SpeakOptions::default(), &cancel, &mut |piece| pieces.push(piece)).unwrap();
    assert!(pieces.len() > 2, "{} pieces", pieces.len());
    assert_eq!(
        pieces.iter().map(|p| p.last).collect::<Vec<_>>().iter().rposition(|last| !last),
        Some(pieces.len() - 2)
    );
    let mut speech = Speech::default();
    pieces.into_iter().for_each(|piece| speech.push(piece));
    assert_same(&speech, &say(tts, &text));
    let mut given = 0;
    let cancelled = tts.speak_in_pieces(&text, &SpeakOptions::default(), &cancel, &mut |_| {
        given += 1;
        cancel.cancel();
    });
    assert_eq!((cancelled.unwrap_err().kind(), given), (ErrorKind::Cancelled, 1));
    let mut nothing = Vec::new();
    tts.speak_in_pieces(" … ", &SpeakOptions::default(), &Cancel::new(), &mut |p| nothing.push(p)).unwrap();
    assert!(nothing.len() == 1 && nothing[0].last && nothing[0].samples.is_empty());
}

#[test]
fn an_unknown_voice_or_speed_is_refused_with_a_remedy() {
    let Some(tts) = builtin() else { return };
    let refused = |options: SpeakOptions| tts.speak("hello", &options, &Cancel::new()).unwrap_err();
    let error = refused(voice("slr"));
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains(&tts.voices()[0]), "{error}");
    for speed in [0.0, -1.0, 0.49, 2.01, f32::NAN, f32::INFINITY] {
        let error = refused(SpeakOptions { speed, ..SpeakOptions::default() });
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("0.5 to 2.0"), "{error}");
    }
    // Also when there is nothing to say: a typo must not wait for the first word to be found.
    assert_eq!(tts.speak("", &voice("nobody"), &Cancel::new()).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn silence_around_the_words_is_not_played() {
    let Some(tts) = builtin() else { return };
    for text in ["Yes.", "No", SENTENCE, "Apples, pears, and nuts..."] {
        let speech = say(tts, text);
        let (first, last) = (&speech.marks[0].samples, &speech.marks[speech.marks.len() - 1].samples);
        let ms = |samples: usize| samples * 1000 / tts.sample_rate() as usize;
        assert!(ms(first.start) <= 250, "{text:?}: {} ms before the first word", ms(first.start));
        assert!(ms(speech.samples.len() - last.end) <= 250, "{text:?}: {:?}", speech.marks);
    }
}

#[test]
fn a_faster_tempo_does_not_lose_words() {
    let Some(tts) = builtin() else { return };
    let at = |speed| {
        tts.speak(SENTENCE, &SpeakOptions { speed, ..SpeakOptions::default() }, &Cancel::new()).unwrap()
    };
    let (slow, own, fast) = (at(0.5), at(1.0), at(2.0));
    assert!(slow.samples.len() > own.samples.len() * 3 / 2 && own.samples.len() > fast.samples.len() * 3 / 2);
    assert_eq!(words(SENTENCE, &slow), words(SENTENCE, &fast));
}

#[test]
fn threads_that_share_a_voice_do_not_mix_their_speech() {
    let Some(tts) = builtin() else { return };
    let texts = ["The first says this.", "And the second says something else."];
    let alone = texts.map(|t| say(tts, t));
    thread::scope(|scope| {
        for (text, alone) in texts.iter().zip(&alone) {
            scope.spawn(move || (0..10).for_each(|_| assert_same(&say(tts, text), alone)));
        }
    });
}

#[test]
fn exports_of_every_kind_speak() {
    let Some(files) = builtin_files() else { return };
    let Some(own) = builtin() else { return };
    let own = say(own, SENTENCE);
    let exports: [(&str, &[&str]); 3] = [
        ("community", &["--rename", "tokens=input_ids", "audio=waveform"]),
        ("whole", &["--speed", "int64", "--batch"]),
        (
            "bare",
            &[
                "--rename",
                "tokens=input_ids",
                "audio=waveform",
                "--speed",
                "int32",
                "--batch",
                "--no-duration",
            ],
        ),
    ];
    for (name, changes) in exports {
        let Some(model) = variant(&files.model, name, changes) else { return };
        let tts = load(&ModelFiles { model, ..files.clone() });
        let speech = say(&tts, SENTENCE);
        check_marks(SENTENCE, &speech);
        assert_eq!(words(SENTENCE, &speech), words(SENTENCE, &own), "{name}");
        if name == "bare" {
            let worst = speech
                .marks
                .iter()
                .zip(&own.marks)
                .map(|(a, b)| a.samples.start.abs_diff(b.samples.start))
                .max();
            println!("estimated marks are off by at most {} ms", worst.unwrap() / 24);
            assert!(worst.unwrap() < 24 * 400, "estimated marks are far off");
        } else {
            assert_same(&speech, &own);
        }
        let between = SpeakOptions { speed: 1.25, ..SpeakOptions::default() };
        match tts.speak("hello", &between, &Cancel::new()) {
            Ok(_) => assert_eq!(name, "community"),
            Err(error) => {
                assert!(name != "community" && error.to_string().contains("1 or 2"), "{error}")
            }
        }
        let double = SpeakOptions { speed: 2.0, ..SpeakOptions::default() };
        let fast = tts.speak(SENTENCE, &double, &Cancel::new()).unwrap();
        assert!(fast.samples.len() < speech.samples.len() * 2 / 3, "{name}: the speed did not arrive");
    }
}

#[test]
fn a_models_directory_loads_with_the_names_and_default_it_was_given() {
    let Some(files) = builtin_files() else { return };
    let dir = tempfile::tempdir().unwrap();
    let targets = ["model.onnx", "voices.bin", "tokens.txt"].map(|name| dir.path().join(name));
    let tokens = files.tokens.clone().unwrap();
    for (source, target) in [&files.model, &files.voices[0], &tokens].into_iter().zip(&targets) {
        std::fs::copy(source, target).unwrap();
    }
    let mut options = KokoroOptions::default();
    let tts = Kokoro::load(dir.path(), &options).unwrap();
    assert_eq!(tts.name(), dir.path().file_name().unwrap().to_str().unwrap());
    let last = tts.voices().last().unwrap().clone();
    options.voice = Some(last.clone());
    assert_eq!(Kokoro::load(dir.path(), &options).unwrap().voices()[0], last);
    options.voice = Some("nobody".to_owned());
    assert_eq!(Kokoro::load(dir.path(), &options).unwrap_err().kind(), ErrorKind::NotFound);
    std::fs::remove_file(&targets[1]).unwrap();
    assert_eq!(Kokoro::load(dir.path(), &options).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn swapped_or_foreign_files_are_named_and_refused() {
    let Some(files) = builtin_files() else { return };
    let (Some(vad), Some(kokoro_voices)) =
        (shared("material/vad/silero_vad_v6.2.1.onnx"), shared("material/kokoro/voices"))
    else {
        return;
    };
    let refused = |files: ModelFiles, kind, named: &str| {
        let error =
            Kokoro::load_files(&files, std::sync::Arc::new(English::new()), &KokoroOptions::default())
                .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(named), "{error}");
    };
    let foreign = ModelFiles { model: vad, ..files.clone() };
    refused(foreign, ErrorKind::Invalid, "silero_vad_v6.2.1.onnx: not a Kokoro graph");
    let swapped =
        ModelFiles { model: files.voices[0].clone(), voices: vec![files.model.clone()], tokens: None };
    refused(swapped, ErrorKind::Invalid, "voices");
    let no_voice = ModelFiles { voices: vec![files.model.clone()], ..files.clone() };
    refused(no_voice, ErrorKind::Invalid, "looks like an ONNX model");
    let no_tokens = ModelFiles { tokens: Some(files.model.clone()), ..files.clone() };
    refused(no_tokens, ErrorKind::Io, files.model.file_name().unwrap().to_str().unwrap());
    let gone = ModelFiles { model: kokoro_voices.join("nothing.onnx"), ..files };
    refused(gone, ErrorKind::NotFound, "nothing.onnx");
}

#[test]
fn the_true_graph_speaks_with_real_voices() {
    let Some(tts) = kokoro() else { return };
    assert_eq!(tts.voices().len(), 54);
    assert_eq!(tts.voices()[0], "af_heart");
    for name in ["", "bf_emma", "af_bella:0.7+af_sarah:0.3"] {
        let text = "Hello there, friend.";
        let speech = tts.speak(text, &voice(name), &Cancel::new()).unwrap();
        check_marks(text, &speech);
        assert_eq!(words(text, &speech), ["Hello", "there", "friend"]);
        assert!(!speech.samples.is_empty());
    }
    let error = tts.speak("hello", &voice("af_hart"), &Cancel::new()).unwrap_err();
    assert!(error.to_string().contains("af_heart"), "{error}");
    let cost = tts.cost().unwrap();
    assert!(cost.ms_per_phoneme > 0.5 && cost.audio_ms_per_phoneme > 10.0, "{cost:?}");
}

#[test]
fn the_true_graph_under_other_names_speaks() {
    let Some(model) = random_kokoro() else { return };
    let changes = ["--rename", "tokens=input_ids", "audio=waveform", "--speed", "int32", "--no-duration"];
    let Some(model) = variant(&model, "kokoro-bare", &changes) else { return };
    let Some(files) = kokoro_files(model) else { return };
    let speech = say(&load(&files), "Hello there.");
    check_marks("Hello there.", &speech);
    assert_eq!(speech.marks.len(), 2);
}

#[test]
fn a_cancelled_run_ends_inside_and_the_next_one_speaks() {
    let Some(tts) = kokoro() else { return };
    let cancelled = Cancel::new();
    cancelled.cancel();
    let error = tts.speak(SENTENCE, &SpeakOptions::default(), &cancelled).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    // A second of speech costs 0.4 s and more, so this lands far inside the run.
    let text = SENTENCE.repeat(2);
    for wait in [20, 300, 900] {
        let cancel = Cancel::new();
        let other = cancel.clone();
        let result = thread::scope(|scope| {
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(wait));
                other.cancel();
            });
            tts.speak(&text, &SpeakOptions::default(), &cancel)
        });
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled, "after {wait} ms");
    }
    assert!(!say(tts, "Hello.").samples.is_empty());
}
