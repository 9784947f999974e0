//! The facade: a pipeline running on an endpoint.
//!
//! Five threads carry the sound between the endpoint's callbacks: ear, scribe, turn detector, mouth and the
//! conversation. Each is a loop around a stage that never waits for another; dropping the pipeline
//! stops the endpoint first, then the threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender};
use duologue_models::{Cancel, SpeakOptions, Speech, Stt, Transcript, Tts};

use crate::assembly::{Builder, Parts};
use crate::conversation::Input;
use crate::director::Director;
use crate::endpoint::{End, Endpoint, EndpointIo, Running};
use crate::handle::Handle;
use crate::offline;
use crate::stages::{Clock, EarStage, MouthStage, ScribeStage, Signal};
use crate::turn::TurnStage;
use crate::{Error, ErrorKind};

/// How often the ear looks at its ring once what it waits for is due.
const EAR_PERIOD: Duration = Duration::from_millis(2);
/// How often it looks at it at least.
const EAR_PATIENCE: Duration = Duration::from_millis(40);

/// A running pipeline: it hears, asks the responder, and speaks.
///
/// Orders go through [`Handle`], which this dereferences to.
pub struct AudioPipeline {
    handle: Handle,
    stt: Arc<dyn Stt>,
    tts: Arc<dyn Tts>,
    endpoint: Option<Box<dyn Running>>,
    end: End,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Builder {
    /// Starts the pipeline on `endpoint`; it is ready when this returns.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a setting out of range; [`ErrorKind::Device`] if the endpoint
    /// cannot be opened; [`ErrorKind::Model`] if a model refuses.
    pub fn start(self, endpoint: Box<dyn Endpoint>) -> Result<AudioPipeline, Error> {
        let (stt, tts) = (Arc::clone(&self.stt), Arc::clone(&self.tts));
        let parts = self.assemble(endpoint.rates(), endpoint.playout(), Clock::Real(Instant::now()), true)?;
        AudioPipeline::launch(parts, endpoint, stt, tts)
    }
}

impl AudioPipeline {
    fn launch(
        parts: Parts,
        endpoint: Box<dyn Endpoint>,
        stt: Arc<dyn Stt>,
        tts: Arc<dyn Tts>,
    ) -> Result<Self, Error> {
        let Parts { capture, renderer, ear, scribe, turn, mouth, director, handle } = parts;
        let stop = Arc::new(AtomicBool::new(false));
        let signals = handle.signals.clone();
        let mut pipeline = Self {
            handle,
            stt,
            tts,
            endpoint: None,
            end: End::default(),
            stop: Arc::clone(&stop),
            threads: Vec::new(),
        };
        pipeline.spawn("ear", &signals, move || run_ear(ear, &stop))?;
        pipeline.spawn("scribe", &signals, move || run_scribe(scribe))?;
        if let Some(turn) = turn {
            pipeline.spawn("turn", &signals, move || run_turn(turn))?;
            // A model that never answers must not hold up the end: its thread ends when the scribe has.
            drop(pipeline.threads.pop());
        }
        pipeline.spawn("mouth", &signals, move || run_mouth(mouth))?;
        pipeline.spawn("conversation", &signals, move || run_conversation(director))?;
        let running = endpoint.start(EndpointIo { capture, playback: renderer })?;
        pipeline.end = running.end();
        pipeline.endpoint = Some(running);
        pipeline.handle.input(Input::Ready)?;
        Ok(pipeline)
    }

    /// Whether the endpoint has ended by itself; `Some` holds the reason if it failed.
    pub fn ended(&self) -> Option<Result<(), Error>> {
        self.end().told()
    }

    /// The endpoint's end, to wait for or to be woken by.
    pub fn end(&self) -> End {
        self.end.clone()
    }

    /// A clone-able hand on the pipeline, for other threads.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// What is said in `samples` (mono, `rate` Hz), apart from the conversation.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a rate out of `8000..=192000`; [`ErrorKind::Model`] if the
    /// recogniser fails.
    pub fn speech_to_text(&self, samples: &[f32], rate: u32) -> Result<Transcript, Error> {
        offline::transcribe(&*self.stt, samples, rate)
    }

    /// The whole of `text` as speech, not played; the marks' sources are bytes of `text`.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] if the voice fails or does not exist.
    pub fn text_to_speech(&self, text: &str, options: &SpeakOptions) -> Result<Speech, Error> {
        offline::speak(&*self.tts, text, options, &Cancel::new())
    }

    /// Speech clause by clause, as text comes in, not played.
    pub fn text_to_speech_stream<I>(
        &self,
        text: I,
        options: SpeakOptions,
    ) -> offline::SpeechStream<I::IntoIter>
    where
        I: IntoIterator<Item = String>,
    {
        offline::SpeechStream::new(Arc::clone(&self.tts), text.into_iter(), options)
    }

    fn spawn(
        &mut self,
        name: &'static str,
        signals: &Sender<Signal>,
        run: impl FnOnce() + Send + 'static,
    ) -> Result<(), Error> {
        let mourner = Mourner { name, signals: signals.clone() };
        let spawned = std::thread::Builder::new().name(format!("duologue-{name}")).spawn(move || {
            let _mourner = mourner;
            run();
        });
        let thread = spawned.map_err(|error| {
            Error::new(
                ErrorKind::Closed,
                format!("the {name} thread cannot be started: {error}; free some threads"),
            )
        })?;
        self.threads.push(thread);
        Ok(())
    }
}

impl std::ops::Deref for AudioPipeline {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for AudioPipeline {
    fn drop(&mut self) {
        self.endpoint = None;
        self.stop.store(true, Ordering::Release);
        // If the conversation takes no orders its thread is gone already.
        let _ = self.handle.input(Input::Close);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        self.handle.says.close();
        self.handle.events.close();
    }
}

/// Tells the conversation when a stage's thread panics.
struct Mourner {
    name: &'static str,
    signals: Sender<Signal>,
}

impl Drop for Mourner {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.signals.try_send(Signal::Died(self.name));
        }
    }
}

fn run_ear(mut ear: EarStage, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        ear.step();
        let mut waited = Duration::ZERO;
        // Sound may be due and not there: an endpoint gives it in pieces, and may be late.
        loop {
            let wait = ear.due().clamp(EAR_PERIOD, EAR_PATIENCE);
            std::thread::sleep(wait);
            waited += wait;
            if waited >= EAR_PATIENCE || ear.due().is_zero() {
                break;
            }
        }
    }
}

fn run_scribe(mut scribe: ScribeStage) {
    while let Ok(command) = scribe.inbox.recv() {
        let mut more = scribe.step(Some(command));
        while more {
            more = scribe.step(None);
        }
    }
}

fn run_turn(mut turn: TurnStage) {
    while let Ok(command) = turn.inbox.recv() {
        turn.step(Some(command));
    }
}

fn run_mouth(mut mouth: MouthStage) {
    loop {
        let patience = mouth.patience().unwrap_or(Duration::from_secs(3600));
        match mouth.inbox.recv_timeout(patience) {
            Ok(command) => {
                mouth.step(Some(command));
            }
            Err(RecvTimeoutError::Timeout) => {
                mouth.step(None);
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn run_conversation(mut director: Director) {
    while !director.is_closed() {
        match director.inbox().recv_timeout(director.patience()) {
            Ok(signal) => director.step(Some(signal)),
            Err(RecvTimeoutError::Timeout) => director.step(None),
            Err(RecvTimeoutError::Disconnected) => return,
        };
    }
}
