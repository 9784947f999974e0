//! What is done with sound: recognised, searched for wake words, or only told where there is speech.

use duologue_models::Stt;
use duologue_models::wake::WakeWords;
use duologue_pipeline::{Heard, Listener};
use duologue_setup::Models;
use duologue_vad::{Detector, SegmenterConfig, Vad, VadEvent};
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;

use super::job::{End, Input, Out};
use super::refusal::{Code, Refusal};
use super::request::{Detect, Transcribe, short};
use super::sound::{Intake, RATE};
use super::stable::Stable;
use super::{Event, reply};

/// Partials that must agree on a word before it is sent. One comes whenever something changes: a word is sent about when the
/// next but one is heard.
const AGREEING: usize = 2;

/// Feeds `hear` with the sound at 16 kHz, the rest of it last, until the client says that it has ended.
fn each(sound: &mut Receiver<Input>, mut hear: impl FnMut(&[f32]) -> Result<(), End>) -> Result<(), End> {
    let mut intake = Intake::default();
    loop {
        match sound.blocking_recv() {
            Some(Input::Sound(chunk)) => hear(intake.take(&chunk)?)?,
            Some(Input::Stop) => return hear(intake.finish()),
            None => return Err(End::Gone),
        }
    }
}

/// Recognises: `transcript-start`, what is certain as it comes, `transcript`, `transcript-stop`.
pub(super) fn transcribe(
    stt: &dyn Stt,
    vad: Box<dyn Vad>,
    request: Transcribe,
    announced: &str,
    language: &str,
    sound: &mut Receiver<Input>,
    out: &Out,
) -> Result<(), End> {
    if let Some(name) = request.name.filter(|name| name != announced) {
        let message = format!("no model {:?}; this server has {announced:?}", short(&name));
        return Err(Refusal::new(Code::Unknown, message).into());
    }
    let mut listener = Listener::new(stt, vad, RATE, &Listener::recording()).map_err(Refusal::model)?;
    // Of two recognisers the second has the last word: what the first one hears is no part of the transcript.
    let revised = stt.name().contains('+');
    let mut text = Stable::new(AGREEING);
    let about = |mut data: Value| {
        data["language"] = json!(language);
        if let Some(context) = &request.context {
            data["context"] = context.clone();
        }
        data
    };
    out.give(Event::new("transcript-start", about(json!({}))))?;
    each(sound, |samples| {
        let mut heard = Vec::new();
        listener.push(samples, &mut |one| heard.push(one)).map_err(Refusal::model)?;
        write(&mut text, heard, revised, out)
    })?;
    let mut heard = Vec::new();
    listener.finish(&mut |one| heard.push(one)).map_err(Refusal::model)?;
    write(&mut text, heard, revised, out)?;
    out.give(Event::new("transcript", about(json!({ "text": text.text() }))))?;
    out.give(reply::bare("transcript-stop"))
}

/// Sends what is certain.
fn write(text: &mut Stable, heard: Vec<Heard>, revised: bool, out: &Out) -> Result<(), End> {
    for one in heard {
        let more = match one {
            Heard::Partial { .. } if revised => continue,
            Heard::Partial { text: partial, .. } => text.partial(&partial),
            Heard::Final { text: last, .. } => text.last(&last),
            _ => continue,
        };
        if !more.is_empty() {
            out.give(Event::new("transcript-chunk", json!({ "text": more })))?;
        }
    }
    Ok(())
}

/// Looks for wake words: a `detection` for each, or `not-detected` at the end. Times count from `timestamp`, in ms.
pub(super) fn detect(
    words: &WakeWords,
    request: &Detect,
    timestamp: u64,
    sound: &mut Receiver<Input>,
    out: &Out,
) -> Result<(), End> {
    let wanted = request.names.as_deref().unwrap_or_default();
    let mut stream = words.stream().map_err(Refusal::model)?;
    let (mut heard, mut found) = (0, false);
    let mut tell = |keyword: Option<String>, heard: u64| -> Result<(), End> {
        let Some(name) = keyword.filter(|name| wanted.is_empty() || wanted.contains(name)) else {
            return Ok(());
        };
        found = true;
        let mut data = json!({ "name": name, "timestamp": milliseconds(timestamp, heard), "speaker": null });
        if let Some(context) = &request.context {
            data["context"] = context.clone();
        }
        out.give(Event::new("detection", data))
    };
    each(sound, |samples| {
        heard += samples.len() as u64;
        tell(stream.push(samples).map_err(Refusal::model)?, heard)
    })?;
    tell(stream.finish().map_err(Refusal::model)?, heard)?;
    if found {
        return Ok(());
    }
    out.give(reply::not_detected(request.context.as_ref()))
}

/// Tells where there is speech: `voice-started` and `voice-stopped`. Times count from `timestamp`, in ms.
pub(super) fn watch(
    models: &Models,
    timestamp: u64,
    sound: &mut Receiver<Input>,
    out: &Out,
) -> Result<(), End> {
    // The sound's own edges: nobody cuts by them here.
    let config = SegmenterConfig { pre_roll_ms: 0, post_roll_ms: 0, ..Listener::recording() };
    let vad = models.vad().map_err(Refusal::model)?;
    let mut detector = Detector::new(vad, &config).map_err(Refusal::model)?;
    let tell = |edges: Vec<VadEvent>| -> Result<(), End> {
        for edge in edges {
            let (kind, at) = match edge {
                VadEvent::SpeechStarted { at, .. } => ("voice-started", at),
                VadEvent::SpeechEnded { at, .. } => ("voice-stopped", at),
            };
            out.give(Event::new(kind, json!({ "timestamp": milliseconds(timestamp, at) })))?;
        }
        Ok(())
    };
    each(sound, |samples| {
        let mut edges = Vec::new();
        detector.push(samples, &mut |edge| edges.push(edge)).map_err(Refusal::model)?;
        tell(edges)
    })?;
    let mut edges = Vec::new();
    detector.finish(&mut |edge| edges.push(edge)).map_err(Refusal::model)?;
    tell(edges)
}

/// The time of a sample at 16 kHz, in a stream that began at `start` ms.
fn milliseconds(start: u64, sample: u64) -> u64 {
    start.saturating_add(sample * 1_000 / u64::from(RATE))
}

#[cfg(test)]
mod tests {
    use duologue_models::{Error, SttStream, Transcript};
    use duologue_vad::Energy;
    use tokio::sync::mpsc::channel;

    use super::*;
    use crate::wyoming::sound::{Format, Sound, pcm};

    /// Says how long an utterance was, in seconds, once it has ended; while it lasts, `partial` for each second.
    struct Length {
        name: &'static str,
        partial: &'static str,
    }
    struct LengthStream(&'static str, usize);

    impl Stt for Length {
        fn stream(&self) -> Result<Box<dyn SttStream>, Error> {
            Ok(Box::new(LengthStream(self.partial, 0)))
        }

        fn name(&self) -> &str {
            self.name
        }
    }

    impl SttStream for LengthStream {
        fn push(&mut self, samples: &[f32]) -> Result<(), Error> {
            self.1 += samples.len();
            Ok(())
        }

        fn partial(&self) -> Transcript {
            Transcript { text: self.0.repeat(self.1 / RATE as usize), ..Transcript::default() }
        }

        fn finish(&mut self) -> Result<Transcript, Error> {
            let text = format!("about {}", self.1.div_ceil(RATE as usize));
            Ok(Transcript { text, ..Transcript::default() })
        }

        fn reset(&mut self) {
            self.1 = 0;
        }
    }

    /// What comes of two bursts of 2 s with a pause of 2 s between them.
    fn heard(stt: &Length) -> Vec<(String, String)> {
        let (inbox, mut sound) = channel(16);
        let (out, mut events) = channel(64);
        let second = |level: f32| (0..RATE).map(move |i| if i % 2 == 0 { level } else { -level });
        for level in [0.0, 0.5, 0.5, 0.0, 0.0, 0.5, 0.5, 0.0] {
            let bytes = pcm(&second(level).collect::<Vec<_>>());
            let chunk = Sound::new(Format::new(u64::from(RATE), 2, 1).ok().unwrap(), bytes).ok().unwrap();
            inbox.try_send(Input::Sound(chunk)).ok().unwrap();
        }
        inbox.try_send(Input::Stop).ok().unwrap();
        let vad = Box::new(Energy::new());
        let done = transcribe(stt, vad, Transcribe::default(), "model", "en", &mut sound, &Out(out));
        assert!(done.is_ok());
        let text =
            |event: &Event| event.data.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
        std::iter::from_fn(|| events.try_recv().ok())
            .map(|event| (event.kind.clone(), text(&event)))
            .collect()
    }

    #[test]
    fn a_recogniser_of_whole_utterances_says_each_at_its_end() {
        let events = heard(&Length { name: "offline", partial: "" });
        let events: Vec<_> = events.iter().map(|(kind, text)| (kind.as_str(), text.as_str())).collect();
        assert_eq!(
            events,
            [
                ("transcript-start", ""),
                ("transcript-chunk", "about 3"),
                ("transcript-chunk", " about 3"),
                ("transcript", "about 3 about 3"),
                ("transcript-stop", ""),
            ]
        );
    }

    #[test]
    fn of_two_recognisers_the_first_is_not_sent() {
        let rough = Length { name: "rough+fine", partial: "rough " };
        assert!(heard(&rough).iter().all(|(_, text)| !text.contains("rough")));
        let alone = Length { name: "rough", partial: "rough " };
        assert!(heard(&alone).iter().any(|(_, text)| text.contains("rough")));
    }
}
