//! A file goes in and a file comes out, whole, in step, at any rate.

use crate::wav::bytes::{Kind, file, material, tone, wav};
use duologue_pipeline::ErrorKind;
use duologue_pipeline::endpoint::{Discard, Duplex, Exchange, Flow, Silence, WavSink, WavSource};
use duologue_pipeline::wav::{Warning, WavReader};
use std::path::Path;

/// Plays what was captured one block before; gives the number of blocks until the end.
fn loop_back(endpoint: &mut dyn Exchange) -> usize {
    let rates = endpoint.rates();
    assert_eq!(rates.capture, rates.playback);
    let n = (rates.capture / 100) as usize;
    let (mut played, mut captured) = (vec![0.0; n], vec![0.0; n]);
    for blocks in 0..100_000 {
        if endpoint.exchange(&played, &mut captured).unwrap() == Flow::Ended {
            assert!(captured.iter().all(|s| *s == 0.0), "silence after the end");
            endpoint.finish().unwrap();
            return blocks;
        }
        played.copy_from_slice(&captured);
    }
    panic!("the source never ended");
}

fn samples(path: &Path) -> Vec<f32> {
    WavReader::open(path).unwrap().read_to_end(10_000_000).unwrap()
}

#[test]
fn file_is_not_changed_on_the_way_through() {
    let Some(input) = material("speech/jfk.wav") else { return };
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("out.wav");
    let source = WavSource::open(&input).unwrap();
    assert_eq!(source.duration_ms(), Some(11_000));
    let mut endpoint = Duplex::new(source, WavSink::create(&output, 16_000).unwrap()).unwrap();
    assert_eq!(loop_back(&mut endpoint), 1_100);

    let (input, output) = (samples(&input), samples(&output));
    assert_eq!(output[160..160 + input.len()], input[..], "one block later, nothing else");
}

#[test]
fn last_samples_are_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let input = file(&dir, "in.wav", &wav(Kind::I16, 8_000, 1, &[0.5; 81]));
    let output = dir.path().join("out.wav");
    let mut endpoint =
        Duplex::new(WavSource::open(input).unwrap(), WavSink::create(&output, 8_000).unwrap()).unwrap();
    assert_eq!(loop_back(&mut endpoint), 2);
    let output = samples(&output);
    assert_eq!(output[80..161], [0.5; 81]);
    assert_eq!(output[161..], [0.0; 79]);
}

#[test]
fn rate_without_whole_blocks_does_not_drift() {
    let dir = tempfile::tempdir().unwrap();
    for rate in [11_025, 22_050, 12_345] {
        let input = file(&dir, "in.wav", &wav(Kind::I16, rate, 2, &stereo(&tone(rate, 10 * rate as usize))));
        let mut endpoint = Duplex::new(WavSource::open(input).unwrap(), Discard::new(48_000)).unwrap();
        assert_eq!(endpoint.rates().capture, 48_000);
        assert_eq!(loop_back(&mut endpoint), 1_000, "10 s at {rate} Hz are 1000 blocks");
    }
}

fn stereo(mono: &[f64]) -> Vec<f64> {
    mono.iter().flat_map(|s| [*s, *s]).collect()
}

#[test]
fn damaged_file_is_played_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = wav(Kind::F32, 16_000, 1, &[f64::NAN; 320]);
    bytes.truncate(44 + 4 * 200);
    let mut endpoint =
        Duplex::new(WavSource::open(file(&dir, "cut.wav", &bytes)).unwrap(), Discard::new(16_000)).unwrap();
    assert_eq!(loop_back(&mut endpoint), 2);
    let expected = [Warning::Truncated { announced: 1_280, found: 800 }, Warning::NonFinite { samples: 200 }];
    assert_eq!(endpoint.source().warnings(), expected);
}

#[test]
fn full_disk_stops_the_conversation_with_a_reason() {
    if !Path::new("/dev/full").exists() {
        return eprintln!("SKIPPED: no /dev/full on this system");
    }
    let error = WavSink::create("/dev/full", 24_000).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("/dev/full"), "{error}");
}

#[test]
fn rates_without_whole_blocks_are_refused_by_name() {
    let error = Duplex::new(Silence::endless(16_000), Discard::new(22_050)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("sink rate: 22050 Hz"), "{error}");
}
