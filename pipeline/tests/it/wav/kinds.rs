//! Files as telephones, recorders and wrong cables make them lose nothing of their sound.

use super::bytes::{Kind, chunk, file, fmt, header, riff, tone, wav};
use duologue_pipeline::wav::{SampleFormat, Warning, WavReader};
use std::io::Cursor;

fn play(bytes: &[u8]) -> (Vec<f32>, Vec<Warning>) {
    let mut reader = WavReader::new(Cursor::new(bytes.to_vec()), "test.wav").unwrap();
    let samples = reader.read_to_end(10_000_000).unwrap();
    (samples, reader.warnings())
}

/// As a file on disk, which can be looked at as a whole.
fn play_file(bytes: &[u8]) -> (Vec<f32>, Vec<Warning>) {
    let dir = tempfile::tempdir().unwrap();
    let mut reader = WavReader::open(file(&dir, "test.wav", bytes)).unwrap();
    let samples = reader.read_to_end(10_000_000).unwrap();
    (samples, reader.warnings())
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |most, sample| most.max(sample.abs()))
}

/// A format chunk of 18 bytes with another tag, as telephony writes it.
fn telephony(tag: u16, data: &[u8]) -> Vec<u8> {
    let mut body = tag.to_le_bytes().to_vec();
    body.extend([1, 0]);
    body.extend(8_000u32.to_le_bytes());
    body.extend(8_000u32.to_le_bytes());
    body.extend([1, 0, 8, 0, 0, 0]);
    riff(&[chunk(b"fmt ", &body), chunk(b"fact", &(data.len() as u32).to_le_bytes()), chunk(b"data", data)])
}

#[test]
fn telephone_recordings_are_not_refused_or_distorted() {
    // ITU-T G.711: the loudest, the softest and silence, of both signs.
    for (tag, format, code, sample) in [
        (7, SampleFormat::MuLaw, 0x80, 32_124.0),
        (7, SampleFormat::MuLaw, 0x00, -32_124.0),
        (7, SampleFormat::MuLaw, 0xFF, 0.0),
        (7, SampleFormat::MuLaw, 0xFE, 8.0),
        (6, SampleFormat::ALaw, 0xAA, 32_256.0),
        (6, SampleFormat::ALaw, 0x2A, -32_256.0),
        (6, SampleFormat::ALaw, 0xD5, 8.0),
        (6, SampleFormat::ALaw, 0x55, -8.0),
    ] {
        let bytes = telephony(tag, &[code; 4]);
        let reader = WavReader::new(Cursor::new(bytes.clone()), "test.wav").unwrap();
        assert_eq!((reader.spec().format, reader.frames()), (format, Some(4)));
        assert_eq!(play(&bytes), (vec![sample / 32_768.0; 4], vec![]), "{code:#x} of {format:?}");
    }
}

#[test]
fn any_byte_may_fill_up_an_odd_chunk() {
    let data: Vec<u8> = [0.25, -0.25].iter().flat_map(|s| Kind::I16.encode(*s)).collect();
    for fill in [0u8, 0xFF, b' ', b'd', b'x', 1, b'\n'] {
        let mut odd = chunk(b"LIST", b"INFOISFT\x05\0\0\0tape!");
        assert_eq!(odd.pop(), Some(0));
        odd.push(fill);
        let file = riff(&[odd.clone(), fmt(Kind::I16, 16_000, 1, false), odd, chunk(b"data", &data)]);
        assert_eq!(play(&file).0, [0.25, -0.25], "{fill:#x}");
    }
}

#[test]
fn a_recording_beyond_4_gib_that_was_never_finished_is_not_empty() {
    for size in [0u64, u64::MAX] {
        let mut sizes = vec![0; 28];
        sizes[8..16].copy_from_slice(&size.to_le_bytes());
        let mut bytes = riff(&[chunk(b"ds64", &sizes), fmt(Kind::I16, 16_000, 1, false)]);
        bytes[..4].copy_from_slice(b"RF64");
        bytes.extend(b"data\xff\xff\xff\xff");
        bytes.extend(Kind::I16.encode(0.5));
        assert_eq!(play(&bytes), (vec![0.5], vec![Warning::UnknownLength]), "{size}");
    }
}

/// Samples of 24 valid bits in four bytes.
fn in_four_bytes(samples: &[i32], extensible: bool) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut format = fmt(Kind::I32, 16_000, 1, extensible);
    // Bits behind the chunk's header: the container's, or the valid ones of the extensible kind.
    format[8 + if extensible { 18 } else { 14 }] = 24;
    riff(&[format, chunk(b"data", &data)])
}

#[test]
fn samples_on_the_right_of_their_bytes_are_not_48_db_too_soft() {
    let samples: Vec<i32> = tone(16_000, 32_000).iter().map(|s| (s * 8_388_607.0) as i32).collect();
    // As 16-bit recordings become: the last byte says nothing.
    let coarse: Vec<i32> = samples.iter().map(|s| s & !0xFF).collect();
    for extensible in [false, true] {
        for samples in [&samples, &coarse] {
            let (right, warnings) = play_file(&in_four_bytes(samples, extensible));
            assert!((peak(&right) - 0.5).abs() < 1e-4, "{}", peak(&right));
            assert_eq!(warnings, [Warning::RightJustified]);
        }
        let left: Vec<i32> = samples.iter().map(|s| s << 8).collect();
        let (left, warnings) = play_file(&in_four_bytes(&left, extensible));
        assert!((peak(&left) - 0.5).abs() < 1e-4);
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    // A stream shows no more than its beginning, which is enough where the last byte is used.
    assert_eq!(play(&in_four_bytes(&samples, false)).1, [Warning::RightJustified]);
}

#[test]
fn a_soft_beginning_is_not_taken_for_samples_on_the_right() {
    let mut samples: Vec<i32> = tone(16_000, 32_000).iter().map(|s| ((s * 1_000.0) as i32) << 8).collect();
    samples.extend(tone(16_000, 1_000).iter().map(|s| ((s * 8_388_607.0) as i32) << 8));
    for (heard, warnings) in
        [play_file(&in_four_bytes(&samples, false)), play(&in_four_bytes(&samples, false))]
    {
        assert!(peak(&heard[..32_000]) < 1e-3);
        assert!(warnings.is_empty(), "{warnings:?}");
    }
}

#[test]
fn a_channel_that_is_the_inverse_of_the_other_does_not_silence_both() {
    let sound = tone(16_000, 16_000);
    let inverse: Vec<f64> = sound.iter().flat_map(|s| [*s, -0.9 * s]).collect();
    let (heard, warnings) = play(&wav(Kind::I16, 16_000, 2, &inverse));
    assert_eq!(warnings, [Warning::Cancelling { channel: 0 }]);
    assert!((peak(&heard[4_000..]) - 0.5).abs() < 1e-3, "{}", peak(&heard[4_000..]));

    // Two parties of a call, one channel alone, two that differ: nothing is left out.
    let calls: [Vec<f64>; 3] = [
        sound.iter().enumerate().flat_map(|(i, s)| if i < 8_000 { [*s, 0.0] } else { [0.0, *s] }).collect(),
        sound.iter().flat_map(|s| [0.0, *s]).collect(),
        sound.iter().zip(tone(12_345, 16_000)).flat_map(|(a, b)| [*a, b]).collect(),
    ];
    for call in calls {
        assert!(play(&wav(Kind::I16, 16_000, 2, &call)).1.is_empty());
    }
}

#[test]
fn a_header_that_announces_telephony_is_not_believed_beyond_the_file() {
    let mut bytes = header(Kind::U8, 8_000, 1, 100);
    bytes[20] = 7;
    bytes.extend([0xFF; 10]);
    let (heard, warnings) = play(&bytes);
    assert_eq!(heard, [0.0; 10]);
    assert_eq!(warnings, [Warning::Truncated { announced: 100, found: 10 }]);
}
