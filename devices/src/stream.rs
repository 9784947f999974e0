//! Opens the two streams, watches them, closes them.

use crate::callback::{Capturing, Playing, slot};
use crate::device_error;
use crate::find::Chosen;
use crate::health::{Health, Reports, reports};
use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{BufferSize, FromSample, SampleFormat, SizedSample, Stream, StreamConfig, SupportedBufferSize};
use duologue_pipeline::capture::CaptureWriter;
use duologue_pipeline::endpoint::{End, EndpointIo, Running};
use duologue_pipeline::playback::Renderer;
use duologue_pipeline::{Error, ErrorKind};
use ringbuf::HeapProd;
use ringbuf::traits::Producer;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long the system may take to open a stream, and the speakers to call back.
const OPEN: Duration = Duration::from_secs(5);
/// How often the devices' reports are read.
const LOOK: Duration = Duration::from_millis(250);

/// Runs `$call` with the type parameter `T` that `$format` stands for.
macro_rules! with_sample_type {
    ($format:expr, $fallback:expr, |$t:ident| $call:expr) => {
        match $format {
            SampleFormat::F32 => {
                type $t = f32;
                $call
            }
            SampleFormat::F64 => {
                type $t = f64;
                $call
            }
            SampleFormat::I8 => {
                type $t = i8;
                $call
            }
            SampleFormat::I16 => {
                type $t = i16;
                $call
            }
            SampleFormat::I24 => {
                type $t = cpal::I24;
                $call
            }
            SampleFormat::I32 => {
                type $t = i32;
                $call
            }
            SampleFormat::I64 => {
                type $t = i64;
                $call
            }
            SampleFormat::U8 => {
                type $t = u8;
                $call
            }
            SampleFormat::U16 => {
                type $t = u16;
                $call
            }
            SampleFormat::U24 => {
                type $t = cpal::U24;
                $call
            }
            SampleFormat::U32 => {
                type $t = u32;
                $call
            }
            SampleFormat::U64 => {
                type $t = u64;
                $call
            }
            _ => $fallback,
        }
    };
}

/// Running devices; dropping them stops the callbacks.
pub(super) struct RunningDevices {
    /// Dropped first, so that no callback outlives the rest.
    _streams: Vec<Stream>,
    health: Arc<Health>,
    end: End,
    /// Dropped with the rest, which ends the watching thread.
    _watched: Sender<()>,
}

/// What tells that a device has gone: its reports, and its silence.
struct Watch {
    microphone: Option<Reports>,
    speakers: Reports,
}

impl Watch {
    fn failure(&mut self, health: &Health) -> Option<Error> {
        let heard = self.microphone.as_mut().and_then(|reports| reports.check(&health.microphone));
        heard.or_else(|| self.speakers.check(&health.speakers))
    }

    /// Looks at the devices until one has gone, or nobody wants to know any more. The callbacks cannot wake
    /// anybody, since that enters the kernel; so they are looked at.
    fn run(mut self, health: &Health, end: &End, watched: &Receiver<()>) {
        while let Err(RecvTimeoutError::Timeout) = watched.recv_timeout(LOOK) {
            if let Some(failure) = self.failure(health) {
                return end.tell(Err(failure));
            }
        }
    }
}

impl RunningDevices {
    pub(super) fn start(
        microphone: &Chosen,
        speakers: &Chosen,
        period_ms: u32,
        io: EndpointIo,
        health: Arc<Health>,
    ) -> Result<Self, Error> {
        let (input, mut to_input, heard) =
            open(microphone, period_ms, |config| capture(microphone, config, &health))?;
        let (output, mut to_output, played) =
            open(speakers, period_ms, |config| playback(speakers, config, &health))?;
        // The slots are new: each takes one value.
        let _ = to_input.try_push(io.capture);
        let _ = to_output.try_push(io.playback);
        input.play().map_err(|e| device_error("start the microphone", &microphone.name, &e))?;
        output.play().map_err(|e| device_error("start the speakers", &speakers.name, &e))?;
        let watch = Watch { microphone: Some(heard), speakers: played };
        Self::ready(vec![input, output], watch, health, &speakers.name)
    }

    /// Without a microphone.
    pub(super) fn start_speakers(
        speakers: &Chosen,
        period_ms: u32,
        renderer: Renderer,
        health: Arc<Health>,
    ) -> Result<Self, Error> {
        let (output, mut to_output, played) =
            open(speakers, period_ms, |config| playback(speakers, config, &health))?;
        let _ = to_output.try_push(renderer);
        output.play().map_err(|e| device_error("start the speakers", &speakers.name, &e))?;
        let watch = Watch { microphone: None, speakers: played };
        Self::ready(vec![output], watch, health, &speakers.name)
    }

    fn ready(streams: Vec<Stream>, watch: Watch, health: Arc<Health>, speakers: &str) -> Result<Self, Error> {
        let (sender, watched) = channel();
        let running = Self { _streams: streams, health, end: End::default(), _watched: sender };
        let (health, end) = (Arc::clone(&running.health), running.end.clone());
        std::thread::Builder::new()
            .name("devices-watch".into())
            .spawn(move || watch.run(&health, &end, &watched))
            .map_err(|e| {
                Error::new(
                    ErrorKind::Device,
                    format!("cannot start the thread that watches the devices: {e}"),
                )
            })?;
        running.until_ready(speakers)?;
        Ok(running)
    }

    fn until_ready(&self, speakers: &str) -> Result<(), Error> {
        let start = Instant::now();
        while self.health.speakers.callbacks() == 0 {
            if let Some(Err(e)) = self.end.told() {
                return Err(e);
            }
            if start.elapsed() > OPEN {
                let what = format!(
                    "speakers {speakers:?} opened but asked for no sample within 5 s; choose another device, \
                     or restart the system's sound server"
                );
                return Err(Error::new(ErrorKind::Device, what));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Running for RunningDevices {
    fn end(&self) -> End {
        self.end.clone()
    }
}

type Opened<T> = (Stream, HeapProd<T>, Reports);

/// Opens a stream with the period that was asked for, or the device's own if it refuses.
fn open<T>(
    chosen: &Chosen,
    period_ms: u32,
    build: impl Fn(StreamConfig) -> Result<Opened<T>, cpal::Error>,
) -> Result<Opened<T>, Error> {
    let mut config = chosen.format.config();
    config.buffer_size = period(chosen, period_ms);
    let first = build(config);
    let opened = match first {
        Err(e)
            if config.buffer_size != BufferSize::Default
                && e.kind() == cpal::ErrorKind::UnsupportedConfig =>
        {
            tracing::debug!("{:?} refuses periods of {period_ms} ms ({e}); its own are used", chosen.name);
            config.buffer_size = BufferSize::Default;
            build(config)
        }
        other => other,
    };
    opened.map_err(|e| device_error("open", &chosen.name, &e))
}

fn period(chosen: &Chosen, ms: u32) -> BufferSize {
    let frames = chosen.format.sample_rate() / 1_000 * ms;
    match chosen.format.buffer_size() {
        SupportedBufferSize::Range { min, max } if min <= max => BufferSize::Fixed(frames.clamp(*min, *max)),
        _ => BufferSize::Default,
    }
}

fn capture(
    chosen: &Chosen,
    config: StreamConfig,
    health: &Arc<Health>,
) -> Result<Opened<CaptureWriter>, cpal::Error> {
    fn build<T: SizedSample>(
        chosen: &Chosen,
        config: StreamConfig,
        health: &Arc<Health>,
    ) -> Result<Opened<CaptureWriter>, cpal::Error>
    where
        f32: FromSample<T>,
    {
        let (sender, slot) = slot();
        let (mut reporter, reports) = reports(&chosen.name);
        let mut callback = Capturing::new(slot, config.channels, health.clone());
        let failed = health.clone();
        let stream = chosen.device.build_input_stream(
            config,
            move |frames: &[T], _: &_| callback.call(frames),
            move |e| reporter.report(&failed.microphone, e),
            Some(OPEN),
        )?;
        Ok((stream, sender, reports))
    }
    let unsupported = Err(cpal::ErrorKind::UnsupportedConfig.into());
    with_sample_type!(chosen.format.sample_format(), unsupported, |T| build::<T>(chosen, config, health))
}

fn playback(
    chosen: &Chosen,
    config: StreamConfig,
    health: &Arc<Health>,
) -> Result<Opened<Renderer>, cpal::Error> {
    fn build<T: SizedSample + FromSample<f32>>(
        chosen: &Chosen,
        config: StreamConfig,
        health: &Arc<Health>,
    ) -> Result<Opened<Renderer>, cpal::Error> {
        let (sender, slot) = slot();
        let (mut reporter, reports) = reports(&chosen.name);
        let mut callback = Playing::new(slot, config.channels, health.clone());
        let failed = health.clone();
        let stream = chosen.device.build_output_stream(
            config,
            move |frames: &mut [T], _: &_| callback.call(frames),
            move |e| reporter.report(&failed.speakers, e),
            Some(OPEN),
        )?;
        Ok((stream, sender, reports))
    }
    let unsupported = Err(cpal::ErrorKind::UnsupportedConfig.into());
    with_sample_type!(chosen.format.sample_format(), unsupported, |T| build::<T>(chosen, config, health))
}
