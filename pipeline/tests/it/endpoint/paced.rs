//! A software endpoint with a clock: starts ready, follows the ear, ends with a reason.

use duologue_pipeline::capture::{CaptureReader, capture_ring};
use duologue_pipeline::endpoint::{
    Discard, Duplex, Endpoint, EndpointIo, Exchange, Flow, Paced, Rates, Running, Silence, WavSink, WavSource,
};
use duologue_pipeline::playback::{PlaybackConfig, playback_ring};
use duologue_pipeline::wav::WavReader;
use duologue_pipeline::{Error, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

fn io(rates: Rates) -> (EndpointIo, CaptureReader) {
    let (capture, reader) = capture_ring(rates.capture, 500);
    let (_, _, playback, _) = playback_ring(&PlaybackConfig::new(rates.playback)).unwrap();
    (EndpointIo { capture, playback }, reader)
}

/// Waits for the end, at most 20 s.
fn until_ended(running: &dyn Running) -> Result<(), Error> {
    running.end().wait(Duration::from_secs(20)).expect("an end within 20 s")
}

#[test]
fn real_time_source_is_captured_whole() {
    let endpoint =
        Paced::real_time(Duplex::new(Silence::lasting(16_000, 120), Discard::new(24_000)).unwrap());
    let (io, mut reader) = io(endpoint.rates());
    let running = Box::new(endpoint).start(io).unwrap();
    until_ended(&*running).unwrap();
    running.stop().unwrap();
    assert!(reader.available() >= 1_920, "{} samples", reader.available());
    assert_eq!(reader.stats().dropped, 0);
}

#[test]
fn file_followed_by_the_ear_does_not_overrun_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.wav");
    let mut sink = duologue_pipeline::wav::WavWriter::create(&path, 16_000, 1).unwrap();
    let sent: Vec<f32> = (0..160_000).map(|i| ((i * 31) % 20_000) as f32 / 32_768.0).collect();
    sink.write(&sent).unwrap();
    sink.finish().unwrap();

    let done = Arc::new(AtomicU64::new(0));
    let exchange = Duplex::new(WavSource::open(&path).unwrap(), Discard::new(24_000)).unwrap();
    let endpoint = Paced::following(exchange, done.clone());
    let (io, mut reader) = io(endpoint.rates());
    let running = Box::new(endpoint).start(io).unwrap();

    let (mut heard, mut block, mut most) = (Vec::new(), [0.0; 160], 0);
    while heard.len() < sent.len() {
        most = most.max(reader.available());
        let n = reader.read(&mut block);
        heard.extend_from_slice(&block[..n]);
        done.store(heard.len() as u64, Ordering::Release);
        if let Some(Err(e)) = running.end().told() {
            panic!("{e}");
        }
    }
    assert_eq!(heard, sent);
    assert_eq!(reader.stats().dropped, 0);
    assert!(most <= 320, "at most two blocks wait for the ear: {most} samples");
    running.stop().unwrap();
}

#[test]
fn dropped_endpoint_does_not_leave_its_file_unfinished() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.wav");
    let exchange = Duplex::new(Silence::endless(16_000), WavSink::create(&path, 24_000).unwrap()).unwrap();
    let endpoint = Paced::real_time(exchange);
    let (io, _reader) = io(endpoint.rates());
    let running = Box::new(endpoint).start(io).unwrap();
    assert!(running.end().told().is_none());
    drop(running);
    assert!(WavReader::open(&path).unwrap().frames().unwrap() >= 240);
}

/// Fails, panics or blocks after some blocks.
struct Faulty {
    blocks: usize,
    fault: Fault,
    finished: Arc<AtomicBool>,
}

enum Fault {
    Error,
    Panic,
}

impl Exchange for Faulty {
    fn rates(&self) -> Rates {
        Rates { capture: 16_000, playback: 16_000 }
    }

    fn exchange(&mut self, _: &[f32], _: &mut [f32]) -> Result<Flow, Error> {
        if self.blocks > 0 {
            self.blocks -= 1;
            return Ok(Flow::Continue);
        }
        match self.fault {
            Fault::Error => Err(Error::new(ErrorKind::Io, "answer.wav: disk full")),
            Fault::Panic => panic!("a fault of the test"),
        }
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.finished.store(true, Ordering::SeqCst);
        Ok(())
    }
}

fn start(blocks: usize, fault: Fault) -> (Result<Box<dyn Running>, Error>, Arc<AtomicBool>) {
    let finished = Arc::new(AtomicBool::new(false));
    let endpoint = Paced::real_time(Faulty { blocks, fault, finished: finished.clone() });
    let (io, _reader) = io(endpoint.rates());
    (Box::new(endpoint).start(io), finished)
}

#[test]
fn failure_on_the_way_is_not_silent() {
    let (running, finished) = start(3, Fault::Error);
    let running = running.unwrap();
    let error = until_ended(&*running).err().unwrap();
    assert_eq!(error.to_string(), "answer.wav: disk full");
    assert_eq!(running.stop().err().unwrap().kind(), ErrorKind::Io);
    assert!(finished.load(Ordering::SeqCst), "what was written is closed all the same");
}

#[test]
fn failure_of_the_first_block_is_the_reason_why_it_did_not_start() {
    let (running, _) = start(0, Fault::Error);
    assert_eq!(running.err().unwrap().to_string(), "answer.wav: disk full");
}

#[test]
fn panicking_endpoint_does_not_look_alive() {
    let (running, _) = start(2, Fault::Panic);
    let error = until_ended(&*running.unwrap()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Closed);
}
