//! What is played through the speakers comes back through the microphone, whole. Needs a sound card
//! that loops back, such as the virtual one that `.ci/sound-card.sh` sets up.
#![cfg(feature = "cpal")]

use duologue_devices::{DeviceConfig, DeviceEndpoint, list};
use duologue_pipeline::ErrorKind;
use duologue_pipeline::capture::{CaptureReader, capture_ring};
use duologue_pipeline::endpoint::{Endpoint, EndpointIo, Running};
use duologue_pipeline::playback::{Epoch, PlaybackConfig, PlaybackControl, PlaybackWriter, playback_ring};
use duologue_pipeline::wav::WavReader;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The card is one: tests take turns.
static CARD: Mutex<()> = Mutex::new(());

fn card() -> Option<MutexGuard<'static, ()>> {
    if std::env::var("DUOLOGUE_SOUND_CARD").as_deref() == Ok("loopback") {
        return Some(CARD.lock().unwrap_or_else(PoisonError::into_inner));
    }
    eprintln!("SKIPPED: no sound card that loops back; run: eval \"$(.ci/sound-card.sh)\"");
    None
}

struct Conversation {
    running: Box<dyn Running>,
    reader: CaptureReader,
    writer: PlaybackWriter,
    control: PlaybackControl,
    heard: Vec<f32>,
}

impl Conversation {
    fn start(endpoint: DeviceEndpoint) -> Self {
        let rates = endpoint.rates();
        let (capture, reader) = capture_ring(rates.capture, 2_000);
        let (writer, control, playback, _) = playback_ring(&PlaybackConfig::new(rates.playback)).unwrap();
        let running = Box::new(endpoint).start(EndpointIo { capture, playback }).unwrap();
        Self { running, reader, writer, control, heard: Vec::new() }
    }

    fn listen(&mut self) {
        let mut block = [0.0; 480];
        loop {
            let n = self.reader.read(&mut block);
            if n == 0 {
                return std::thread::sleep(Duration::from_millis(2));
            }
            self.heard.extend_from_slice(&block[..n]);
        }
    }

    fn play(&mut self, samples: &[f32], rest: Duration) {
        let epoch = self.control.epoch().next();
        self.control.begin(epoch);
        let mut done = 0;
        let mut until = Instant::now() + Duration::from_secs(60);
        let mut ended = false;
        while Instant::now() < until {
            done += self.writer.push(epoch, &samples[done..]);
            if done == samples.len() && !ended {
                ended = self.writer.finish(epoch);
            }
            if self.control.status().finished && until.saturating_duration_since(Instant::now()) > rest {
                until = Instant::now() + rest;
            }
            self.listen();
            assert!(self.running.end().told().is_none(), "{:?}", self.running.end());
        }
        assert!(self.control.status().finished, "60 s were not enough");
        assert_ne!(epoch, Epoch::NONE);
    }
}

/// Every `COARSE`th sample is enough to find a place, from which the exact one is near.
const COARSE: usize = 6;

/// Where `needle` is in `hay`, and how alike the two are there (1: the same but for the level).
fn find(needle: &[f32], hay: &[f32]) -> (usize, f32) {
    let thin = |s: &[f32]| s.chunks_exact(COARSE).map(|c| c.iter().sum()).collect::<Vec<f32>>();
    let (coarse, _) = search(&thin(needle), &thin(hay));
    let from = (coarse * COARSE).saturating_sub(2 * COARSE);
    let to = (from + needle.len() + 4 * COARSE).min(hay.len());
    let (at, alike) = search(needle, &hay[from..to]);
    (from + at, alike)
}

fn search(needle: &[f32], hay: &[f32]) -> (usize, f32) {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let own = product(needle, needle);
    let alike = |lag: usize| {
        let window = &hay[lag..lag + needle.len()];
        let there = product(window, window).max(own * 1e-3);
        product(needle, window) / (own * there).sqrt()
    };
    let all = (0..=hay.len().saturating_sub(needle.len())).map(|lag| (lag, alike(lag)));
    all.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
}

/// Speech at `rate` Hz, or a sweep where the test material is absent.
fn speech(rate: u32) -> Vec<f32> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material/speech/jfk.wav");
    if !Path::new(path).exists() {
        eprintln!("SKIPPED: {path} is absent; a sweep is played instead");
        return (0..rate * 3).map(|i| (i as f32 * (0.01 + i as f32 * 1e-6)).sin() * 0.3).collect();
    }
    let mut samples = WavReader::open(path).unwrap().read_to_end(1_000_000).unwrap();
    samples.truncate(16_000 * 3);
    assert_eq!(rate % 16_000, 0, "the virtual card runs at 48 kHz");
    let times = (rate / 16_000) as usize;
    // Linear interpolation: what comes back is compared with what was played, not with the file.
    let between = |i: usize, k: usize| {
        let next = samples.get(i + 1).copied().unwrap_or(0.0);
        samples[i] + (next - samples[i]) * k as f32 / times as f32
    };
    (0..samples.len() * times).map(|i| between(i / times, i % times)).collect()
}

#[test]
fn speech_through_the_speakers_is_heard_whole() {
    let Some(_card) = card() else { return };
    // Long periods: a busy machine is not what is tested.
    let endpoint = DeviceEndpoint::open(&DeviceConfig { period_ms: 40, ..DeviceConfig::default() }).unwrap();
    let stats = endpoint.stats();
    let rates = endpoint.rates();
    assert_eq!(rates.capture, rates.playback);
    eprintln!("{:?} → {:?} at {} Hz", endpoint.speakers(), endpoint.microphone(), rates.capture);
    let rate = rates.capture as usize;
    let played = speech(rates.playback);
    let mut conversation = Conversation::start(endpoint);
    let before = conversation.reader.next_index();
    conversation.play(&played, Duration::from_millis(700));

    let glitches = stats.xruns();
    let (callbacks, longest) = (stats.callbacks(), stats.longest_callback());
    assert_eq!(conversation.reader.stats().dropped, 0);
    conversation.running.stop().unwrap();

    // A glitch shifts what follows it, so each 100 ms are looked for near where they are expected,
    // and further on the longer none was found.
    let heard = &conversation.heard;
    let piece = rate / 10;
    let loud = |s: &[f32]| s.iter().map(|x| x * x).sum::<f32>() / s.len() as f32 > 1e-5;
    let (start, _) = find(&played[..piece * 4], heard);
    let (mut lag, mut whole, mut all, mut missed) = (start, 0, 0, 0);
    for (i, needle) in played.chunks_exact(piece).enumerate().filter(|(_, p)| loud(p)) {
        all += 1;
        let from = (lag + i * piece).saturating_sub(piece / 2);
        let to = (from + (2 + missed) * piece).min(heard.len());
        if to < from + piece {
            break;
        }
        let (at, alike) = find(needle, &heard[from..to]);
        missed += 1;
        if alike > 0.95 {
            whole += 1;
            missed = 0;
            lag = (from + at).saturating_sub(i * piece);
        }
    }
    eprintln!(
        "{whole} of {all} pieces heard whole, first heard {} ms into {} ms captured (from index {before}); \
         glitches {glitches:?}, callbacks {callbacks:?}, longest {longest:?} frames",
        start * 1_000 / rate,
        heard.len() * 1_000 / rate,
    );
    let lost = all - whole;
    // The sound server has glitches of its own that nobody reports.
    let forgiven = all / 10 + 2 * (glitches.0 + glitches.1) as usize;
    assert!(lost <= forgiven, "{lost} of {all} pieces are missing or damaged");
    assert!(whole > all / 2, "more than half must arrive, whatever the glitches");
}

#[test]
fn devices_that_were_closed_can_be_opened_again() {
    let Some(_card) = card() else { return };
    for period_ms in [2, 10, 40] {
        let endpoint = DeviceEndpoint::open(&DeviceConfig { period_ms, ..DeviceConfig::default() }).unwrap();
        let stats = endpoint.stats();
        let conversation = Conversation::start(endpoint);
        assert!(stats.callbacks().1 >= 1, "ready means that the speakers have called back");
        drop(conversation);
        let after = stats.callbacks();
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(stats.callbacks(), after, "no callback after the end");
    }
}

#[test]
fn devices_are_found_by_name_and_by_id() {
    let Some(_card) = card() else { return };
    let devices = list().unwrap();
    eprintln!("{devices:#?}");
    let microphone = devices.iter().find(|d| d.default_microphone).expect("a default microphone");
    let speakers = devices.iter().find(|d| d.default_speakers).expect("default speakers");
    assert!(!microphone.bluetooth && microphone.capture_rate == Some(48_000));
    let config = DeviceConfig {
        microphone: Some(microphone.id.clone()),
        speakers: Some(speakers.name.clone()),
        ..DeviceConfig::default()
    };
    let endpoint = DeviceEndpoint::open(&config).unwrap();
    assert_eq!(endpoint.microphone(), microphone.name);
}

#[test]
fn missing_device_is_an_error_that_says_what_to_do() {
    let wrong = DeviceConfig { microphone: Some("no such thing".into()), ..DeviceConfig::default() };
    let error = DeviceEndpoint::open(&wrong).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Device);
    let message = error.to_string();
    assert!(message.contains("\"no such thing\"") && message.contains("there are: "), "{message}");
    let error =
        DeviceEndpoint::open(&DeviceConfig { period_ms: 0, ..DeviceConfig::default() }).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[test]
fn machine_without_sound_is_not_a_panic() {
    match DeviceEndpoint::open(&DeviceConfig::default()) {
        Ok(endpoint) => assert!(endpoint.rates().capture >= 8_000),
        Err(e) => {
            assert_eq!(e.kind(), ErrorKind::Device);
            assert!(e.to_string().contains("this machine has no"), "{e}");
        }
    }
}
