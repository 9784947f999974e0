//! Prints what speaking costs on this machine; asserts nothing about time.
//!
//! `cargo test --release -p duologue-models --test it -- --ignored --nocapture --test-threads 1 kokoro::figures`

use std::num::NonZeroU16;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use duologue_models::text::{English, Vocabulary, phonemise};
use duologue_models::tts::kokoro::{Kokoro, KokoroOptions, ModelFiles};
use duologue_models::{Cancel, ErrorKind, SpeakOptions, Speech, Tts};

use super::material::{builtin_files, kokoro_files, random_kokoro};

const SENTENCE: &str = "Hello, my dear friend, it is seven o'clock, and the weather is lovely today.";

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Resident memory of this process in MB; 0 where it can't be told.
fn rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
}

fn load(files: &ModelFiles, threads: u16) -> Kokoro {
    let mut options = KokoroOptions::default();
    options.threads = NonZeroU16::new(threads);
    let start = Instant::now();
    let tts = Kokoro::load_files(files, Arc::new(English::new()), &options).unwrap();
    println!("load with warm-up: {:.0} ms; RSS {} MB", ms(start.elapsed()), rss());
    println!("{:?}", tts.cost().unwrap());
    tts
}

/// CPU time this process has used, in ms, in steps of 10: on a busy machine the fairer figure. 0 where it can't be told.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10
}

/// The best of `times` runs.
fn timed(tts: &Kokoro, text: &str, times: usize) -> (Duration, Speech) {
    let run = || {
        let start = Instant::now();
        let speech = tts.speak(text, &SpeakOptions::default(), &Cancel::new()).unwrap();
        (start.elapsed(), speech)
    };
    (0..times).map(|_| run()).min_by_key(|(took, _)| *took).unwrap()
}

fn report(tts: &Kokoro, text: &str, times: usize) {
    let phonemes = Vocabulary::kokoro().encode(&phonemise(text, &English::new())).ids.len() - 2;
    let before = cpu();
    let (took, speech) = timed(tts, text, times);
    let cpu = (cpu() - before) as f64 / times as f64;
    let audio = speech.samples.len() as f64 / f64::from(tts.sample_rate());
    println!(
        "{phonemes} phonemes: {:.1} ms for {audio:.2} s, RTF {:.4}, {:.2} ms per phoneme (CPU {cpu:.0} ms: {:.2}); RSS {} MB",
        ms(took),
        took.as_secs_f64() / audio,
        ms(took) / phonemes as f64,
        cpu / phonemes as f64,
        rss()
    );
}

/// The words of `text` that make about `phonemes` phonemes.
fn beginning(text: &str, phonemes: usize) -> String {
    let mut clause = String::new();
    for word in text.split_inclusive(' ') {
        let longer = clause.clone() + word;
        if !clause.is_empty() && phonemise(&longer, &English::new()).len() > phonemes {
            break;
        }
        clause = longer;
    }
    clause
}

#[test]
#[ignore = "prints figures"]
fn figures_of_the_builtin_voice() {
    let Some(files) = builtin_files() else { return };
    println!("before: RSS {} MB", rss());
    let start = Instant::now();
    let _ = phonemise("hello", &English::new());
    println!("first phonemes: {:.1} ms; RSS {} MB", ms(start.elapsed()), rss());
    let tts = load(&files, 1);
    for text in ["Yes.", "Hello there.", SENTENCE, &SENTENCE.repeat(2)] {
        report(&tts, text, 20);
    }
    let first = tts.cost().unwrap().first_clause_phonemes(Duration::from_millis(40));
    println!("first clause for 40 ms: {first} phonemes");
}

#[test]
#[ignore = "prints figures"]
fn figures_of_kokoros_true_graph() {
    let Some(files) = random_kokoro().and_then(kokoro_files) else { return };
    for threads in [1, 2] {
        println!("--- {threads} thread(s)");
        let tts = load(&files, threads);
        for text in ["Hello there.", &beginning(SENTENCE, 40), SENTENCE] {
            report(&tts, text, 2);
        }
        first_audio(&tts);
        for phonemes in [60, 195] {
            cancel_latency(&tts, &beginning(&SENTENCE.repeat(4), phonemes), phonemes);
        }
    }
}

/// Time to the first audio of a sentence, cut for this device, against the whole sentence at once.
fn first_audio(tts: &Kokoro) {
    let (whole, _) = timed(tts, SENTENCE, 1);
    for target in [500, 800, 1200] {
        let cost = tts.cost().unwrap();
        let first = cost.first_clause_phonemes(Duration::from_millis(target));
        let clause = beginning(SENTENCE, first);
        let (took, _) = timed(tts, &clause, 2);
        println!(
            "target {target} ms: {first} phonemes, {clause:?} in {:.0} ms (whole sentence {:.0} ms)",
            ms(took),
            ms(whole),
        );
    }
}

/// Cancels at eight points of a run.
fn cancel_latency(tts: &Kokoro, text: &str, phonemes: usize) {
    let (whole, _) = timed(tts, text, 1);
    let mut latencies: Vec<f64> = Vec::new();
    for eighth in 0..8u32 {
        let cancel = Cancel::new();
        let other = cancel.clone();
        let (result, thrown, ended) = thread::scope(|scope| {
            let thrower = scope.spawn(move || {
                thread::sleep(whole.mul_f32((eighth as f32 + 0.4) / 8.0));
                other.cancel();
                Instant::now()
            });
            let result = tts.speak(text, &SpeakOptions::default(), &cancel);
            let ended = Instant::now();
            (result, thrower.join().unwrap(), ended)
        });
        if result.is_err_and(|e| e.kind() == ErrorKind::Cancelled) {
            latencies.push(ms(ended.saturating_duration_since(thrown)));
        }
    }
    latencies.sort_by(f64::total_cmp);
    println!("cancel within {phonemes} phonemes ({:.0} ms): {latencies:.0?} ms; RSS {} MB", ms(whole), rss());
}
