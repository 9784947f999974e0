//! What each stage costs: `cargo bench --bench stages`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use duologue::config::Config;
use duologue::models::text::{ClauseConfig, ClauseSplitter, English, phonemise};
use duologue::models::{Cancel, SpeakOptions};
use duologue::pipeline::conversation::{Config as Rules, Conversation, Input};
use duologue::pipeline::offline;
use duologue::setup::Models;

const SENTENCE: &str = "Your timer is set for ten minutes, and the kitchen lights are on.";

fn text(c: &mut Criterion) {
    let english = English::new();
    c.bench_function("text: sentence to phonemes", |b| b.iter(|| phonemise(black_box(SENTENCE), &english)));
    c.bench_function("text: sentence to clauses, token by token", |b| {
        b.iter(|| {
            let mut splitter = ClauseSplitter::new(ClauseConfig::default());
            for token in SENTENCE.split_inclusive(' ') {
                splitter.push(token);
                while let Some(clause) = splitter.next_clause() {
                    black_box(clause);
                }
            }
            splitter.finish();
            std::iter::from_fn(|| splitter.next_clause()).count()
        });
    });
}

fn models(c: &mut Criterion) {
    let models = Models::load(&Config::default(), false).expect("the engines and built-ins load");
    let options = SpeakOptions::default();
    c.bench_function("voice: one sentence (4 s)", |b| {
        b.iter(|| models.tts.speak(black_box(SENTENCE), &options, &Cancel::new()).expect("speech"));
    });
    let speech = models.tts.speak(SENTENCE, &options, &Cancel::new()).expect("speech");
    c.bench_function("recogniser: the same sentence", |b| {
        b.iter(|| {
            offline::transcribe(&*models.stt, &speech.samples, models.tts.sample_rate()).expect("text")
        });
    });
    let mut vad = models.vad().expect("a detector");
    let frame = vec![0.01; vad.frame_len()];
    c.bench_function("detector: one frame (32 ms)", |b| {
        b.iter(|| vad.predict(black_box(&frame)).expect("a level"))
    });
}

fn conversation(c: &mut Criterion) {
    c.bench_function("conversation: one frame's level", |b| {
        let mut core = Conversation::new(Rules::default()).expect("the defaults");
        core.handle(Input::Ready, Duration::ZERO);
        let mut at = 0;
        b.iter(|| {
            at += 512;
            core.handle(
                Input::Voice { at, voiced: false, probability: 0.1 },
                Duration::from_micros(at * 125 / 2),
            );
            while let Some(output) = core.poll_output() {
                black_box(output);
            }
        });
    });
}

criterion_group!(benches, text, models, conversation);
criterion_main!(benches);
