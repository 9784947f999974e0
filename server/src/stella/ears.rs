//! Speech-to-text.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use duologue_pipeline::{Heard, Listener, offline};
use duologue_setup::Models;
use duologue_vad::SegmenterConfig;
use tokio::sync::{Semaphore, mpsc};
use tonic::codegen::tokio_stream::Stream;
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::proto::stt::speech_to_text_server::{SpeechToText, SpeechToTextServer};
use super::proto::stt::{
    AudioChunk, Empty, HealthResponse, RedecodeRequest, RedecodeResponse, TranscriptEvent, WarmupRequest,
    WarmupResponse,
};
use super::utterance::Utterances;
use super::{MESSAGE, busy, not_loaded};
use crate::Engines;
use crate::slots::Slots;

/// Silence, in ms, that ends an utterance; the agent may join the next to it.
const PAUSE_MS: u32 = 500;
/// Rate, in Hz, of sound whose rate is not said.
const RATE: u32 = 16_000;
/// Pieces of sound, and events, that wait.
const WAITING: usize = 256;
/// Streams at a time: each has a thread.
const STREAMS: usize = 64;

/// The service over `engines`.
pub(super) fn service(engines: Engines, slots: Slots) -> SpeechToTextServer<Ears> {
    let ears = Ears { engines, slots, streams: Arc::new(Semaphore::new(STREAMS)), number: AtomicU64::new(0) };
    SpeechToTextServer::new(ears).max_decoding_message_size(MESSAGE)
}

pub(super) struct Ears {
    engines: Engines,
    slots: Slots,
    streams: Arc<Semaphore>,
    number: AtomicU64,
}

/// Milliseconds since 1970.
fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn rate(said: i32) -> Result<u32, Status> {
    match said {
        0 => Ok(RATE),
        8_000..=192_000 => Ok(said as u32),
        other => Err(Status::invalid_argument(format!(
            "sample_rate {other}: 8000 to 192000, or 0 for 16000, is wanted"
        ))),
    }
}

fn samples(pcm: &[u8]) -> Result<Vec<f32>, Status> {
    if !pcm.len().is_multiple_of(2) {
        return Err(Status::invalid_argument(
            "audio_data has an odd number of bytes; 16-bit samples are wanted",
        ));
    }
    Ok(pcm.chunks_exact(2).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0).collect())
}

#[tonic::async_trait]
impl SpeechToText for Ears {
    type StreamTranscribeStream = Pin<Box<dyn Stream<Item = Result<TranscriptEvent, Status>> + Send>>;

    async fn stream_transcribe(
        &self,
        request: Request<Streaming<AudioChunk>>,
    ) -> Result<Response<Self::StreamTranscribeStream>, Status> {
        let models = self.engines.models().await.map_err(not_loaded)?;
        let Ok(place) = Arc::clone(&self.streams).try_acquire_owned() else {
            return Err(Status::unavailable(format!("{STREAMS} streams are open already; try again later")));
        };
        let id = format!("{:x}-{}", wall_clock(), self.number.fetch_add(1, Ordering::Relaxed));
        let (events, out) = mpsc::channel(WAITING);
        let (sound, waiting) = mpsc::channel(WAITING);
        tokio::spawn(take(request.into_inner(), sound, events.clone()));
        std::thread::Builder::new()
            .name("duologue-stella".into())
            .spawn(move || {
                let _place = place;
                if let Err(status) = hear(&models, id, waiting, &events) {
                    // Whoever asked may have left.
                    let _ = events.blocking_send(Err(status));
                }
            })
            .map_err(|error| Status::unavailable(format!("no thread for the stream: {error}")))?;
        Ok(Response::new(Box::pin(ReceiverStream::new(out))))
    }

    async fn health_check(&self, _: Request<Empty>) -> Result<Response<HealthResponse>, Status> {
        let (healthy, model_status) = match self.engines.try_models() {
            Ok(Some(_)) => (true, "loaded".to_owned()),
            Ok(None) => (true, "loading".to_owned()),
            Err(error) => (false, error.to_string()),
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Response::new(HealthResponse { healthy, model_status, version }))
    }

    async fn warmup(&self, _: Request<WarmupRequest>) -> Result<Response<WarmupResponse>, Status> {
        let began = Instant::now();
        let models = self.engines.models().await.map_err(not_loaded)?;
        let warmup_time_ms = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
        let message = "the models are loaded".to_owned();
        Ok(Response::new(WarmupResponse {
            success: true,
            warmup_time_ms,
            provider: models.stt.name().to_owned(),
            message,
        }))
    }

    async fn redecode(
        &self,
        request: Request<RedecodeRequest>,
    ) -> Result<Response<RedecodeResponse>, Status> {
        let request = request.into_inner();
        let (samples, rate) = (samples(&request.audio_data)?, rate(request.sample_rate)?);
        let models = self.engines.models().await.map_err(not_loaded)?;
        let slot = self.slots.interactive().await.map_err(busy)?;
        let heard = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            offline::transcribe(&*models.stt, &samples, rate)
        });
        let heard = heard.await.map_err(|_| Status::internal("the recogniser panicked"))?;
        let text = heard.map_err(|error| Status::internal(error.to_string()))?.text;
        Ok(Response::new(RedecodeResponse { text }))
    }
}

/// Hands the client's sound on until it has ended its half.
async fn take(
    mut chunks: Streaming<AudioChunk>,
    sound: mpsc::Sender<AudioChunk>,
    events: mpsc::Sender<Result<TranscriptEvent, Status>>,
) {
    loop {
        let chunk = tokio::select! {
            chunk = chunks.message() => chunk,
            () = events.closed() => return,
        };
        // Its half is closed, it is gone, or nobody hears any more.
        let Ok(Some(chunk)) = chunk else { return };
        if sound.send(chunk).await.is_err() {
            return;
        }
    }
}

/// The thread of a stream.
fn hear(
    models: &Models,
    id: String,
    mut sound: mpsc::Receiver<AudioChunk>,
    events: &mpsc::Sender<Result<TranscriptEvent, Status>>,
) -> Result<(), Status> {
    let internal = |error: duologue_pipeline::Error| Status::internal(error.to_string());
    let config = SegmenterConfig { hangover_ms: PAUSE_MS, ..SegmenterConfig::responsive() };
    let mut utterances = Utterances::new(id, PAUSE_MS);
    // The rate that the listener is for, and the samples of that rate that it has heard.
    let mut listening: Option<(u32, u64, Listener)> = None;
    while let Some(chunk) = sound.blocking_recv() {
        let (rate, samples) = (rate(chunk.sample_rate)?, samples(&chunk.audio_data)?);
        utterances.participant(&chunk.participant_id);
        if listening.as_ref().is_some_and(|(of, ..)| *of != rate)
            && let Some((.., listener)) = &mut listening
        {
            tell(&mut utterances, events, |out| listener.finish(out)).map_err(internal)?;
            listening = None;
        }
        if listening.is_none() {
            let vad = models.vad().map_err(|error| Status::internal(error.to_string()))?;
            listening = Some((rate, 0, Listener::new(&*models.stt, vad, rate, &config).map_err(internal)?));
        }
        let Some((_, heard, listener)) = &mut listening else { continue };
        *heard += samples.len() as u64;
        tell(&mut utterances, events, |out| listener.push(&samples, out)).map_err(internal)?;
        if let Some(event) = utterances.confirm(*heard * 16_000 / u64::from(rate)) {
            give(events, event);
        }
    }
    match &mut listening {
        Some((.., listener)) => tell(&mut utterances, events, |out| listener.finish(out)).map_err(internal),
        None => Ok(()),
    }
}

/// Tells what `work` finds out.
fn tell(
    utterances: &mut Utterances,
    events: &mpsc::Sender<Result<TranscriptEvent, Status>>,
    work: impl FnOnce(&mut dyn FnMut(Heard)) -> Result<(), duologue_pipeline::Error>,
) -> Result<(), duologue_pipeline::Error> {
    let began = Instant::now();
    work(&mut |heard| {
        let took = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
        if let Some(event) = utterances.hear(heard, took) {
            give(events, event);
        }
    })
}

fn give(events: &mpsc::Sender<Result<TranscriptEvent, Status>>, mut event: TranscriptEvent) {
    event.timestamp_ms = wall_clock();
    // An error means that the client has left: its sound ends soon.
    let _ = events.blocking_send(Ok(event));
}
