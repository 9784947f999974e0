//! Measures what this crate costs on this machine.
//!
//! ```text
//! cargo run --release -p duologue-native --example measure -- ../shared/material [kokoro-random.onnx]
//! ```
//! The second file is made by `../shared/kokoro-graph/fill.py`.

use std::{
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use duologue_native::{
    ErrorKind, Result, load,
    onnx::{Cancel, ElementKind::F32, ElementKind::I64, Session, SessionOptions, TensorView},
    sherpa::{OnlineConfig, OnlineModel, OnlineRecognizer},
};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let material = args.get(1).map_or("../shared/material", String::as_str).as_ref();
    let start = Instant::now();
    let natives = load()?;
    println!("load: {:.1} ms from {} ({:?})", ms(start.elapsed()), natives.dir().display(), natives.source());
    silero(material)?;
    streams(material)?;
    if let Some(kokoro) = args.get(2) {
        cancel(kokoro.as_ref())?;
    }
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn percentile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() - 1) * percent / 100]
}

fn silero(material: &Path) -> Result<()> {
    let path = material.join("vad/silero_vad_v6.2.1_16k_op15.onnx");
    let start = Instant::now();
    let session = Arc::new(Session::load(&path, &SessionOptions::default())?);
    println!("Silero: session in {:.1} ms", ms(start.elapsed()));
    let mut vad = session.bind(
        &[("input", &[1, 576], F32), ("state", &[2, 1, 128], F32), ("sr", &[], I64)],
        &[("output", &[1, 1], F32), ("stateN", &[2, 1, 128], F32)],
    )?;
    vad.input_i64(2)[0] = 16_000;
    let mut times = Vec::new();
    for i in 0..2_000 {
        vad.input_f32(0)
            .iter_mut()
            .enumerate()
            .for_each(|(k, x)| *x = ((i * 512 + k) as f32 * 0.1).sin() * 0.3);
        let start = Instant::now();
        vad.run()?;
        vad.swap(1, 1)?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let (p50, p95, p99) =
        (percentile(&mut times, 50), percentile(&mut times, 95), percentile(&mut times, 99));
    println!("Silero: Binding::run per 32 ms frame: p50 {p50:.0} us, p95 {p95:.0} us, p99 {p99:.0} us");
    Ok(())
}

/// How much faster than real time streams of the 3.3M zipformer are decoded, one thread per stream.
fn streams(material: &Path) -> Result<()> {
    let dir = material.join("stt/zipformer-3.3m-en");
    let model = OnlineModel::Transducer {
        encoder: dir.join("encoder.int8.onnx"),
        decoder: dir.join("decoder.onnx"),
        joiner: dir.join("joiner.int8.onnx"),
    };
    let start = Instant::now();
    let recognizer = OnlineRecognizer::new(&OnlineConfig::new(model, dir.join("tokens.txt")))?;
    println!("zipformer 3.3M: checked and loaded in {:.1} ms", ms(start.elapsed()));
    const SECONDS: usize = 30;
    let audio: Vec<f32> =
        (0..SECONDS * 16_000).map(|i| (i as f32 * 0.05).sin() * ((i / 3_000 % 5) as f32) * 0.05).collect();
    for count in [1, 2, 4, 8] {
        let start = Instant::now();
        let steps: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..count)
                .map(|_| {
                    scope.spawn(|| -> Result<usize> {
                        let mut stream = recognizer.stream()?;
                        let mut steps = 0;
                        for block in audio.chunks(160) {
                            stream.accept(block)?;
                            steps += stream.decode_ready();
                        }
                        Ok(steps)
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().expect("a decoding thread panicked")).sum::<Result<usize>>()
        })?;
        let wall = start.elapsed().as_secs_f64();
        let per_step = wall / steps as f64 * 1e3;
        println!(
            "zipformer 3.3M: {count} streams at {:.1} x real time each, {per_step:.1} ms of wall per chunk",
            SECONDS as f64 / wall
        );
    }
    Ok(())
}

/// From `cancel()` to the end of the run, at moments spread over a run.
fn cancel(path: &Path) -> Result<()> {
    let start = Instant::now();
    let session = Session::load(path, &SessionOptions::default())?;
    println!("Kokoro graph: session in {:.0} ms", ms(start.elapsed()));
    let style: Vec<f32> = (0..256).map(|i| 0.2 * (2.0 * i as f32).sin()).collect();
    for tokens in [60_i64, 300] {
        let ids: Vec<i64> =
            (0..tokens).map(|i| if i == 0 || i == tokens - 1 { 0 } else { 16 + i * 7 % 140 }).collect();
        let run = |cancel: &Cancel| {
            let shape = [1, tokens];
            let inputs = [
                ("tokens", TensorView::i64(&shape, &ids)),
                ("style", TensorView::f32(&[1, 256], &style)),
                ("speed", TensorView::f32(&[1], &[1.0])),
            ];
            session.run(&inputs, &["audio"], cancel)
        };
        let start = Instant::now();
        let samples = run(&Cancel::never())?[0].shape()[0];
        let whole = start.elapsed();
        let mut latencies = Vec::new();
        for part in 1..10 {
            let cancel = Cancel::new();
            thread::scope(|scope| {
                let running = scope.spawn(|| {
                    let result = run(&cancel);
                    (result.map_err(|e| e.kind()), Instant::now())
                });
                thread::sleep(whole * part / 10);
                let thrown = Instant::now();
                cancel.cancel();
                let (result, ended) = running.join().expect("the running thread panicked");
                if result.is_err_and(|kind| kind == ErrorKind::Cancelled) {
                    latencies.push(ms(ended.saturating_duration_since(thrown)));
                }
            });
        }
        let count = latencies.len();
        let (p50, p90, max) =
            (percentile(&mut latencies, 50), percentile(&mut latencies, 90), percentile(&mut latencies, 100));
        println!(
            "Kokoro graph, {tokens} tokens ({:.1} s of audio, whole run {:.0} ms): cancel p50 {p50:.1} ms, p90 {p90:.1} ms, max {max:.1} ms \
             ({count} cancelled runs)",
            samples as f64 / 24_000.0,
            ms(whole)
        );
    }
    Ok(())
}
