//! Scores the detectors on a labelled set, and says how late they report speech.
//!
//! `cargo run -p duologue-vad --example score -- SET_DIR [SILERO.onnx …]`
//!
//! For each detector and profile: precision, recall and F1 per 10 ms; how long after the labels'
//! first sample of speech `SpeechStarted` came (p50/p90, samples heard at the decision); median time per frame.
//! The energy detector is scored last.

use std::env;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use duologue_vad::score::{Confusion, LabelledFile, labelled_files, score};
use duologue_vad::{Detector, Energy, Gated, SAMPLE_RATE, SegmenterConfig, SileroModel, Vad, VadEvent};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut arguments = env::args().skip(1);
    let set = arguments.next().ok_or("give the directory of a labelled set")?;
    let files = labelled_files(Path::new(&set))?;
    let recordings = files.iter().map(|file| read(&file.wav)).collect::<Outcome<Vec<_>>>()?;

    for path in arguments {
        let path = Path::new(&path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let model = SileroModel::load(path)?;
        report(&name, &mut model.stream()?, &files, &recordings)?;
        report(&format!("{name} gated"), &mut Gated::new(model.stream()?), &files, &recordings)?;
    }
    report("energy", &mut Energy::new(), &files, &recordings)?;
    Ok(())
}

fn report(name: &str, vad: &mut dyn Vad, files: &[LabelledFile], recordings: &[Vec<f32>]) -> Outcome<()> {
    for (profile, config) in
        [("accurate", SegmenterConfig::accurate()), ("responsive", SegmenterConfig::responsive())]
    {
        let mut total = Confusion::default();
        for (file, samples) in files.iter().zip(recordings) {
            let confusion = score(samples, &file.labels, vad, &config)?;
            if env::var_os("FILES").is_some() {
                println!("  {:24} F1 {:.3}", file.labels.name(), confusion.f1());
            }
            total = total + confusion;
        }
        let lags = lags(vad, &config, files, recordings)?;
        println!(
            "{name:28} {profile:10} P {:.3} R {:.3} F1 {:.3}  onset lag p50 {:4.0} p90 {:4.0} ms ({} of {} onsets)",
            total.precision(),
            total.recall(),
            total.f1(),
            percentile(&lags.heard, 0.5),
            percentile(&lags.heard, 0.9),
            lags.heard.len(),
            lags.all,
        );
    }
    println!("{name:28} {:.1} µs per frame of {} samples (p50)", time(vad, recordings)?, vad.frame_len());
    Ok(())
}

/// How many ms after each labelled onset `SpeechStarted` was decided.
struct Lags {
    heard: Vec<f64>,
    all: usize,
}

/// Plays each labelled stretch of speech after a second of that recording's quietest 100 ms, so that
/// every onset comes out of its own background.
fn lags(
    vad: &mut dyn Vad,
    config: &SegmenterConfig,
    files: &[LabelledFile],
    recordings: &[Vec<f32>],
) -> Outcome<Lags> {
    let mut lags = Lags { heard: Vec::new(), all: 0 };
    for (file, samples) in files.iter().zip(recordings) {
        let background = background(samples);
        for (start, end) in file.labels.speech() {
            let at = |seconds: f64| ((seconds * f64::from(SAMPLE_RATE)) as usize).min(samples.len());
            let (onset, end) = (background.len(), at(end));
            let signal = [&background[..], &samples[at(start)..end]].concat();
            vad.reset();
            let mut detector = Detector::new(&mut *vad, config)?;
            let mut decided = None;
            let mut on_event = |event| {
                if let VadEvent::SpeechStarted { detected_at, .. } = event {
                    decided = decided.or((detected_at > onset as u64).then_some(detected_at));
                }
            };
            detector.push(&signal, &mut on_event)?;
            detector.finish(&mut on_event)?;
            lags.all += 1;
            lags.heard.extend(decided.map(|at| (at as f64 - onset as f64) / 16.0));
        }
    }
    lags.heard.sort_by(f64::total_cmp);
    Ok(lags)
}

/// A second and a bit (so that onsets fall anywhere in a frame) of the quietest 100 ms, over and over.
fn background(samples: &[f32]) -> Vec<f32> {
    let energy = |piece: &[f32]| piece.iter().map(|x| x * x).sum::<f32>();
    let quietest =
        samples.chunks_exact(1_600).min_by(|a, b| energy(a).total_cmp(&energy(b))).unwrap_or(&[0.0; 1_600]);
    quietest.iter().copied().cycle().take(32_000 + samples.len() % 512).collect()
}

fn percentile(sorted: &[f64], part: f64) -> f64 {
    if sorted.is_empty() { f64::NAN } else { sorted[((sorted.len() - 1) as f64 * part).round() as usize] }
}

/// Median time of a frame, in µs: a busy machine's pauses fall on few frames.
fn time(vad: &mut dyn Vad, recordings: &[Vec<f32>]) -> Outcome<f64> {
    let (len, mut times) = (vad.frame_len(), Vec::new());
    for frame in recordings.iter().flat_map(|samples| samples.chunks_exact(len)) {
        let start = Instant::now();
        vad.predict(frame)?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Ok(percentile(&times, 0.5))
}

/// Reads a mono 16 kHz recording.
fn read(path: &Path) -> Outcome<Vec<f32>> {
    let mut wav = hound::WavReader::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let spec = wav.spec();
    if spec.channels != 1 || spec.sample_rate != SAMPLE_RATE || spec.bits_per_sample != 16 {
        return Err(format!("{}: {spec:?}; this example reads 16 kHz mono 16 bit", path.display()).into());
    }
    Ok(wav.samples::<i16>().map(|s| s.map(|s| f32::from(s) / 32_768.0)).collect::<Result<_, _>>()?)
}
