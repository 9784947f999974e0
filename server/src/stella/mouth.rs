//! Text-to-speech.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use duologue_models::{Cancel, SpeakOptions, Tts};
use duologue_pipeline::offline;
use duologue_pipeline::resample::Resampler;
use tokio::sync::mpsc;
use tonic::codegen::tokio_stream::Stream;
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::proto::tts::text_to_speech_server::{TextToSpeech, TextToSpeechServer};
use super::proto::tts::{
    AudioChunk, CapabilitiesResponse, Empty, HealthResponse, SynthesizeRequest, SynthesizeResponse,
    VoiceInfo, WarmupRequest, WarmupResponse,
};
use super::{MESSAGE, busy, not_loaded};
use crate::Engines;
use crate::audio::encode::write_pcm;
use crate::slots::{Slot, Slots};

/// Rate, in Hz, of a stream: no field says it, and clients play it so.
const RATE: u32 = 24_000;
/// Samples of a chunk: 20 ms.
const CHUNK: usize = 480;
/// Chunks that wait for a slow reader: a second; then the voice waits.
const WAITING: usize = 50;
/// The voices speak English.
const LANGUAGE: &str = "en";

/// The service over `engines`.
pub(super) fn service(engines: Engines, slots: Slots) -> TextToSpeechServer<Mouth> {
    TextToSpeechServer::new(Mouth { engines, slots }).max_encoding_message_size(MESSAGE)
}

pub(super) struct Mouth {
    engines: Engines,
    slots: Slots,
}

impl Mouth {
    /// What is to be spoken, by whom, in which slot.
    async fn begin(
        &self,
        request: SynthesizeRequest,
    ) -> Result<(Arc<dyn Tts>, SynthesizeRequest, Slot), Status> {
        if request.text.trim().is_empty() {
            return Err(Status::invalid_argument("text is empty"));
        }
        if request.speed != 0.0 && !(0.5..=2.0).contains(&request.speed) {
            let message = format!("speed {}: 0.5 to 2, or 0 for the voice's own, is wanted", request.speed);
            return Err(Status::invalid_argument(message));
        }
        let tts = Arc::clone(&self.engines.models().await.map_err(not_loaded)?.tts);
        if !request.voice.is_empty() && !tts.voices().contains(&request.voice) {
            let message = format!("no voice {:?} here; there are {}", request.voice, tts.voices().join(", "));
            return Err(Status::invalid_argument(message));
        }
        let slot = self.slots.interactive().await.map_err(busy)?;
        Ok((tts, request, slot))
    }
}

fn options(request: &SynthesizeRequest) -> SpeakOptions {
    let speed = if request.speed == 0.0 { 1.0 } else { request.speed };
    SpeakOptions { voice: request.voice.clone(), speed }
}

#[tonic::async_trait]
impl TextToSpeech for Mouth {
    type SynthesizeStreamStream = Pin<Box<dyn Stream<Item = Result<AudioChunk, Status>> + Send>>;

    async fn synthesize(
        &self,
        request: Request<SynthesizeRequest>,
    ) -> Result<Response<SynthesizeResponse>, Status> {
        let (tts, request, slot) = self.begin(request.into_inner()).await?;
        let cancel = Cancel::new();
        let _leaving = Leaving(cancel.clone());
        let spoken = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            let speech = offline::speak(&*tts, &request.text, &options(&request), &cancel)?;
            Ok::<_, duologue_pipeline::Error>((speech.samples, tts.sample_rate()))
        });
        let spoken = spoken.await.map_err(|_| Status::internal("the voice panicked"))?;
        let (samples, rate) = spoken.map_err(|error| Status::internal(error.to_string()))?;
        let mut audio_data = Vec::with_capacity(samples.len() * 2);
        write_pcm(&samples, &mut audio_data);
        let duration_ms = i32::try_from(samples.len() as u64 * 1_000 / u64::from(rate)).unwrap_or(i32::MAX);
        Ok(Response::new(SynthesizeResponse { audio_data, sample_rate: rate as i32, duration_ms }))
    }

    async fn synthesize_stream(
        &self,
        request: Request<SynthesizeRequest>,
    ) -> Result<Response<Self::SynthesizeStreamStream>, Status> {
        let (tts, request, slot) = self.begin(request.into_inner()).await?;
        let (sender, chunks) = mpsc::channel(WAITING);
        let cancel = Cancel::new();
        let leaving = Leaving(cancel.clone());
        tokio::task::spawn_blocking(move || {
            let _slot = slot;
            if let Err(status) = stream(&*tts, &request, &cancel, &sender) {
                // Whoever asked may have left.
                let _ = sender.blocking_send(Err(status));
            }
        });
        let chunks = ReceiverStream::new(chunks);
        let chunks = futures_util::StreamExt::map(chunks, move |chunk| {
            // Dropped with the stream, which ends the synthesis.
            let _ = &leaving;
            chunk
        });
        Ok(Response::new(Box::pin(chunks)))
    }

    async fn warmup(&self, _: Request<WarmupRequest>) -> Result<Response<WarmupResponse>, Status> {
        let began = Instant::now();
        let models = self.engines.models().await.map_err(not_loaded)?;
        let warmup_time_ms = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
        let message = "the models are loaded".to_owned();
        Ok(Response::new(WarmupResponse {
            success: true,
            warmup_time_ms,
            provider: models.tts.name().to_owned(),
            message,
        }))
    }

    async fn health_check(&self, _: Request<Empty>) -> Result<Response<HealthResponse>, Status> {
        let (healthy, provider) = match self.engines.try_models() {
            Ok(Some(models)) => (true, models.tts.name().to_owned()),
            Ok(None) => (true, "loading".to_owned()),
            Err(error) => (false, error.to_string()),
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Response::new(HealthResponse { healthy, provider, version }))
    }

    async fn get_capabilities(&self, _: Request<Empty>) -> Result<Response<CapabilitiesResponse>, Status> {
        let models = self.engines.models().await.map_err(not_loaded)?;
        let voices = models.tts.voices().iter().map(|name| VoiceInfo {
            id: name.clone(),
            display_name: name.clone(),
            languages: vec![LANGUAGE.to_owned()],
            default_language: LANGUAGE.to_owned(),
        });
        Ok(Response::new(CapabilitiesResponse {
            provider: models.tts.name().to_owned(),
            voices: voices.collect(),
            languages: vec![LANGUAGE.to_owned()],
            default_voice: models.tts.voices().first().cloned().unwrap_or_default(),
            supports_voice_selection: models.tts.voices().len() > 1,
        }))
    }
}

/// Ends the synthesis when the answer is dropped.
struct Leaving(Cancel);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Speaks in chunks of 20 ms; the last one says so.
fn stream(
    tts: &dyn Tts,
    request: &SynthesizeRequest,
    cancel: &Cancel,
    sender: &mpsc::Sender<Result<AudioChunk, Status>>,
) -> Result<(), Status> {
    let internal = |error: duologue_pipeline::Error| Status::internal(error.to_string());
    let mut resampler = Resampler::new(tts.sample_rate(), RATE).map_err(internal)?;
    let (mut waiting, mut chunk_index) = (Vec::new(), 0);
    let mut give = |samples: &[f32], is_final: bool| {
        let mut audio_data = Vec::with_capacity(samples.len() * 2);
        write_pcm(samples, &mut audio_data);
        let chunk = AudioChunk { audio_data, is_final, chunk_index };
        chunk_index += 1;
        // An error means that the client has left.
        if sender.blocking_send(Ok(chunk)).is_err() {
            cancel.cancel();
        }
    };
    offline::speak_in_pieces(tts, &request.text, &options(request), cancel, &mut |piece| {
        resampler.process(&piece.samples, &mut |some| waiting.extend_from_slice(some));
        // One chunk stays: it may be the last.
        let whole = waiting.len().saturating_sub(1) / CHUNK * CHUNK;
        waiting.drain(..whole).as_slice().chunks(CHUNK).for_each(|chunk| give(chunk, false));
    })
    .map_err(internal)?;
    resampler.flush(&mut |some| waiting.extend_from_slice(some));
    let (rest, last) = waiting.split_at(waiting.len().saturating_sub(1) / CHUNK * CHUNK);
    rest.chunks(CHUNK).for_each(|chunk| give(chunk, false));
    give(last, true);
    Ok(())
}
