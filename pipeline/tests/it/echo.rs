//! The agent must not interrupt itself by its own echo, and must not miss whoever speaks over it.
//!
//! The real recordings hold what was played (lpb) and what was recorded (mic); the simulated ones
//! play real voices through measured rooms. Speech is what Silero takes for speech.

use std::path::{Path, PathBuf};

use duologue_pipeline::capture::capture_ring;
use duologue_pipeline::ear::{Ear, EarConfig, EarEvent};
use duologue_pipeline::echo::EchoConfig;
use duologue_pipeline::playback::{Epoch, PlaybackConfig, playback_ring};
use duologue_vad::{ErrorKind, SileroModel};

const RATE: usize = 16_000;

/// Speech that goes on for this long, in ms, would confirm a barge-in.
const CONFIRMED_MS: u64 = 150;

fn material(path: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material")).join(path);
    if !path.exists() {
        eprintln!("SKIPPED: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// The detector of a call; `None`, with a reason on stderr, where it is not there.
pub fn silero() -> Option<SileroModel> {
    match SileroModel::load(&material("vad/silero_vad_v6.2.1_16k_op15.onnx")?) {
        Ok(model) => Some(model),
        Err(e) if e.kind() == ErrorKind::Natives => {
            eprintln!("SKIPPED: no shared libraries: {e}");
            None
        }
        Err(e) => panic!("{e}"),
    }
}

fn read(path: &str) -> Option<Vec<f32>> {
    let mut wav = hound::WavReader::open(material(path)?).unwrap();
    assert_eq!((wav.spec().sample_rate as usize, wav.spec().channels), (RATE, 1), "{path}");
    Some(wav.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32_768.0).collect())
}

/// What the ear made of a recording.
#[derive(Debug, Default)]
struct Verdict {
    frames: u64,
    voiced: u64,
    /// Longest run of voiced frames, in ms.
    longest_ms: u64,
    /// End of the first voiced frame.
    first: Option<u64>,
    clean: Vec<f32>,
}

/// Hears `mic` while `far` is played.
fn hear(model: &SileroModel, far: &[f32], mic: &[f32], cancel: bool) -> Verdict {
    let (mut writer, mut capture) = capture_ring(RATE as u32, 100);
    let config = PlaybackConfig { fade_ms: 1, ..PlaybackConfig::new(RATE as u32) };
    let (mut mouth, control, mut renderer, mut reference) = playback_ring(&config).unwrap();
    control.begin(Epoch(1));
    let echo = EchoConfig { enabled: cancel, ..EchoConfig::default() };
    let config = EarConfig { echo, ..EarConfig::default() };
    let mut ear = Ear::new(&config, Box::new(model.stream().unwrap()), RATE as u32, RATE as u32).unwrap();
    let (mut verdict, mut run) = (Verdict::default(), 0);
    let silence = [0.0; 160];
    for (i, captured) in mic.chunks_exact(160).enumerate() {
        mouth.push(Epoch(1), far.get(i * 160..(i + 1) * 160).unwrap_or(&silence));
        renderer.render(&mut [0.0; 160]);
        writer.push(captured);
        ear.process(&mut capture, &mut reference, &mut |event| match event {
            EarEvent::Block { samples, .. } => verdict.clean.extend_from_slice(samples),
            EarEvent::Voice { at, voiced, .. } => {
                verdict.frames += 1;
                run = if voiced { run + 1 } else { 0 };
                verdict.voiced += u64::from(voiced);
                verdict.longest_ms = verdict.longest_ms.max(run * 32);
                verdict.first = verdict.first.or(voiced.then_some(at));
            }
            _ => {}
        })
        .unwrap();
    }
    verdict
}

fn energy(samples: &[f32]) -> f64 {
    samples.iter().map(|&x| f64::from(x).powi(2)).sum()
}

fn erle(mic: &[f32], clean: &[f32]) -> f64 {
    let n = mic.len().min(clean.len());
    10.0 * (energy(&mic[n / 2..n]) / energy(&clean[n / 2..n])).log10()
}

fn report(name: &str, raw: &Verdict, clean: &Verdict, erle: f64) {
    let part = |v: &Verdict| v.voiced as f64 / v.frames as f64;
    println!(
        "{name:24} raw {:.3} longest {:5} ms; clean {:.3} longest {:4} ms; ERLE (2nd half) {erle:5.1} dB",
        part(raw),
        raw.longest_ms,
        part(clean),
        clean.longest_ms,
    );
}

#[test]
fn the_agent_does_not_interrupt_itself_in_a_real_room() {
    let (Some(model), Some(far), Some(mic)) = (
        silero(),
        read("echo/9mkQhVtzTEy2hDk-6u2Sww_farend_singletalk_lpb.wav"),
        read("echo/9mkQhVtzTEy2hDk-6u2Sww_farend_singletalk_mic.wav"),
    ) else {
        return;
    };
    let raw = hear(&model, &far, &mic, false);
    let clean = hear(&model, &far, &mic, true);
    report("real far end", &raw, &clean, erle(&mic, &clean.clean));
    assert!(raw.longest_ms > 1_000, "without cancellation this would interrupt: {}", raw.longest_ms);
    assert!(clean.longest_ms < CONFIRMED_MS, "{} ms", clean.longest_ms);
}

#[test]
fn whoever_speaks_over_the_agent_is_not_missed_in_a_real_room() {
    let (Some(model), Some(far), Some(mic)) = (
        silero(),
        read("echo/DMTgmZwtgUilp4omPK7-OQ_doubletalk_lpb.wav"),
        read("echo/DMTgmZwtgUilp4omPK7-OQ_doubletalk_mic.wav"),
    ) else {
        return;
    };
    let raw = hear(&model, &far, &mic, false);
    let clean = hear(&model, &far, &mic, true);
    report("real double talk", &raw, &clean, erle(&mic, &clean.clean));
    // The person begins at 4.2 s; before, there is echo only.
    let first = clean.first.expect("the person is heard");
    assert!((66_000..70_000).contains(&first), "first voiced frame ends at {first}");
    assert!(clean.longest_ms > 1_000 && clean.voiced * 2 > clean.frames * 9 / 10, "{}", clean.longest_ms);
}

fn convolve(signal: &[f32], kernel: &[f32]) -> Vec<f32> {
    let size = (signal.len() + kernel.len()).next_power_of_two();
    let mut planner = realfft::RealFftPlanner::<f32>::new();
    let forward = planner.plan_fft_forward(size);
    let spectrum = |samples: &[f32]| {
        let mut padded = samples.to_vec();
        padded.resize(size, 0.0);
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut padded, &mut spectrum).unwrap();
        spectrum
    };
    let mut product = spectrum(signal);
    for (a, b) in product.iter_mut().zip(spectrum(kernel)) {
        *a *= b / size as f32;
    }
    let mut out = vec![0.0; size];
    planner.plan_fft_inverse(size).process(&mut product, &mut out).unwrap();
    out
}

/// The room's answer to `far`, `delay_ms` late and `gain` times as loud, with a mild distortion.
fn echo_of(far: &[f32], room: &[f32], delay_ms: usize, gain: f32) -> Vec<f32> {
    let peak = (0..room.len()).max_by(|&a, &b| room[a].abs().total_cmp(&room[b].abs())).unwrap();
    let room = &room[peak..];
    let scale = gain / energy(room).sqrt() as f32;
    let delay = delay_ms * RATE / 1000;
    let mut out = vec![0.0; delay];
    out.extend(convolve(far, room).iter().map(|x| x * scale));
    out.truncate(far.len());
    let mut noise = 1_u32;
    for x in &mut out {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *x = (*x * 1.5).tanh() / 1.5 + (noise as f32 / u32::MAX as f32 - 0.5) * 0.002;
    }
    out
}

fn agent() -> Option<Vec<f32>> {
    let mut far = vec![0.0; RATE / 2];
    far.extend(read("speech/librispeech_1089-134686-0001.wav")?);
    far.extend(vec![0.0; RATE / 2]);
    Some(far)
}

#[test]
fn the_agent_does_not_interrupt_itself_whatever_the_room() {
    let (Some(model), Some(far)) = (silero(), agent()) else { return };
    for (room, delay, gain) in
        [("rir1", 0, 0.5), ("rir1", 120, 1.0), ("rir2", 20, 0.3), ("rir2", 60, 2.0), ("rir1", 200, 1.0)]
    {
        let Some(answer) = read(&format!("rir/{room}.wav")) else { return };
        let mic = echo_of(&far, &answer, delay, gain);
        let raw = hear(&model, &far, &mic, false);
        let clean = hear(&model, &far, &mic, true);
        report(&format!("{room} {delay} ms ×{gain}"), &raw, &clean, erle(&mic, &clean.clean));
        assert!(raw.longest_ms > 1_000, "{}", raw.longest_ms);
        assert!(clean.longest_ms < CONFIRMED_MS, "{room}, {delay} ms, ×{gain}: {} ms", clean.longest_ms);
    }
}

#[test]
fn whoever_speaks_over_the_agent_is_not_missed_in_a_simulated_room() {
    let (Some(model), Some(far), Some(near)) = (silero(), agent(), read("speech/whatstheweatherlike.wav"))
    else {
        return;
    };
    let start = 4 * RATE + RATE / 2;
    for (room, delay, gain) in [("rir1", 40, 0.3), ("rir2", 80, 0.3), ("rir2", 20, 0.6)] {
        let Some(answer) = read(&format!("rir/{room}.wav")) else { return };
        let mut mic = echo_of(&far, &answer, delay, gain);
        for (to, from) in mic[start..].iter_mut().zip(&near) {
            *to += from * 0.5;
        }
        let raw = hear(&model, &far, &mic, false);
        let clean = hear(&model, &far, &mic, true);
        report(&format!("over {room} {delay} ms ×{gain}"), &raw, &clean, erle(&mic, &clean.clean));
        let first = clean.first.expect("the person is heard");
        let range = start as u64..(start + RATE * 7 / 10) as u64;
        assert!(range.contains(&first), "{room}: heard at {first}, speaks from {start}");
        assert!(clean.voiced * 32 >= 400, "{room}, {delay} ms, ×{gain}: {} frames", clean.voiced);
    }
}
