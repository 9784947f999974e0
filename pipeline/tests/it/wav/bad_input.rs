//! Files that are broken, cut, empty, odd or huge are refused with a reason, or played as far as
//! they go with a warning; never a panic, a hang or silence without a word.

use super::bytes::{KINDS, Kind, chunk, file, fmt, header, material, riff, tone, wav};
use duologue_pipeline::wav::{SampleFormat, Warning, WavReader};
use duologue_pipeline::{Error, ErrorKind};
use std::io::{Cursor, Seek, SeekFrom, Write};

type Reader = WavReader<Cursor<Vec<u8>>>;

fn reader(bytes: Vec<u8>) -> Result<Reader, Error> {
    WavReader::new(Cursor::new(bytes), "test.wav")
}

fn play(bytes: Vec<u8>) -> (Vec<f32>, Vec<Warning>) {
    let mut reader = reader(bytes).unwrap();
    let samples = reader.read_to_end(10_000_000).unwrap();
    (samples, reader.warnings())
}

fn refusal(bytes: &[u8]) -> String {
    let error = reader(bytes.to_vec()).err().expect("refused");
    assert_eq!(error.kind(), ErrorKind::InvalidAudio);
    assert!(error.to_string().starts_with("test.wav: "), "names the file: {error}");
    error.to_string()
}

#[test]
fn truncated_file_is_not_refused_or_padded() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = wav(Kind::I16, 16_000, 1, &tone(16_000, 16_000));
    let whole = bytes.len();
    bytes.truncate(44 + 2 * 5_000 + 1);
    assert!(bytes.len() < whole);
    let path = file(&dir, "cut.wav", &bytes);

    let mut reader = WavReader::open(&path).unwrap();
    let truncated = Warning::Truncated { announced: 32_000, found: 10_001 };
    assert_eq!(reader.warnings(), std::slice::from_ref(&truncated), "said before the first sample");
    assert_eq!(reader.frames(), Some(5_000));
    assert_eq!(reader.read_to_end(100_000).unwrap().len(), 5_000);
    assert_eq!(reader.warnings(), [truncated, Warning::PartialFrame { bytes: 1 }]);

    let (samples, warnings) = play(bytes);
    assert_eq!(samples.len(), 5_000);
    assert_eq!(warnings.len(), 2, "a stream finds out at its end: {warnings:?}");
}

#[test]
fn empty_file_is_not_taken_for_silence() {
    assert!(refusal(&[]).contains("empty (0 bytes)"));
}

#[test]
fn every_cut_inside_the_header_is_refused() {
    let bytes = wav(Kind::I16, 16_000, 1, &[0.5; 4]);
    for length in 1..44 {
        refusal(&bytes[..length]);
    }
    assert!(refusal(&bytes[..20]).contains("the file ends after 20 bytes"));
}

#[test]
fn file_without_samples_is_not_an_error() {
    let (samples, warnings) = play(wav(Kind::I16, 16_000, 1, &[]));
    assert!(samples.is_empty());
    assert_eq!(warnings, [Warning::Empty]);

    let followed = riff(&[fmt(Kind::I16, 16_000, 1, false), chunk(b"data", &[]), chunk(b"LIST", &[7; 40])]);
    let (samples, warnings) = play(followed);
    assert!(samples.is_empty(), "the chunk behind is not audio");
    assert_eq!(warnings, [Warning::Empty]);
}

#[test]
fn header_that_was_never_completed_does_not_hide_the_audio() {
    let audio: Vec<u8> = tone(16_000, 800).iter().flat_map(|s| Kind::I16.encode(*s)).collect();
    for size in [0, u32::MAX] {
        let bytes = [header(Kind::I16, 16_000, 1, size), audio.clone()].concat();
        let (samples, warnings) = play(bytes);
        assert_eq!(samples.len(), 800);
        assert_eq!(warnings, [Warning::UnknownLength]);
    }
}

#[test]
fn garbage_is_not_played() {
    let noise: Vec<u8> = (0..5_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    assert!(refusal(&noise).contains("not a WAV file; convert it"));
    for (magic, kind) in [(&b"fLaC1234...."[..], "FLAC"), (b"OggS........", "Ogg"), (b"ID3.........", "MP3")]
    {
        assert!(refusal(magic).contains(&format!("this is {kind}, not WAV")));
    }
    assert!(refusal(b"....ftypM4A ").contains("MP4"));
    assert!(refusal(b"RIFF\x04\0\0\0AVI ....").contains("not a WAV file"));
}

#[test]
fn file_full_of_nan_is_silence_and_counted() {
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let samples: Vec<f64> = (0..4_800).map(|i| bad[i % 3]).collect();
    for kind in [Kind::F32, Kind::F64] {
        let (samples, warnings) = play(wav(kind, 48_000, 1, &samples));
        assert_eq!(samples, vec![0.0; 4_800]);
        assert_eq!(warnings, [Warning::NonFinite { samples: 4_800 }]);
    }
}

#[test]
fn float_beyond_full_scale_is_limited_and_counted() {
    let (samples, warnings) = play(wav(Kind::F64, 48_000, 1, &[1e300, -3.0, 1.0, 0.25]));
    assert_eq!(samples, [1.0, -1.0, 1.0, 0.25]);
    assert_eq!(warnings, [Warning::Clipped { samples: 2 }]);
}

#[test]
fn eight_channels_are_all_heard() {
    for kind in KINDS {
        // Channel `c` of frame `f` holds c / 16, so that the mean is 3.5 / 16.
        let samples: Vec<f64> = (0..8 * 100).map(|i| f64::from(i % 8) / 16.0).collect();
        let (mono, warnings) = play(wav(kind, 48_000, 8, &samples));
        assert_eq!(mono.len(), 100);
        assert!(mono.iter().all(|s| (s - 3.5 / 16.0).abs() < kind.error()), "{kind:?}");
        assert!(warnings.is_empty());

        let mut reader = reader(wav(kind, 48_000, 8, &samples)).unwrap();
        let mut frames = [0.0; 80];
        assert_eq!(reader.read_frames(&mut frames).unwrap(), 10);
        assert!((frames[8 + 5] - 5.0 / 16.0).abs() < kind.error(), "{kind:?}");
    }
}

#[test]
fn no_rate_from_8_to_192_khz_is_refused() {
    for rate in
        [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000]
    {
        let reader = reader(wav(Kind::I16, rate, 1, &[0.0])).unwrap();
        assert_eq!(reader.spec().rate, rate);
    }
    for rate in [0, 7_999, 192_001, u32::MAX / 2] {
        let message = refusal(&riff(&[fmt(Kind::U8, rate, 1, false), chunk(b"data", &[0])]));
        assert!(message.contains(&format!("{rate} Hz")), "{message}");
    }
}

#[test]
fn extensible_format_is_not_refused() {
    for kind in KINDS {
        let data: Vec<u8> = [0.5, -0.5].iter().flat_map(|s| kind.encode(*s)).collect();
        let (samples, _) = play(riff(&[fmt(kind, 16_000, 1, true), chunk(b"data", &data)]));
        assert!((samples[0] - 0.5).abs() < kind.error() && (samples[1] + 0.5).abs() < kind.error());
    }
}

#[test]
fn odd_chunks_do_not_shift_the_audio() {
    let data: Vec<u8> = [0.25, -0.25].iter().flat_map(|s| Kind::I16.encode(*s)).collect();
    let padded = chunk(b"note", b"odd");
    let unpadded = padded[..padded.len() - 1].to_vec();
    for odd in [padded, unpadded] {
        let file = riff(&[odd.clone(), fmt(Kind::I16, 16_000, 1, false), odd, chunk(b"data", &data)]);
        assert_eq!(play(file).0, [0.25, -0.25]);
    }
}

#[test]
fn unsupported_formats_are_named() {
    let with_tag = |tag: u8, bits: u8, align: u8| {
        let mut bytes = wav(Kind::I16, 16_000, 1, &[0.0]);
        (bytes[20], bytes[34], bytes[32]) = (tag, bits, align);
        bytes
    };
    assert!(refusal(&with_tag(6, 16, 2)).contains("16 bits in 2 bytes"));
    assert!(refusal(&with_tag(0x55, 8, 1)).contains("MP3"));
    assert!(refusal(&with_tag(0x11, 4, 1)).contains("ADPCM"));
    assert!(refusal(&with_tag(1, 24, 2)).contains("24 bits in 2 bytes"));
    assert!(refusal(&riff(&[chunk(b"data", &[0; 8])])).contains("before its format"));
    let silent = riff(&[fmt(Kind::I16, 16_000, 0, false), chunk(b"data", &[0; 8])]);
    assert!(refusal(&silent).contains("0 channels"));
}

#[test]
fn endless_chunks_do_not_hang() {
    let chunks = vec![chunk(b"junk", &[]); 20_000];
    assert!(refusal(&riff(&chunks)).contains("no audio within the first"));
}

#[test]
fn missing_file_and_directory_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("nothing.wav");
    for path in [missing.as_path(), dir.path()] {
        let error = WavReader::open(path).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

/// Resident memory in kB, where the system tells.
fn resident_kb() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn four_hour_file_does_not_fill_the_memory() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = 4 * 3_600 * 8_000;
    let path = file(&dir, "hours.wav", &header(Kind::U8, 8_000, 1, bytes));
    std::fs::File::options().write(true).open(&path).unwrap().set_len(44 + u64::from(bytes)).unwrap();

    let before = resident_kb();
    let mut reader = WavReader::open(&path).unwrap();
    let (mut total, mut block) = (0, [0.0; 8_000]);
    loop {
        let n = reader.read(&mut block).unwrap();
        if n == 0 {
            break;
        }
        total += n as u64;
    }
    assert_eq!(total, u64::from(bytes));
    assert!(reader.warnings().is_empty());
    if let (Some(before), Some(after)) = (before, resident_kb()) {
        assert!(after - before < 16_000, "grew by {} kB", after - before);
    }
}

#[test]
fn file_beyond_four_gigabytes_is_not_cut() {
    let dir = tempfile::tempdir().unwrap();
    let data: u64 = 6 << 30;
    let mut bytes = b"RF64\xFF\xFF\xFF\xFFWAVEds64\x1c\0\0\0".to_vec();
    bytes.extend((data + 100).to_le_bytes());
    bytes.extend(data.to_le_bytes());
    bytes.extend([0; 12]);
    bytes.extend(fmt(Kind::I16, 192_000, 2, false));
    bytes.extend(b"data\xFF\xFF\xFF\xFF");
    let path = file(&dir, "huge.wav", &bytes);
    let mut sparse = std::fs::File::options().write(true).open(&path).unwrap();
    sparse.seek(SeekFrom::Start(bytes.len() as u64 + data - 4)).unwrap();
    sparse.write_all(&[0, 64, 0, 64]).unwrap();

    let mut reader = WavReader::open(&path).unwrap();
    assert_eq!(reader.frames(), Some(data / 4));
    assert_eq!(reader.read(&mut [0.0; 480]).unwrap(), 480);
    assert!(reader.warnings().is_empty());
}

#[test]
fn long_clip_is_not_loaded_whole() {
    let error = reader(wav(Kind::I16, 16_000, 1, &[0.0; 16_001])).unwrap().read_to_end(16_000).err().unwrap();
    assert!(error.to_string().contains("longer than the 1.0 s"), "{error}");
}

#[test]
fn real_recordings_are_read_whole() {
    for name in [
        "speech/jfk.wav",
        "speech/librispeech_1221-135766-0002_8k.wav",
        "kokoro/reference/kokoro_af_heart.wav",
    ] {
        let Some(path) = material(name) else { return };
        let mut reader = WavReader::open(path).unwrap();
        assert_eq!(reader.spec().format, SampleFormat::I16);
        let samples = reader.read_to_end(10_000_000).unwrap();
        assert_eq!(Some(samples.len() as u64), reader.frames());
        assert!(samples.iter().any(|s| s.abs() > 0.05));
        assert!(reader.warnings().is_empty());
    }
}
