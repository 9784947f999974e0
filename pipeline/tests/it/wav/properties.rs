//! What holds for any WAV file, good or mutilated.

use super::bytes::{KINDS, Kind, chunk, fmt, riff, wav};
use duologue_pipeline::wav::{WavReader, WavWriter};
use proptest::prelude::*;
use std::io::Cursor;

fn kind() -> impl Strategy<Value = Kind> {
    (0..KINDS.len()).prop_map(|i| KINDS[i])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2 * ProptestConfig::default().cases, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sample_changes_on_the_way_through_a_file(
        kind in kind(),
        channels in 1u16..9,
        rate in 8_000u32..=192_000,
        extensible: bool,
        frames in prop::collection::vec(-1.0f64..1.0, 0..300),
    ) {
        let samples: Vec<f64> = frames.iter().flat_map(|s| vec![*s; usize::from(channels)]).collect();
        let data: Vec<u8> = samples.iter().flat_map(|s| kind.encode(*s)).collect();
        let bytes = riff(&[fmt(kind, rate, channels, extensible), chunk(b"data", &data)]);
        let mut reader = WavReader::new(Cursor::new(bytes), "test.wav").unwrap();
        prop_assert_eq!(reader.spec().rate, rate);
        prop_assert_eq!(reader.spec().channels, channels);
        let mono = reader.read_to_end(1_000).unwrap();
        prop_assert_eq!(mono.len(), frames.len());
        for (got, expected) in mono.iter().zip(&frames) {
            prop_assert!((f64::from(*got) - expected).abs() <= f64::from(kind.error()));
        }
    }

    #[test]
    fn written_file_is_not_different_when_read(
        rate in 8_000u32..=192_000,
        samples in prop::collection::vec(prop::num::f32::ANY, 0..2_000),
        pieces in 1usize..500,
    ) {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut bytes, "test.wav", rate, 1).unwrap();
        for piece in samples.chunks(pieces) {
            writer.write(piece).unwrap();
        }
        writer.finish().unwrap();
        let bytes = bytes.into_inner();

        let ours = WavReader::new(Cursor::new(bytes.clone()), "test.wav").unwrap().read_to_end(2_000).unwrap();
        let theirs: Vec<f32> =
            hound::WavReader::new(Cursor::new(bytes)).unwrap().samples::<i16>().map(|s| f32::from(s.unwrap()) / 32_768.0).collect();
        prop_assert_eq!(&ours, &theirs, "another reader reads the same");
        prop_assert_eq!(ours.len(), samples.len());
        for (got, wrote) in ours.iter().zip(&samples) {
            let expected = if wrote.is_nan() { 0.0 } else { wrote.clamp(-1.0, 1.0) };
            prop_assert!((got - expected).abs() <= 1.01 / 32_768.0, "{} became {}", wrote, got);
        }
    }

    #[test]
    fn mutilated_file_is_not_a_panic_or_a_flood(
        kind in kind(),
        channels in 1u16..4,
        extensible: bool,
        samples in prop::collection::vec(-1.0f64..1.0, 0..200),
        cut in 0.0f64..1.2,
        changes in prop::collection::vec((0usize..120, any::<u8>()), 0..12),
    ) {
        let data: Vec<u8> = samples.iter().flat_map(|s| kind.encode(*s)).collect();
        let list = chunk(b"LIST", &[65; 5]);
        let mut bytes = riff(&[fmt(kind, 16_000, channels, extensible), list, chunk(b"data", &data)]);
        for (at, value) in changes {
            let length = bytes.len();
            bytes[at % length] = value;
        }
        bytes.truncate((bytes.len() as f64 * cut) as usize);
        check(&bytes)?;
    }

    #[test]
    fn random_bytes_are_not_a_panic_or_a_flood(
        mut bytes in prop::collection::vec(any::<u8>(), 0..400),
        riff: bool,
    ) {
        if riff && bytes.len() > 12 {
            bytes[..4].copy_from_slice(b"RIFF");
            bytes[8..12].copy_from_slice(b"WAVE");
        }
        check(&bytes)?;
    }
}

/// Whatever comes out is no more than went in, and within ±1.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(mut reader) = WavReader::new(Cursor::new(bytes), "test.wav") else { return Ok(()) };
    let samples = reader.read_to_end(bytes.len()).unwrap();
    prop_assert!(samples.len() <= bytes.len());
    prop_assert!(samples.iter().all(|s| s.abs() <= 1.0));
    reader.warnings().iter().for_each(|w| assert!(!w.to_string().is_empty()));
    Ok(())
}

#[test]
fn files_of_another_writer_are_not_read_differently() {
    for (bits, format) in [
        (8, hound::SampleFormat::Int),
        (16, hound::SampleFormat::Int),
        (24, hound::SampleFormat::Int),
        (32, hound::SampleFormat::Int),
        (32, hound::SampleFormat::Float),
    ] {
        let spec =
            hound::WavSpec { channels: 2, sample_rate: 44_100, bits_per_sample: bits, sample_format: format };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        let full = 2f64.powi(i32::from(bits) - 1);
        for i in 0..200 {
            let sample = f64::from(i % 100 - 50) / 64.0;
            match format {
                hound::SampleFormat::Float => writer.write_sample(sample as f32).unwrap(),
                hound::SampleFormat::Int => writer.write_sample((sample * full) as i32).unwrap(),
            }
        }
        writer.finalize().unwrap();
        let mut reader = WavReader::new(Cursor::new(bytes.into_inner()), "test.wav").unwrap();
        let mut frames = [0.0; 200];
        assert_eq!(reader.read_frames(&mut frames).unwrap(), 100);
        for (i, got) in frames.iter().enumerate() {
            let expected = (i % 100) as f32 - 50.0;
            assert!((got - expected / 64.0).abs() < 1e-6, "{bits} bits, sample {i}");
        }
    }
    // Kept so that the helper is checked against the same reader.
    assert_eq!(wav(Kind::I16, 8_000, 1, &[0.0]).len(), 46);
}
