//! Recognisers on real models and real speech.

use std::{path::PathBuf, thread};

use duologue_native::{
    ErrorKind,
    sherpa::{
        Decoding, Hotwords, KeywordConfig, KeywordSpotter, OnlineConfig, OnlineModel, OnlineRecognizer,
        OnlineResult, OnlineStream,
    },
};

use crate::common;

const JFK: &str = "jfk.wav";

fn zipformer_config() -> Option<OnlineConfig> {
    common::natives()?;
    let dir = common::zipformer()?;
    Some(OnlineConfig::new(common::zipformer_model(&dir), dir.join("tokens.txt")))
}

/// Gives audio in blocks of 10 ms, as a pipeline does, then half a second of silence.
fn transcribe(stream: &mut OnlineStream, samples: &[f32]) -> OnlineResult {
    for block in samples.chunks(160) {
        stream.accept(block).unwrap();
        stream.decode_ready();
    }
    stream.accept(&[0.0; 8_000]).unwrap();
    stream.input_finished();
    stream.decode_ready();
    stream.result()
}

#[test]
fn real_speech_is_not_misheard() {
    let (Some(mut config), Some(samples)) = (zipformer_config(), common::speech(JFK)) else { return };
    for decoding in [Decoding::Greedy, Decoding::ModifiedBeam { max_active_paths: 4 }] {
        config.decoding = decoding;
        let recognizer = OnlineRecognizer::new(&config).unwrap();
        let result = transcribe(&mut recognizer.stream().unwrap(), &samples);
        for words in ["MY FELLOW AMERICAN", "COUNTRY CAN DO FOR YOU", "CAN DO FOR YOUR COUNTRY"] {
            assert!(result.text.contains(words), "{decoding:?}: {}", result.text);
        }
        assert_eq!(result.tokens.len(), result.timestamps.len());
        assert!(
            result.timestamps.is_sorted()
                && result.timestamps.last().is_some_and(|t| (8.0..11.5).contains(t)),
            "{result:?}"
        );
    }
}

#[test]
fn built_in_format_is_not_refused() {
    let (Some(_), Some(dir)) = (common::natives(), common::shared("builtin/artefacts")) else { return };
    let model = OnlineModel::NemoCtc { model: dir.join("stt.int8.onnx") };
    let recognizer = OnlineRecognizer::new(&OnlineConfig::new(model, dir.join("stt.tokens.txt"))).unwrap();
    let mut stream = recognizer.stream().unwrap();
    let tone: Vec<f32> = (0..32_000).map(|i| (i as f32 * 0.2).sin() * 0.1).collect();
    stream.accept(&tone).unwrap();
    assert!(stream.decode_ready() > 5);
    stream.reset();
    assert_eq!(stream.result().text, "");
}

#[test]
fn threads_that_share_a_recognizer_do_not_disturb_each_other() {
    let (Some(config), Some(samples)) = (zipformer_config(), common::speech(JFK)) else { return };
    let recognizer = OnlineRecognizer::new(&config).unwrap();
    let alone = transcribe(&mut recognizer.stream().unwrap(), &samples);
    thread::scope(|scope| {
        let all: Vec<_> = (0..4)
            .map(|_| {
                let (mut stream, samples) = (recognizer.stream().unwrap(), &samples);
                scope.spawn(move || transcribe(&mut stream, samples))
            })
            .collect();
        all.into_iter().for_each(|t| assert_eq!(t.join().unwrap(), alone));
    });
}

#[test]
fn stream_does_not_outlive_its_recognizer() {
    let (Some(config), Some(samples)) = (zipformer_config(), common::speech(JFK)) else { return };
    let mut stream = OnlineRecognizer::new(&config).unwrap().stream().unwrap();
    assert!(transcribe(&mut stream, &samples).text.contains("COUNTRY"));
}

#[test]
fn audio_after_the_end_does_not_end_the_process() {
    let Some(config) = zipformer_config() else { return };
    let mut stream = OnlineRecognizer::new(&config).unwrap().stream().unwrap();
    stream.accept(&[]).unwrap();
    stream.input_finished();
    stream.input_finished();
    assert_eq!(stream.decode_ready(), 0);
    assert_eq!(stream.accept(&[0.0; 160]).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn strange_samples_do_not_end_the_process() {
    let Some(config) = zipformer_config() else { return };
    let recognizer = OnlineRecognizer::new(&config).unwrap();
    for value in [f32::NAN, f32::INFINITY, f32::MAX, f32::MIN_POSITIVE, 1e20] {
        let mut stream = recognizer.stream().unwrap();
        stream.accept(&[value; 32_000]).unwrap();
        stream.decode_ready();
        let _ = stream.result();
    }
}

#[test]
fn hot_words_without_a_beam_are_not_silently_ignored() {
    let Some(mut config) = zipformer_config() else { return };
    config.hotwords = Some(Hotwords { phrases: "COUNTRY".into(), score: 1.5, bpe_vocabulary: None });
    assert_eq!(OnlineRecognizer::new(&config).unwrap_err().kind(), ErrorKind::InvalidArgument);
    config.decoding = Decoding::ModifiedBeam { max_active_paths: 0 };
    assert_eq!(OnlineRecognizer::new(&config).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn hot_words_do_not_end_the_process() {
    let (Some(mut config), Some(samples), Some(dir)) =
        (zipformer_config(), common::speech(JFK), common::zipformer())
    else {
        return;
    };
    // A vocabulary made of the model's own tokens; real ones come with the model.
    let vocabulary = tempfile::NamedTempFile::new().unwrap();
    let tokens = std::fs::read_to_string(dir.join("tokens.txt")).unwrap();
    let pieces: String =
        tokens.lines().map(|line| format!("{}\t-1\n", line.split(' ').next().unwrap())).collect();
    std::fs::write(vocabulary.path(), pieces).unwrap();
    config.decoding = Decoding::ModifiedBeam { max_active_paths: 4 };
    let hotwords = |phrases: &str, vocabulary: PathBuf| Hotwords {
        phrases: phrases.into(),
        score: 1.5,
        bpe_vocabulary: Some(vocabulary),
    };
    config.hotwords = Some(hotwords("FELLOW AMERICANS :2.0\nCOUNTRY\nÜÑ漢\n", vocabulary.path().into()));
    let recognizer = OnlineRecognizer::new(&config).unwrap();
    let mut stream = recognizer.stream_with_hotwords("FELLOW AMERICANS").unwrap();
    assert!(transcribe(&mut stream, &samples).text.contains("COUNTRY"));
    assert!(recognizer.stream_with_hotwords("A :x").is_err());
    config.hotwords = Some(hotwords("COUNTRY", dir.join("decoder.onnx")));
    assert_eq!(OnlineRecognizer::new(&config).unwrap_err().kind(), ErrorKind::ModelInvalid);
}

fn keyword_config(keywords: &str) -> Option<KeywordConfig> {
    common::natives()?;
    let dir = common::zipformer()?;
    let file = |name| dir.join(name);
    Some(KeywordConfig::new(
        file("encoder.int8.onnx"),
        file("decoder.onnx"),
        file("joiner.int8.onnx"),
        file("tokens.txt"),
        keywords,
    ))
}

#[test]
fn key_word_is_not_missed_nor_heard_where_it_is_not() {
    let (Some(config), Some(samples)) =
        (keyword_config("▁COUNT RY @COUNTRY\n\n▁E LE P HA N T @ELEPHANT\n"), common::speech(JFK))
    else {
        return;
    };
    let mut stream = KeywordSpotter::new(&config).unwrap().stream().unwrap();
    let mut heard = Vec::new();
    // The last word ends with the recording; the spotter wants to hear that it is over.
    let samples = [samples, vec![0.0; 16_000]].concat();
    for block in samples.chunks(1_600) {
        stream.accept(block).unwrap();
        heard.extend(std::iter::from_fn(|| stream.next_detection()));
    }
    assert_eq!(
        heard.iter().map(|d| d.keyword.as_str()).collect::<Vec<_>>(),
        ["COUNTRY", "COUNTRY"],
        "{heard:?}"
    );
    // Where the word is spoken, by ear and by the recogniser's timestamps.
    assert!((5.5..7.5).contains(&heard[0].time) && (9.0..11.0).contains(&heard[1].time), "{heard:?}");
}

#[test]
fn bad_key_word_does_not_end_the_process() {
    for bad in ["hello world", "", "▁COUNT RY :x"] {
        let Some(config) = keyword_config(bad) else { return };
        assert_eq!(KeywordSpotter::new(&config).unwrap_err().kind(), ErrorKind::InvalidArgument, "{bad}");
    }
}
