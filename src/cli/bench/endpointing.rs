//! How soon turns are ended, against how often somebody is cut in on, on a labelled set of turns.
//!
//! A set is a folder with a file `turns.tsv`. Each line is a place where somebody fell silent: the recording (beside the
//! file), where their last sample is, in seconds, `complete` or `cut`, and of a real pause its length in seconds, with a tab between them.
//!
//! ```text
//! order.wav  3.21  complete
//! order.wav  1.48  cut
//! order.wav  2.02  cut  0.74
//! ```
//!
//! `benches/turns.py` makes one of recordings. Each detector is asked as in a conversation, 200 ms after the last sample,
//! with the words that the recogniser has by then; what it says becomes a wait by the conversation's own settings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use duologue::models::{LastWords, TurnDetector};
use duologue::pipeline::conversation::Config;
use duologue::pipeline::endpoint::simulated::Clip;
use duologue::pipeline::resample::Resampler;
use duologue::setup::Models;

use super::Results;
use crate::cli::output::quantile;

/// Rate, in Hz, that models hear.
const RATE: f64 = 16_000.0;
/// Silence after which a detector is asked.
const ASKED: Duration = Duration::from_millis(200);
/// Whoever is answered so soon in the midst of a sentence was cut in on.
const SOON: Duration = Duration::from_millis(300);
/// Waits that need no detector, for comparison, in ms.
const FIXED: [u64; 5] = [300, 500, 700, 1_000, 1_300];
/// Longest stretch that is heard before the silence, in seconds.
const HEARD_S: f64 = 30.0;

/// A place where somebody fell silent.
struct Place {
    file: PathBuf,
    end_s: f64,
    complete: bool,
    pause: Option<Duration>,
}

/// What a detector said of it.
struct Judged {
    complete: bool,
    pause: Option<Duration>,
    probability: f32,
    wait: Duration,
}

/// Asks the detectors about every place of the set in `dir`.
pub fn run(
    models: &Models,
    config: &Config,
    dir: &Path,
    configured: &str,
    results: &mut Results,
) -> Result<()> {
    let places = read(dir)?;
    let count = |complete| places.iter().filter(|place| place.complete == complete).count() as f64;
    results.figure("endpointing_complete", "turns that are complete", count(true), "");
    results.figure("endpointing_cut", "places in the midst of a turn", count(false), "");
    let heard = places.iter().map(|place| hear(models, place)).collect::<Result<Vec<_>>>()?;
    let mut detectors: Vec<(&str, &dyn TurnDetector)> = vec![("last-words", &LastWords)];
    if configured != "last-words" {
        detectors.push((configured, &*models.turn));
    }
    for (name, detector) in detectors {
        let judged = places.iter().zip(&heard).map(|(place, (sound, words))| {
            let mut stream = detector.stream()?;
            stream.hear(sound);
            let probability = stream.predict(words)?;
            Ok(Judged::new(place, probability, config.endpoint_delay(probability)))
        });
        report(name, &judged.collect::<Result<Vec<_>>>()?, results);
    }
    for ms in FIXED {
        let wait = Duration::from_millis(ms);
        let judged: Vec<_> = places.iter().map(|place| Judged::new(place, 0.5, wait)).collect();
        report(&format!("fixed {ms} ms"), &judged, results);
    }
    Ok(())
}

impl Judged {
    fn new(place: &Place, probability: f32, wait: Duration) -> Self {
        Self { complete: place.complete, pause: place.pause, probability, wait }
    }
}

fn read(dir: &Path) -> Result<Vec<Place>> {
    let list = dir.join("turns.tsv");
    let text =
        std::fs::read_to_string(&list).with_context(|| format!("{}: cannot be read", list.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let place = |(number, line): (usize, &str)| {
        let wanted = || {
            format!(
                "{}:{}: FILE, SECONDS, complete or cut, and of a pause its seconds are wanted, with tabs",
                list.display(),
                number + 1
            )
        };
        let fields: Vec<&str> = line.split('\t').collect();
        let [file, end, kind, rest @ ..] = &fields[..] else { bail!(wanted()) };
        let complete = match *kind {
            "complete" => true,
            "cut" => false,
            _ => bail!(wanted()),
        };
        let seconds = |text: &str| {
            text.parse::<f64>().ok().filter(|s| (0.0..86_400.0).contains(s)).with_context(wanted)
        };
        let pause = rest.first().map(|text| seconds(text)).transpose()?.map(Duration::from_secs_f64);
        Ok(Place { file: dir.join(file), end_s: seconds(end)?, complete, pause })
    };
    lines.map(place).collect()
}

/// The sound up to the moment of the question, at 16 kHz, and the words that are known then.
fn hear(models: &Models, place: &Place) -> Result<(Vec<f32>, String)> {
    let clip = Clip::from_wav(&place.file)?;
    let mut samples = Vec::new();
    Resampler::new(clip.rate(), RATE as u32)?.whole(clip.samples(), &mut samples);
    let end = ((place.end_s * RATE) as usize).min(samples.len());
    let silence = (ASKED.as_secs_f64() * RATE) as usize;
    // Where somebody went on at once, what follows is no silence.
    if !place.complete && place.pause.is_none_or(|pause| pause < ASKED) {
        samples.truncate(end);
    }
    samples.resize(samples.len().max(end + silence), 0.0);
    samples.truncate(end + silence);
    samples.drain(..samples.len().saturating_sub((HEARD_S * RATE) as usize));
    let mut stream = models.stt.stream()?;
    for piece in samples.chunks(1_600) {
        stream.push(piece)?;
    }
    let words = stream.finish()?.text;
    Ok((samples, words))
}

fn report(name: &str, judged: &[Judged], results: &mut Results) {
    let id = name.replace([' ', '-'], "_");
    let mut figure = |what: &str, text: &str, value: f64, unit| {
        results.figure(&format!("endpointing_{id}_{what}"), &format!("{name}: {text}"), value, unit);
    };
    let (complete, cut): (Vec<&Judged>, Vec<&Judged>) = judged.iter().partition(|one| one.complete);
    let waits: Vec<Duration> = complete.iter().map(|one| one.wait).collect();
    if !name.starts_with("fixed") {
        figure("auc", "complete turns told from others, area under the curve", area(&complete, &cut), "");
    }
    let mean = waits.iter().sum::<Duration>().as_secs_f64() * 1e3 / waits.len().max(1) as f64;
    figure("wait_mean", "wait after a complete turn, mean", mean, "ms");
    for (percentile, share) in [(50, 0.5), (95, 0.95)] {
        if let Some(wait) = quantile(&waits, share) {
            let text = format!("wait after a complete turn, p{percentile}");
            figure(&format!("wait_p{percentile}"), &text, wait.as_secs_f64() * 1e3, "ms");
        }
    }
    let share = |some: usize, of: usize| some as f64 * 100.0 / of.max(1) as f64;
    let soon = cut.iter().filter(|one| one.wait <= SOON).count();
    figure(
        "cut_in_within_300_ms",
        "in the midst of a turn answered within 300 ms",
        share(soon, cut.len()),
        "%",
    );
    let pauses: Vec<&&Judged> = cut.iter().filter(|one| one.pause.is_some()).collect();
    let talked_over = pauses.iter().filter(|one| one.pause.is_some_and(|pause| one.wait < pause)).count();
    if !pauses.is_empty() {
        figure(
            "talked_over",
            "real pauses in which it began to answer",
            share(talked_over, pauses.len()),
            "%",
        );
    }
}

/// How often a complete turn is told to be likelier than another; half where both are the same.
fn area(complete: &[&Judged], cut: &[&Judged]) -> f64 {
    let pairs = complete.iter().flat_map(|a| cut.iter().map(move |b| (a.probability, b.probability)));
    let won: f64 = pairs
        .map(|(a, b)| {
            if a > b {
                1.0
            } else if a < b {
                0.0
            } else {
                0.5
            }
        })
        .sum();
    won / (complete.len() * cut.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(complete: bool, probability: f32) -> Judged {
        Judged { complete, pause: None, probability, wait: Duration::ZERO }
    }

    #[test]
    fn an_area_is_that_of_the_order_alone() {
        let complete = [judged(true, 0.9), judged(true, 0.4)];
        let cut = [judged(false, 0.4), judged(false, 0.1)];
        let area = area(&complete.iter().collect::<Vec<_>>(), &cut.iter().collect::<Vec<_>>());
        assert!((area - 0.875).abs() < 1e-9, "{area}");
    }

    #[test]
    fn a_wrong_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        for wrong in ["a.wav\t1.0", "a.wav\t1.0\tdone", "a.wav\tx\tcut", "a.wav\t1\tcut\t-1"] {
            std::fs::write(dir.path().join("turns.tsv"), format!("b.wav\t1\tcut\t0.5\n{wrong}\n")).unwrap();
            let error = read(dir.path()).err().unwrap();
            assert!(format!("{error:#}").contains("turns.tsv:2"), "{error:#}");
        }
    }
}
