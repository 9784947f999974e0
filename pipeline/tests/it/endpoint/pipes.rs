//! Raw PCM over real pipes that close early, stall, or lose their reader.

use duologue_pipeline::ErrorKind;
use duologue_pipeline::endpoint::{Discard, Duplex, Exchange, Flow, PcmSink, PcmSource, Sink, Source};
use std::io::{Read, Write, pipe};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

#[test]
fn input_closed_early_is_the_end_and_not_an_error() {
    let (reader, mut writer) = pipe().unwrap();
    let mut source = PcmSource::new(reader, "pipe", 16_000, LONG).unwrap();
    let mut sent = bytes(&[8_192; 200]);
    sent.push(99);
    writer.write_all(&sent).unwrap();
    drop(writer);

    let mut block = [9.0; 160];
    assert_eq!(source.read(&mut block).unwrap(), Flow::Continue);
    assert_eq!(block, [0.25; 160]);
    assert_eq!(source.read(&mut block).unwrap(), Flow::Continue);
    assert_eq!((block[39], block[40]), (0.25, 0.0), "the odd byte is left out");
    for _ in 0..3 {
        assert_eq!(source.read(&mut block).unwrap(), Flow::Ended);
        assert_eq!(block, [0.0; 160]);
    }
    assert_eq!(source.starved(), 0);
}

#[test]
fn input_that_was_never_opened_is_the_end() {
    let mut source = PcmSource::new(std::io::empty(), "nothing", 16_000, LONG).unwrap();
    assert_eq!(source.read(&mut [0.0; 160]).unwrap(), Flow::Ended);
}

#[test]
fn samples_split_between_reads_are_not_torn() {
    let (reader, mut writer) = pipe().unwrap();
    let mut source = PcmSource::new(reader, "pipe", 16_000, LONG).unwrap();
    let sent: Vec<i16> = (0..1_600).map(|i| (i * 7) as i16).collect();
    let all = bytes(&sent);
    let sender = std::thread::spawn(move || {
        for piece in all.chunks(37) {
            writer.write_all(piece).unwrap();
        }
    });
    let mut got = Vec::new();
    let mut block = [0.0; 160];
    while source.read(&mut block).unwrap() == Flow::Continue {
        got.extend(block.iter().map(|s| (s * 32_768.0) as i16));
    }
    sender.join().unwrap();
    assert_eq!(got, sent);
}

#[test]
fn stalled_input_does_not_stall_the_agent() {
    let (reader, mut writer) = pipe().unwrap();
    let mut source = PcmSource::new(reader, "pipe", 16_000, Duration::ZERO).unwrap();
    let mut block = [9.0; 160];
    assert_eq!(source.read(&mut block).unwrap(), Flow::Continue);
    assert_eq!(block, [0.0; 160]);
    assert_eq!(source.starved(), 160);

    writer.write_all(&bytes(&[16_384; 10])).unwrap();
    drop(writer);
    let mut heard = 0;
    while source.read(&mut block).unwrap() == Flow::Continue {
        heard += block.iter().filter(|s| **s == 0.5).count();
    }
    assert_eq!(heard, 10, "what comes after the stall is heard");
}

#[test]
fn stall_in_the_middle_of_a_sample_does_not_swap_all_that_follow() {
    let (reader, mut writer) = pipe().unwrap();
    let mut source = PcmSource::new(reader, "pipe", 16_000, Duration::from_millis(50)).unwrap();
    let sent = bytes(&[258; 20]);
    writer.write_all(&sent[..1]).unwrap();
    let mut block = [9.0; 160];
    assert_eq!(source.read(&mut block).unwrap(), Flow::Continue);
    assert_eq!(block, [0.0; 160], "half a sample is none");
    writer.write_all(&sent[1..]).unwrap();
    writer.write_all(&bytes(&[515; 300])).unwrap();
    drop(writer);
    let mut heard = Vec::new();
    while source.read(&mut block).unwrap() == Flow::Continue {
        heard.extend(block.iter().map(|s| (s * 32_768.0) as i16).filter(|s| *s != 0));
    }
    assert_eq!(heard, [vec![258; 20], vec![515; 300]].concat());
}

#[test]
fn failing_input_is_an_error_with_its_name() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("cable pulled"))
        }
    }
    let source = PcmSource::new(Broken, "standard input", 16_000, LONG).unwrap();
    let mut endpoint = Duplex::new(source, Discard::new(16_000)).unwrap();
    let error = endpoint.exchange(&[0.0; 160], &mut [0.0; 160]).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("standard input") && error.to_string().contains("cable pulled"));
}

#[test]
fn endless_input_does_not_fill_the_memory() {
    let mut source = PcmSource::new(std::io::repeat(1), "zero", 16_000, LONG).unwrap();
    for _ in 0..1_000 {
        assert_eq!(source.read(&mut [0.0; 160]).unwrap(), Flow::Continue);
    }
    // Dropping it ends the reading thread at its next hand-over, which the full queue refuses.
}

#[test]
fn played_samples_are_not_changed_or_swapped() {
    let (mut reader, writer) = pipe().unwrap();
    let mut sink = PcmSink::new(writer, "pipe", 16_000);
    sink.write(&[0.0, 0.5, -0.5, 2.0, -2.0, f32::NAN]).unwrap();
    drop(sink);
    let mut got = Vec::new();
    reader.read_to_end(&mut got).unwrap();
    assert_eq!(got, bytes(&[0, 16_384, -16_384, 32_767, -32_768, 0]));
}

#[test]
fn reader_that_has_gone_is_an_error_and_not_a_signal() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut sink = PcmSink::new(writer, "standard output", 16_000);
    let error = sink.write(&[0.0; 160]).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("the program that reads it has gone"), "{error}");
}
