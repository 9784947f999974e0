use super::features::{FRAMES, Features, MELS};
use super::*;
use crate::ModelKind;
use crate::registry::{Registry, RegistryOptions};

/// A signal that anybody can make again.
fn signal(samples: usize) -> Vec<f32> {
    let at = |i: usize| {
        let i = i as f64;
        (0.05 * i).sin() * (0.3 + 0.2 * (0.0003 * i).sin()) + 0.1 * (0.71 * i).sin() + 0.02
    };
    (0..samples).map(|i| at(i) as f32).collect()
}

/// Filter, column and value.
type Feature = (usize, usize, f32);

/// Of `samples` samples of the signal: the mean of all features, and some by filter and column. Computed by numpy, as
/// Whisper's extractor of the package transformers does it.
const NUMPY: [(usize, f32, [Feature; 9]); 2] = [
    (
        40_000,
        -0.052_613,
        [
            (0, 0, 0.927_985),
            (0, 799, 1.081_91),
            (1, 700, 1.630_993),
            (5, 798, 0.867_567),
            (10, 650, -0.126_657),
            (40, 560, 1.158_404),
            (79, 799, -0.143_134),
            (20, 549, 0.101_86),
            (20, 551, -0.143_134),
        ],
    ),
    (
        200_000,
        -0.034_129,
        [
            (0, 0, 1.548_902),
            (0, 799, 0.869_5),
            (1, 700, 1.188_494),
            (5, 798, 0.829_309),
            (10, 650, 0.093_736),
            (40, 560, 1.034_923),
            (79, 799, -0.266_607),
            (20, 549, -0.266_607),
            (20, 551, -0.266_607),
        ],
    ),
];

#[test]
fn features_are_what_the_model_was_trained_on() {
    let features = Features::new();
    for (samples, mean, expected) in NUMPY {
        let found = features.of(&signal(samples));
        assert_eq!(found.len(), MELS * FRAMES);
        let found_mean = found.iter().sum::<f32>() / found.len() as f32;
        assert!((found_mean - mean).abs() < 1e-3, "{samples}: mean {found_mean}, not {mean}");
        for (mel, frame, value) in expected {
            let found = found[mel * FRAMES + frame];
            assert!((found - value).abs() < 2e-3, "{samples}: [{mel}, {frame}] is {found}, not {value}");
        }
    }
    assert!(features.of(&[]).iter().all(|x| (*x + 1.5).abs() < 1e-6), "silence");
}

/// The model, if somebody has pulled it.
fn model() -> Option<SmartTurn> {
    let options = RegistryOptions { offline: true, ..RegistryOptions::default() };
    let dir = Registry::new(options).ok()?.resolve_as("smart-turn-v3", ModelKind::Turn);
    let Ok(dir) = dir else {
        println!("SKIPPED: smart-turn-v3 is not here; `duologue models pull smart-turn-v3` brings it");
        return None;
    };
    Some(SmartTurn::load(&dir.dir.join("smart-turn-v3.2-cpu.onnx")).expect("the model loads"))
}

#[test]
fn the_model_says_what_it_says_elsewhere() {
    let Some(model) = model() else { return };
    // By onnxruntime 1.32 from Python, with features by numpy. Versions differ in how they multiply 8-bit numbers.
    for (samples, expected) in [(0, 0.987_037), (40_000, 0.925_586), (200_000, 0.859_581)] {
        let found = model.0.predict(&signal(samples)).unwrap();
        assert!((found - expected).abs() < 0.05, "{samples}: {found}, not {expected}");
    }
}

#[test]
fn words_that_are_certain_are_not_overruled_by_the_voice() {
    let Some(model) = model() else { return };
    let mut stream = model.stream().unwrap();
    stream.hear(&signal(48_000));
    for words in
        ["my number is four four four", "i would like a table and", "um", "what's the weather like", "yes"]
    {
        let by_words = LastWords.stream().unwrap().predict(words).unwrap();
        assert_eq!(stream.predict(words).unwrap(), by_words, "{words:?}");
    }
    let doubtful = "i went to the market";
    let by_words = LastWords.stream().unwrap().predict(doubtful).unwrap();
    assert!(stream.predict(doubtful).unwrap() < by_words);
}

#[test]
fn a_long_turn_does_not_grow_the_memory_and_keeps_its_end() {
    let Some(model) = model() else { return };
    let (mut long, mut short) = (model.stream().unwrap(), model.stream().unwrap());
    let sound = signal(60 * 16_000);
    sound.chunks(1_600).for_each(|piece| long.hear(piece));
    short.hear(&sound[sound.len() - SAMPLES..]);
    let words = "i went to the market";
    assert_eq!(long.predict(words).unwrap(), short.predict(words).unwrap());
    long.reset();
    assert_ne!(long.predict(words).unwrap(), short.predict(words).unwrap());
}

#[test]
fn another_graph_is_refused_by_name() {
    let options = RegistryOptions { offline: true, ..RegistryOptions::default() };
    let dir = Registry::new(options).unwrap().resolve_as("builtin-stt", ModelKind::Stt).unwrap().dir;
    let graph = std::fs::read_dir(dir).unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let graph = graph.into_iter().find(|path| path.extension().is_some_and(|ext| ext == "onnx")).unwrap();
    let error = SmartTurn::load(&graph).err().expect("it is a recogniser");
    assert!(error.to_string().contains("smart-turn"), "{error}");
}
