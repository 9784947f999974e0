//! Speaks: text as it comes to chunks of sound, from the first clause on.

use std::sync::Arc;

use duologue_models::text::{Piece as Written, WrittenFilter};
use duologue_models::{Cancel, SpeakOptions, Tts, text};
use duologue_pipeline::offline::SpeechStream;
use serde_json::json;

use super::job::{End, Out};
use super::refusal::{Code, Refusal};
use super::request::{Voice, short};
use super::sound::pcm;
use super::{DEFAULT_VOICE, Event, reply};

/// Longest chunk of sound, in ms.
const CHUNK_MS: usize = 40;

/// Speaks `text`: `audio-start`, chunks, `audio-stop`. Ends early, also inside a clause, once `cancel` is raised.
pub(super) fn speak(
    tts: &Arc<dyn Tts>,
    text: impl Iterator<Item = String>,
    options: SpeakOptions,
    cancel: &Cancel,
    out: &Out,
) -> Result<(), End> {
    let rate = tts.sample_rate();
    let mut sound = Chunks { rate, sent: 0, held: Vec::new() };
    out.give(Event::new("audio-start", sound.about()))?;
    let mut speech = SpeechStream::new(Arc::clone(tts), to_be_spoken(text), options);
    loop {
        let mut taken = Ok(());
        let spoken = speech.speak_next(cancel, &mut |piece| {
            if taken.is_ok() {
                taken = sound.push(&piece.samples, out);
            }
            if taken.is_err() {
                cancel.cancel();
            }
        });
        taken?;
        match spoken {
            None => break,
            Some(Err(_)) if cancel.is_cancelled() => return Err(End::Gone),
            Some(spoken) => spoken.map_err(Refusal::model)?,
        }
    }
    if cancel.is_cancelled() {
        return Err(End::Gone);
    }
    sound.flush(out)?;
    out.give(Event::new("audio-stop", json!({ "timestamp": sound.milliseconds() })))
}

/// `text` without what models write and nobody should hear.
fn to_be_spoken(text: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut filter = WrittenFilter::new();
    let mut pieces = text.map(Some).chain([None]).map(move |text| match text {
        Some(text) => filter.push(&text),
        None => filter.finish(),
    });
    std::iter::from_fn(move || {
        let said = pieces.next()?.into_iter().filter_map(|piece| match piece {
            Written::Text(text) => Some(text),
            Written::Reasoning(_) | Written::ToolCall { .. } => None,
        });
        Some(said.collect::<String>())
    })
}

/// Samples, cut into chunks to be sent.
struct Chunks {
    rate: u32,
    /// Samples that have been sent.
    sent: usize,
    held: Vec<f32>,
}

impl Chunks {
    fn push(&mut self, samples: &[f32], out: &Out) -> Result<(), End> {
        self.held.extend_from_slice(samples);
        let length = (self.rate as usize * CHUNK_MS / 1_000).max(1);
        let whole = self.held.len() / length * length;
        let held = self.held.split_off(whole);
        let ready = std::mem::replace(&mut self.held, held);
        ready.chunks(length).try_for_each(|chunk| self.send(chunk, out))
    }

    fn flush(&mut self, out: &Out) -> Result<(), End> {
        let rest = std::mem::take(&mut self.held);
        if rest.is_empty() { Ok(()) } else { self.send(&rest, out) }
    }

    fn send(&mut self, samples: &[f32], out: &Out) -> Result<(), End> {
        let event = Event::new("audio-chunk", self.about()).with_payload(pcm(samples));
        self.sent += samples.len();
        out.give(event)
    }

    /// The format, and when the next sample sounds.
    fn about(&self) -> serde_json::Value {
        json!({ "rate": self.rate, "width": 2, "channels": 1, "timestamp": self.milliseconds() })
    }

    fn milliseconds(&self) -> u64 {
        self.sent as u64 * 1_000 / u64::from(self.rate.max(1))
    }
}

/// The name of the voice that is asked for: by its name, else the first that speaks the language, else the `usual` one.
pub(super) fn voice(tts: &dyn Tts, asked: Option<Voice>, usual: &str) -> Result<String, Refusal> {
    let Voice { name, language } = asked.unwrap_or_default();
    let voices = tts.voices();
    if let Some(name) = name.filter(|name| name != DEFAULT_VOICE) {
        if voices.contains(&name) {
            return Ok(name);
        }
        let message = format!("no voice {:?}; this server has {}", short(&name), voices.join(", "));
        return Err(Refusal::new(Code::Unknown, message));
    }
    let Some(wanted) = language else { return Ok(usual.to_owned()) };
    let speaks = |voice: &str| primary(language_of(voice)).eq_ignore_ascii_case(primary(&wanted));
    if speaks(usual) {
        return Ok(usual.to_owned());
    }
    voices.iter().find(|voice| speaks(voice)).cloned().ok_or_else(|| {
        Refusal::new(
            Code::Unknown,
            format!("no voice speaks {:?}; `describe` lists the languages", short(&wanted)),
        )
    })
}

/// The language of a voice: what its name says, else the one that text is read in.
pub(super) fn language_of(voice: &str) -> &'static str {
    text::language::of_voice(voice).unwrap_or(text::language::TAGS[0])
}

fn primary(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}

/// What a refused request to speak still ends with.
pub(super) fn ending(streamed: bool) -> Vec<Event> {
    let kinds: &[&str] = if streamed { &["synthesize-stopped"] } else { &["audio-stop"] };
    kinds.iter().map(|kind| reply::bare(kind)).collect()
}
