//! `GET /metrics`: what the server did, in Prometheus' text format.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::Shared;
use super::refusal::Refusal;

/// Counters since the start. Times are in microseconds.
#[derive(Debug, Default)]
pub(super) struct Figures {
    speeches: AtomicU64,
    transcriptions: AtomicU64,
    refused: AtomicU64,
    first_audios: AtomicU64,
    first_audio: AtomicU64,
    spoken: AtomicU64,
    speaking: AtomicU64,
    heard: AtomicU64,
    hearing: AtomicU64,
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Figures {
    pub(super) fn asked_for_speech(&self) {
        self.speeches.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn asked_for_transcription(&self) {
        self.transcriptions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn first_audio(&self, after: Duration) {
        self.first_audios.fetch_add(1, Ordering::Relaxed);
        self.first_audio.fetch_add(micros(after), Ordering::Relaxed);
    }

    /// So much speech took so long.
    pub(super) fn spoke(&self, speech: Duration, took: Duration) {
        self.spoken.fetch_add(micros(speech), Ordering::Relaxed);
        self.speaking.fetch_add(micros(took), Ordering::Relaxed);
    }

    /// So much sound took so long to be heard.
    pub(super) fn heard(&self, sound: Duration, took: Duration) {
        self.heard.fetch_add(micros(sound), Ordering::Relaxed);
        self.hearing.fetch_add(micros(took), Ordering::Relaxed);
    }

    fn prometheus(&self, free: usize) -> String {
        let mut text = String::new();
        let mut counter = |name: &str, help: &str, value: &dyn std::fmt::Display| {
            let _ = write!(
                text,
                "# HELP duologue_{name} {help}\n# TYPE duologue_{name} counter\nduologue_{name} {value}\n"
            );
        };
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let seconds = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64 / 1e6;
        counter("speech_requests_total", "Requests for speech that got a slot.", &count(&self.speeches));
        counter(
            "transcription_requests_total",
            "Requests for transcripts that got a slot.",
            &count(&self.transcriptions),
        );
        counter("refused_total", "Requests refused because all slots were taken.", &count(&self.refused));
        counter("first_audio_count", "Speeches whose first audio was made.", &count(&self.first_audios));
        counter(
            "first_audio_seconds_sum",
            "Time from a slot to the first audio.",
            &seconds(&self.first_audio),
        );
        counter("spoken_seconds_total", "Speech made.", &seconds(&self.spoken));
        counter(
            "speaking_seconds_total",
            "Time that it took, waits for slow readers included.",
            &seconds(&self.speaking),
        );
        counter("heard_seconds_total", "Sound transcribed.", &seconds(&self.heard));
        counter("hearing_seconds_total", "Time that it took.", &seconds(&self.hearing));
        let _ = write!(
            text,
            "# HELP duologue_slots_free Slots for computing that are free.\n# TYPE duologue_slots_free gauge\nduologue_slots_free {free}\n"
        );
        text
    }
}

impl Shared {
    /// All slots are taken: counts it.
    pub(super) fn busy(&self) -> Refusal {
        self.figures.refused.fetch_add(1, Ordering::Relaxed);
        Refusal::busy()
    }
}

pub(super) async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let text = shared.figures.prometheus(shared.slots.free());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
