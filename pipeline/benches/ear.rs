//! Processor time of the ear and of the audio callbacks, per 10 ms, on a real double-talk recording.
//!
//! `cargo bench -p duologue-pipeline --bench ear`. Time is what the kernel charged to the thread, so
//! that other programs do not count. Needs `../shared/material`; says so without it.

use std::path::Path;

use duologue_pipeline::capture::capture_ring;
use duologue_pipeline::ear::{Ear, EarConfig};
use duologue_pipeline::echo::{EchoCanceller, EchoConfig, NoiseReduction};
use duologue_pipeline::playback::{Epoch, PlaybackConfig, playback_ring};
use duologue_pipeline::resample::Resampler;
use duologue_vad::{Energy, SileroModel, Vad};

const MATERIAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material");

/// Nanoseconds this thread has run.
fn ran() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

/// Runs `block` with each of `blocks` indices, `passes` times after one that is not counted: the
/// kernel's account moves by milliseconds.
fn measure(name: &str, passes: usize, blocks: usize, mut block: impl FnMut(usize)) {
    (0..blocks).for_each(&mut block);
    let before = ran();
    for _ in 0..passes {
        (0..blocks).for_each(&mut block);
    }
    let per_block = (ran() - before) as f64 / 1e3 / (passes * blocks) as f64;
    println!("{name:52} {per_block:8.2} µs per 10 ms");
}

fn read(name: &str) -> Option<Vec<f32>> {
    let mut wav = hound::WavReader::open(Path::new(MATERIAL).join(name)).ok()?;
    Some(wav.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32_768.0).collect())
}

fn at_48k(samples: &[f32]) -> Vec<f32> {
    let mut out = Vec::new();
    let mut resampler = Resampler::new(16_000, 48_000).unwrap();
    resampler.process(samples, &mut |s| out.extend_from_slice(s));
    out
}

fn main() {
    let names = ["lpb", "mic"].map(|part| format!("echo/DMTgmZwtgUilp4omPK7-OQ_doubletalk_{part}.wav"));
    let [Some(far), Some(mic)] = names.map(|name| read(&name)) else {
        println!("SKIPPED: {MATERIAL} is not there");
        return;
    };
    let blocks = far.len().min(mic.len()) / 160 - 1;
    let block = |samples: &[f32], i: usize| -> [f32; 160] { samples[i * 160..][..160].try_into().unwrap() };
    let reduced = EchoConfig { noise_reduction: NoiseReduction::Moderate, ..EchoConfig::default() };
    for (name, config) in
        [("echo canceller, 16 kHz", EchoConfig::default()), ("  with noise reduction", reduced)]
    {
        let mut canceller = EchoCanceller::new(&config).unwrap();
        let (mut clean, mut heard) = ([0.0; 160], [0.0; 160]);
        measure(name, 5, blocks, |i| {
            canceller.process(&block(&far, i), &block(&mic, i), &mut clean, &mut heard);
        });
    }
    let (far, mic) = (at_48k(&far), at_48k(&mic));
    let mut resampler = Resampler::new(48_000, 16_000).unwrap();
    measure("resampler, 48 → 16 kHz", 100, blocks, |i| {
        resampler.process(&mic[i * 480..][..480], &mut |_| {})
    });
    ear("ear at 48 kHz, energy VAD", &far, &mic, blocks, Box::new(Energy::new()));
    match SileroModel::load(&Path::new(MATERIAL).join("vad/silero_vad_v6.2.1_16k_op15.onnx")) {
        Ok(model) => ear("ear at 48 kHz, Silero VAD", &far, &mic, blocks, Box::new(model.stream().unwrap())),
        Err(e) => println!("SKIPPED: Silero: {e}"),
    }
    callbacks(&far, blocks);
}

fn ear(name: &str, far: &[f32], mic: &[f32], blocks: usize, vad: Box<dyn Vad>) {
    let (mut writer, mut capture) = capture_ring(48_000, 200);
    let (mut mouth, control, mut renderer, mut reference) =
        playback_ring(&PlaybackConfig::new(48_000)).unwrap();
    control.begin(Epoch(1));
    let mut ear = Ear::new(&EarConfig::default(), vad, 48_000, 48_000).unwrap();
    measure(name, 5, blocks, |i| {
        mouth.push(Epoch(1), &far[i * 480..][..480]);
        renderer.render(&mut [0.0; 480]);
        writer.push(&mic[i * 480..][..480]);
        ear.process(&mut capture, &mut reference, &mut |_| {}).unwrap();
    });
}

fn callbacks(far: &[f32], blocks: usize) {
    let (mut mouth, control, mut renderer, mut reference) =
        playback_ring(&PlaybackConfig::new(48_000)).unwrap();
    control.begin(Epoch(1));
    let mut out = [0.0; 480];
    measure("playback callback at 48 kHz, and the mouth's push", 200, blocks, |i| {
        mouth.push(Epoch(1), &far[i * 480..][..480]);
        renderer.render(&mut out);
        reference.read(&mut [0.0; 480]);
    });
    let (mut writer, mut reader) = capture_ring(48_000, 200);
    measure("capture callback at 48 kHz, and the ear's read", 200, blocks, |i| {
        writer.push(&far[i * 480..][..480]);
        reader.read(&mut out);
    });
}
