//! Silero on real files: the right ones work and agree, the wrong ones are refused in words.

use std::fs;
use std::path::{Path, PathBuf};

use duologue_vad::score::{Confusion, labelled_files, score};
use duologue_vad::{Error, ErrorKind, SegmenterConfig, SileroModel, Vad};

fn material(path: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material")).join(path);
    if !path.exists() {
        eprintln!("SKIPPED: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// Loads a model, or says that it cannot be tested here because there are no shared libraries.
fn load(path: &Path) -> Option<Result<SileroModel, Error>> {
    match SileroModel::load(path) {
        Err(e) if e.kind() == ErrorKind::Natives => {
            eprintln!("SKIPPED: no shared libraries: {e}");
            None
        }
        outcome => Some(outcome),
    }
}

fn read(path: &Path) -> Vec<f32> {
    let mut wav = hound::WavReader::open(path).unwrap();
    assert_eq!((wav.spec().sample_rate, wav.spec().channels), (16_000, 1), "{}", path.display());
    wav.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32_768.0).collect()
}

#[test]
fn no_supported_version_is_refused_or_deaf() {
    for (file, least) in [
        ("vad/silero_vad_v5.1.onnx", 0.90),
        ("vad/silero_vad_v6.2.1.onnx", 0.90),
        ("vad/silero_vad_v6.2.1_16k_op15.onnx", 0.90),
    ] {
        let (Some(path), Some(set)) = (material(file), material("vad-testset")) else { return };
        let Some(model) = load(&path) else { return };
        let mut vad = model.unwrap().stream().unwrap();
        let total: Confusion = labelled_files(&set)
            .unwrap()
            .iter()
            .map(|f| score(&read(&f.wav), &f.labels, &mut vad, &SegmenterConfig::accurate()).unwrap())
            .sum();
        assert!(total.f1() >= least, "{file}: {:.3}", total.f1());
    }
}

#[test]
fn noise_is_not_speech() {
    let (Some(path), Some(noise)) =
        (material("vad/silero_vad_v6.2.1_16k_op15.onnx"), material("noise/speechbrain_noise2.wav"))
    else {
        return;
    };
    let Some(model) = load(&path) else { return };
    let mut vad = model.unwrap().stream().unwrap();
    let found = duologue_vad::segments(&read(&noise), &mut vad, &SegmenterConfig::accurate()).unwrap();
    let total: u64 = found.iter().map(|s| s.end - s.start).sum();
    assert!(total < 8_000, "{found:?}");
}

#[test]
fn streams_of_one_model_do_not_disturb_each_other() {
    let (Some(path), Some(speech)) = (material("vad/silero_vad_v5.1.onnx"), material("speech/jfk.wav"))
    else {
        return;
    };
    let Some(model) = load(&path) else { return };
    let (model, speech) = (model.unwrap(), read(&speech));
    let alone = probabilities(&mut model.stream().unwrap(), &speech);
    let together: Vec<Vec<f32>> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..4).map(|_| scope.spawn(|| probabilities(&mut model.stream().unwrap(), &speech))).collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    assert!(together.iter().all(|p| *p == alone));
}

#[test]
fn reset_does_not_leave_anything_behind() {
    let (Some(path), Some(speech)) = (material("vad/silero_vad_v5.1.onnx"), material("speech/jfk.wav"))
    else {
        return;
    };
    let Some(model) = load(&path) else { return };
    let (mut vad, speech) = (model.unwrap().stream().unwrap(), read(&speech));
    let first = probabilities(&mut vad, &speech);
    vad.reset();
    assert_eq!(probabilities(&mut vad, &speech), first);
}

#[test]
fn samples_that_are_no_numbers_do_not_spoil_the_state() {
    let (Some(path), Some(speech)) = (material("vad/silero_vad_v5.1.onnx"), material("speech/jfk.wav"))
    else {
        return;
    };
    let Some(model) = load(&path) else { return };
    let (mut vad, speech) = (model.unwrap().stream().unwrap(), read(&speech));
    for bad in [f32::NAN, f32::INFINITY, f32::MAX] {
        let probability = vad.predict(&[bad; 512]).unwrap();
        assert!((0.0..=1.0).contains(&probability));
    }
    assert!(probabilities(&mut vad, &speech).iter().any(|&p| p > 0.9));
    assert_eq!(vad.predict(&[0.0; 511]).unwrap_err().kind(), ErrorKind::FrameLength);
}

fn probabilities(vad: &mut dyn Vad, samples: &[f32]) -> Vec<f32> {
    samples.chunks_exact(vad.frame_len()).map(|frame| vad.predict(frame).unwrap()).collect()
}

#[test]
fn a_model_of_another_kind_is_refused_in_words() {
    let others = [
        "wake/embedding_model.onnx",
        "wake/hey_livekit.onnx",
        "wake/melspectrogram.onnx",
        "stt/zipformer-3.3m-en/decoder.onnx",
    ];
    for path in others {
        let Some(path) = material(path) else { return };
        let Some(outcome) = load(&path) else { return };
        let error = outcome.err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::Model, "{error}");
        assert!(error.to_string().contains("Silero VAD"), "{error}");
    }
}

#[test]
fn a_damaged_file_is_refused_in_words() {
    let Some(good) = material("vad/silero_vad_v6.2.1_16k_op15.onnx") else { return };
    let bytes = fs::read(good).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let half = &bytes[..bytes.len() / 2];
    let mut bent = bytes.clone();
    bent[200..4_000].fill(0xA5);
    for (name, contents) in
        [("empty", &[][..]), ("half", half), ("bent", &bent), ("text", b"not a model at all")]
    {
        let path = dir.path().join(name);
        fs::write(&path, contents).unwrap();
        let Some(outcome) = load(&path) else { return };
        let error = outcome.err().unwrap_or_else(|| panic!("{name} was accepted"));
        assert_eq!(error.kind(), ErrorKind::Model, "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let Some(outcome) = load(&dir.path().join("absent")) else { return };
    assert_eq!(outcome.err().expect("refused").kind(), ErrorKind::Model);
}

#[test]
fn a_peek_is_not_remembered_and_not_later_than_the_frame() {
    let (Some(path), Some(speech)) =
        (material("vad/silero_vad_v6.2.1_16k_op15.onnx"), material("vad-testset/testset-audio-01.wav"))
    else {
        return;
    };
    let Some(model) = load(&path) else { return };
    let model = model.unwrap();
    let (mut peeking, mut plain) = (model.stream().unwrap(), model.stream().unwrap());
    let samples = read(&speech);
    let (mut sooner, mut seen) = (0, 0);
    let (mut before, mut between) = (1.0, 0.0);
    for (i, frame) in samples.chunks_exact(512).enumerate() {
        let now = peeking.predict(frame).unwrap();
        assert_eq!(now, plain.predict(frame).unwrap());
        if before < 0.35 && now >= 0.5 {
            seen += 1;
            sooner += u32::from(between >= 0.35);
        }
        before = now;
        let Some(half) = samples.get((i + 1) * 512..(i + 1) * 512 + 256) else { break };
        between = peeking.peek(half).unwrap().expect("Silero can peek");
    }
    assert!(seen >= 3 && sooner * 2 >= seen, "{sooner} of {seen} beginnings seen sooner");
    assert_eq!(peeking.peek(&[0.0; 255]).unwrap_err().kind(), ErrorKind::FrameLength);
}
