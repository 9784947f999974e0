//! `duologue vad`: segments of a recording, or a score over a labelled set.

use std::path::Path;

use anyhow::{Context, Result};
use duologue::pipeline::resample::Resampler;
use duologue::pipeline::wav::WavReader;
use duologue::setup;
use duologue::vad::score::{Confusion, labelled_files, score};
use duologue::vad::{Detector, SAMPLE_RATE, SegmenterConfig, Vad, VadEvent};
use duologue::{note, outln};
use serde_json::json;

use super::args::{Common, VadArgs};
use super::output::Table;

/// Longest labelled recording: 1 h at 48 kHz.
const LONGEST: usize = 48_000 * 3_600;

pub fn run(common: &Common, args: &VadArgs) -> Result<()> {
    let settings = common.settings()?;
    let vad = setup::vad(&settings.vad, common.offline)?;
    match (&args.file, &args.score) {
        (_, Some(dir)) => score_set(dir, vad, common.json),
        (Some(file), None) => segments(file, vad, common.json),
        (None, None) => unreachable!("invariant: clap asks for one of the two"),
    }
}

fn segments(file: &Path, vad: Box<dyn Vad>, json: bool) -> Result<()> {
    let mut reader = WavReader::open(file)?;
    let mut resampler = Resampler::new(reader.spec().rate, SAMPLE_RATE)?;
    let mut detector = Detector::new(vad, &SegmenterConfig::accurate())?;
    let mut start = 0;
    let mut printed = Ok(());
    let mut print = |event| match event {
        VadEvent::SpeechStarted { at, .. } => start = at,
        VadEvent::SpeechEnded { at, .. } if printed.is_ok() => printed = print_segment(start, at, json),
        VadEvent::SpeechEnded { .. } => {}
    };
    let mut samples = [0.0; 4_800];
    let mut resampled: Vec<f32> = Vec::new();
    loop {
        let n = reader.read(&mut samples)?;
        if n == 0 {
            break;
        }
        resampled.clear();
        resampler.process(&samples[..n], &mut |samples| resampled.extend_from_slice(samples));
        detector.push(&resampled, &mut print)?;
    }
    resampled.clear();
    resampler.flush(&mut |samples| resampled.extend_from_slice(samples));
    detector.push(&resampled, &mut print)?;
    detector.finish(&mut print)?;
    printed?;
    for warning in reader.warnings() {
        note!("duologue: {}: {warning}", file.display());
    }
    Ok(())
}

fn print_segment(start: u64, end: u64, json: bool) -> std::io::Result<()> {
    let seconds = |sample: u64| sample as f64 / f64::from(SAMPLE_RATE);
    if json {
        outln!("{}", json!({ "start": seconds(start), "end": seconds(end) }))
    } else {
        outln!("{:9.3} – {:9.3} s  ({:.3} s)", seconds(start), seconds(end), seconds(end - start))
    }
}

fn score_set(dir: &Path, mut vad: Box<dyn Vad>, json: bool) -> Result<()> {
    let files = labelled_files(dir)?;
    let config = SegmenterConfig::accurate();
    let mut table = Table::new(&["file", "precision", "recall", "F1", "10 ms frames"]);
    let mut rows = Vec::new();
    let mut all = Confusion::default();
    for file in &files {
        let mut reader = WavReader::open(&file.wav)?;
        let mut samples = Vec::new();
        let mut resampler = Resampler::new(reader.spec().rate, SAMPLE_RATE)?;
        resampler.whole(&reader.read_to_end(LONGEST)?, &mut samples);
        vad.reset();
        let confusion = score(&samples, &file.labels, &mut *vad, &config)?;
        let name =
            file.wav.file_name().context("a labelled file has no name")?.to_string_lossy().into_owned();
        table.row(cells(name.clone(), &confusion));
        rows.push(value(&name, &confusion));
        all = all + confusion;
    }
    table.row(cells("all".to_owned(), &all));
    if json {
        outln!("{}", json!({ "files": rows, "all": value("all", &all) }))?;
    } else {
        outln!("{}", table.render().trim_end())?;
    }
    Ok(())
}

fn cells(name: String, confusion: &Confusion) -> [String; 5] {
    let three = |x: f64| format!("{x:.3}");
    [
        name,
        three(confusion.precision()),
        three(confusion.recall()),
        three(confusion.f1()),
        confusion.frames().to_string(),
    ]
}

fn value(name: &str, confusion: &Confusion) -> serde_json::Value {
    json!({ "file": name, "precision": confusion.precision(), "recall": confusion.recall(), "f1": confusion.f1(), "frames": confusion.frames() })
}
