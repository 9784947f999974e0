//! How fast a recogniser is, and how many real-time streams this machine holds.
//!
//! `cargo run --release -p duologue-models --example streams -- MODEL_DIR SPEECH.wav [THREADS] [PATHS]`
//!
//! Decodes the recording in 20 ms pieces on THREADS threads at once, several times each, and prints: the text;
//! how long one push and `finish` take; seconds of audio heard per second by all threads together, which
//! is how many real-time streams fit if they are to leave nothing for anything else.

use std::env;
use std::error::Error;
use std::path::Path;
use std::thread;
use std::time::Instant;

use duologue_models::stt::{SAMPLE_RATE, StreamingStt, Stt, SttOptions};

const PIECE: usize = 320;
const ROUNDS: usize = 3;

/// Times in ms.
#[derive(Default)]
struct Times {
    pushes: Vec<f64>,
    finishes: Vec<f64>,
    resets: Vec<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, wav, rest @ ..] = arguments.as_slice() else {
        return Err("give a model's directory and a 16 kHz mono recording".into());
    };
    let threads = rest.first().map_or(Ok(2), |text| text.parse())?;
    let paths = rest.get(1).map(|text| text.parse()).transpose()?;
    let start = Instant::now();
    let stt = StreamingStt::load(Path::new(model), &SttOptions { paths, ..SttOptions::default() })?;
    println!("{}: loaded in {:.0} ms", stt.name(), ms(start));
    let samples = read(Path::new(wav))?;
    let mut stream = stt.stream()?;
    samples.chunks(PIECE).try_for_each(|piece| stream.push(piece))?;
    println!("{}", stream.finish()?.text);

    let start = Instant::now();
    let times: Vec<Times> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| hear(&stt, &samples))).collect();
        workers.into_iter().map(|worker| worker.join().expect("no panic")).collect::<Result<_, _>>()
    })?;
    let wall = ms(start) / 1000.0;
    let audio = threads as f64 * ROUNDS as f64 * samples.len() as f64 / f64::from(SAMPLE_RATE);
    println!(
        "{threads} threads: {audio:.0} s of audio in {wall:.2} s: {:.1} real-time streams",
        audio / wall
    );
    let all = |of: fn(&Times) -> &Vec<f64>| times.iter().flat_map(of).copied().collect::<Vec<_>>();
    show("push 20 ms", all(|t| &t.pushes));
    show("finish", all(|t| &t.finishes));
    show("reset", all(|t| &t.resets));
    Ok(())
}

fn hear(stt: &StreamingStt, samples: &[f32]) -> Result<Times, duologue_models::Error> {
    let mut times = Times::default();
    let mut stream = stt.stream()?;
    for _ in 0..ROUNDS {
        for piece in samples.chunks(PIECE) {
            let start = Instant::now();
            stream.push(piece)?;
            times.pushes.push(ms(start));
        }
        let start = Instant::now();
        stream.finish()?;
        times.finishes.push(ms(start));
        let start = Instant::now();
        stream.reset();
        times.resets.push(ms(start));
    }
    Ok(times)
}

fn show(name: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize];
    println!("{name:10} p50 {:.2} ms  p95 {:.2} ms  max {:.2} ms", at(0.5), at(0.95), at(1.0));
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn read(path: &Path) -> Result<Vec<f32>, Box<dyn Error>> {
    let mut wav = hound::WavReader::open(path)?;
    if wav.spec().channels != 1 || wav.spec().sample_rate != SAMPLE_RATE || wav.spec().bits_per_sample != 16 {
        return Err(
            format!("{}: {:?}; this example reads 16 kHz mono 16 bit", path.display(), wav.spec()).into()
        );
    }
    Ok(wav.samples::<i16>().map(|s| s.map(|s| f32::from(s) / 32_768.0)).collect::<Result<_, _>>()?)
}
