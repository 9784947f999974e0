//! One connection's requests: what was announced, what flows, what is spoken.
//!
//! ```text
//!            transcribe, detect                audio-start                 audio-stop
//!   idle ───────────────────────▶ asked ─────────────────────▶ open ─────────────────────▶ idle
//!     └────────────── audio-start (nothing asked: voice activity) ──▶┘
//! ```
//! Sound and speech are apart: a client may be spoken to while it is heard. Of each kind one job runs at a time; the next
//! waits for it, and the client's bytes with it. A new request takes the place of one whose input has not ended.

use std::sync::Arc;

use duologue_models::{Cancel, SpeakOptions};
use serde_json::json;
use tokio::sync::mpsc::{Sender, UnboundedSender, channel, unbounded_channel};
use tokio::task::JoinHandle;

use super::info::{info, model_name};
use super::job::{self, End, Input};
use super::refusal::{Code, Refusal};
use super::request::{Detect, Request, Speaker, Transcribe, short};
use super::sound::Sound;
use super::{Event, Options, PROGRAM, hear, reply, speak};
use crate::Engines;

/// Chunks of sound that wait for a job.
const WAITING: usize = 4;
/// Most text, in bytes, that one request may have spoken: an hour's worth. It bounds the queue of text, too.
const LONGEST_TEXT: usize = 64 << 10;

/// The client has left: nobody takes events any more.
#[derive(Debug)]
pub(super) struct Left;

/// One connection's requests.
pub(super) struct Session {
    engines: Engines,
    options: Arc<Options>,
    out: Sender<Event>,
    hearing: Hearing,
    speaking: Speaking,
    /// The job about sound, and the one that speaks, which may still run.
    hearing_job: Option<JoinHandle<()>>,
    speaking_job: Option<JoinHandle<()>>,
    /// Ends what is being spoken.
    cancel: Cancel,
}

/// What is to be done with sound.
enum Task {
    Transcribe(Transcribe),
    Detect(Detect),
    Watch,
}

enum Hearing {
    Idle,
    Asked(Task),
    Open(Sender<Input>, Vec<Event>),
    /// Refused: what comes is left out until the sound ends; then these events come.
    Refused(Vec<Event>),
}

enum Speaking {
    Idle,
    /// A stream of text; so many bytes have come.
    Open(UnboundedSender<String>, usize),
    /// Refused: what comes is left out until the text ends.
    Refused,
}

impl Session {
    pub(super) fn new(engines: Engines, options: Arc<Options>, out: Sender<Event>) -> Self {
        Self {
            engines,
            options,
            out,
            hearing: Hearing::Idle,
            speaking: Speaking::Idle,
            hearing_job: None,
            speaking_job: None,
            cancel: Cancel::new(),
        }
    }

    /// Whether a job works on something that has come whole, so that silence of the client means nothing.
    pub(super) fn is_busy(&self) -> bool {
        let runs = |job: &Option<JoinHandle<()>>| job.as_ref().is_some_and(|job| !job.is_finished());
        let hears = !matches!(self.hearing, Hearing::Open(..)) && runs(&self.hearing_job);
        let speaks = !matches!(self.speaking, Speaking::Open(..)) && runs(&self.speaking_job);
        hears || speaks
    }

    /// Lets jobs end whose input has come whole; ends the others.
    pub(super) async fn finish(&mut self) {
        self.hearing = Hearing::Idle;
        if let Speaking::Open(..) = self.speaking {
            self.cancel.cancel();
            self.speaking = Speaking::Idle;
        }
        settle(&mut self.hearing_job).await;
        settle(&mut self.speaking_job).await;
    }

    /// Does what `event` asks for, or begins it.
    ///
    /// # Errors
    /// [`Left`] if nobody takes the answer any more.
    pub(super) async fn handle(&mut self, event: Event) -> Result<(), Left> {
        let kind = event.kind.clone();
        let request = match Request::read(event) {
            Ok(request) => request,
            Err(refusal) => return self.refuse(&kind, refusal).await,
        };
        match request {
            Request::Describe => {
                let info = info(&self.engines, &self.options).await;
                self.send(info).await
            }
            Request::Ping(ping) => self.send(Event::new("pong", json!({ "text": ping.text }))).await,
            Request::SelectProgram(program) => self.select(&program.name).await,
            Request::Transcribe(request) => self.ask(Task::Transcribe(request)),
            Request::Detect(request) => self.ask(Task::Detect(request)),
            Request::AudioStart { timestamp } => self.open(timestamp).await,
            Request::AudioChunk(sound) => self.hear(sound).await,
            Request::AudioStop => self.close().await,
            Request::Synthesize { text, speaker } => self.synthesize(text, speaker).await,
            Request::SynthesizeStart(speaker) => self.begin_text(speaker).await,
            Request::SynthesizeChunk { text } => self.more_text(text).await,
            Request::SynthesizeStop => self.end_text().await,
            Request::Other => Ok(()),
        }
    }

    /// An event of type `kind` cannot be done, nor can what follows it.
    async fn refuse(&mut self, kind: &str, refusal: Refusal) -> Result<(), Left> {
        match kind {
            "transcribe" => self.refuse_with(refusal, Task::Transcribe(Transcribe::default()).ending()).await,
            "detect" => self.refuse_with(refusal, Task::Detect(Detect::default()).ending()).await,
            "audio-start" | "audio-chunk" => self.refuse_sound(refusal).await,
            "synthesize-start" => self.refuse_text(refusal).await,
            "synthesize" if matches!(self.speaking, Speaking::Idle) => {
                self.tell(refusal.event(), speak::ending(false)).await
            }
            _ => self.send(refusal.event()).await,
        }
    }

    async fn send(&self, event: Event) -> Result<(), Left> {
        self.out.send(event).await.map_err(|_| Left)
    }

    async fn tell(&self, first: Event, more: Vec<Event>) -> Result<(), Left> {
        self.send(first).await?;
        for event in more {
            self.send(event).await?;
        }
        Ok(())
    }

    /// Every domain has one program; another name is a mistake.
    async fn select(&self, name: &str) -> Result<(), Left> {
        if name == PROGRAM {
            return Ok(());
        }
        let message = format!("no program {:?}; this server has {PROGRAM:?} of each domain", short(name));
        self.send(Refusal::new(Code::Unknown, message).event()).await
    }

    fn ask(&mut self, task: Task) -> Result<(), Left> {
        self.hearing = Hearing::Asked(task);
        Ok(())
    }

    /// Sound begins: the job for it, too.
    async fn open(&mut self, timestamp: u64) -> Result<(), Left> {
        let task = match std::mem::replace(&mut self.hearing, Hearing::Idle) {
            Hearing::Asked(task) => task,
            Hearing::Refused(ending) if !ending.is_empty() => {
                self.hearing = Hearing::Refused(ending);
                return Ok(());
            }
            // Sound that had not ended: its job sees its queue closed.
            _ => Task::Watch,
        };
        settle(&mut self.hearing_job).await;
        let ending = task.ending();
        let (inbox, mut sound) = channel(WAITING);
        let (engines, out) = (self.engines.clone(), self.out.clone());
        let job = match task {
            Task::Transcribe(request) => {
                let announced = model_name(&self.engines.config().stt);
                let language = request.language.clone().or_else(|| self.options.languages.first().cloned());
                let language = language.unwrap_or_default();
                job::spawn(engines, out, ending.clone(), move |models, out| {
                    let vad = models.vad().map_err(Refusal::model)?;
                    hear::transcribe(&*models.stt, vad, request, &announced, &language, &mut sound, out)
                })
            }
            Task::Detect(request) => {
                let Some(words) = self.options.wake.clone() else {
                    let message = "wake words: this server has none; start it with --wake MODEL";
                    return self.refuse_with(Refusal::new(Code::Unsupported, message), ending).await;
                };
                job::spawn(engines, out, ending.clone(), move |_, out| {
                    hear::detect(&words, &request, timestamp, &mut sound, out)
                })
            }
            Task::Watch => job::spawn(engines, out, Vec::new(), move |models, out| {
                hear::watch(models, timestamp, &mut sound, out)
            }),
        };
        self.hearing_job = Some(job);
        self.hearing = Hearing::Open(inbox, ending);
        Ok(())
    }

    async fn hear(&mut self, sound: Sound) -> Result<(), Left> {
        match &self.hearing {
            Hearing::Open(inbox, _) => {
                // A job that has refused what it was asked for has said so; the rest of the sound is left out.
                let _ = inbox.send(Input::Sound(sound)).await;
                Ok(())
            }
            Hearing::Refused(_) => Ok(()),
            Hearing::Idle | Hearing::Asked(_) => {
                let message = "audio-chunk without audio-start: send audio-start first";
                self.refuse_sound(Refusal::new(Code::NotStarted, message)).await
            }
        }
    }

    async fn close(&mut self) -> Result<(), Left> {
        match std::mem::replace(&mut self.hearing, Hearing::Idle) {
            Hearing::Open(inbox, _) => {
                let _ = inbox.send(Input::Stop).await;
                Ok(())
            }
            Hearing::Refused(ending) => {
                for event in ending {
                    self.send(event).await?;
                }
                Ok(())
            }
            Hearing::Idle | Hearing::Asked(_) => {
                let message = "audio-stop without audio-start: send audio-start first";
                self.send(Refusal::new(Code::NotStarted, message).event()).await
            }
        }
    }

    /// Says so once; what follows is left out until the sound ends.
    async fn refuse_sound(&mut self, refusal: Refusal) -> Result<(), Left> {
        let ending = match std::mem::replace(&mut self.hearing, Hearing::Idle) {
            Hearing::Refused(ending) => {
                self.hearing = Hearing::Refused(ending);
                return Ok(());
            }
            Hearing::Asked(task) => task.ending(),
            Hearing::Open(_, ending) => ending,
            Hearing::Idle => Vec::new(),
        };
        // Its job has lost its queue; nothing of it may come after the refusal.
        settle(&mut self.hearing_job).await;
        self.refuse_with(refusal, ending).await
    }

    async fn refuse_with(&mut self, refusal: Refusal, ending: Vec<Event>) -> Result<(), Left> {
        self.hearing = Hearing::Refused(ending);
        self.send(refusal.event()).await
    }

    /// A whole text; inside a stream it is the stream's once more, for servers that know no streams.
    async fn synthesize(&mut self, text: String, speaker: Speaker) -> Result<(), Left> {
        if !matches!(self.speaking, Speaking::Idle) {
            return Ok(());
        }
        if text.len() > LONGEST_TEXT {
            return self.tell(too_long().event(), speak::ending(false)).await;
        }
        let (words, texts) = unbounded_channel();
        // The receiver is at hand.
        let _ = words.send(text);
        self.spawn_speech(texts, speaker, false).await;
        Ok(())
    }

    async fn begin_text(&mut self, speaker: Speaker) -> Result<(), Left> {
        if let Speaking::Open(..) = self.speaking {
            self.cancel.cancel();
        }
        let (words, texts) = unbounded_channel();
        self.speaking = Speaking::Open(words, 0);
        self.spawn_speech(texts, speaker, true).await;
        Ok(())
    }

    async fn more_text(&mut self, text: String) -> Result<(), Left> {
        match &mut self.speaking {
            Speaking::Open(words, bytes) => {
                *bytes += text.len();
                if *bytes > LONGEST_TEXT {
                    return self.refuse_text(too_long()).await;
                }
                if !text.is_empty() {
                    // A job that has refused the voice has said so.
                    let _ = words.send(text);
                }
                Ok(())
            }
            Speaking::Refused => Ok(()),
            Speaking::Idle => {
                let message = "synthesize-chunk without synthesize-start: send synthesize-start first";
                self.refuse_text(Refusal::new(Code::NotStarted, message)).await
            }
        }
    }

    async fn end_text(&mut self) -> Result<(), Left> {
        match std::mem::replace(&mut self.speaking, Speaking::Idle) {
            Speaking::Open(..) => Ok(()),
            Speaking::Refused => self.send(reply::bare("synthesize-stopped")).await,
            Speaking::Idle => {
                let message = "synthesize-stop without synthesize-start: send synthesize-start first";
                self.send(Refusal::new(Code::NotStarted, message).event()).await
            }
        }
    }

    /// Says so; what follows is left out until the text ends.
    async fn refuse_text(&mut self, refusal: Refusal) -> Result<(), Left> {
        if let Speaking::Open(..) = std::mem::replace(&mut self.speaking, Speaking::Refused) {
            self.cancel.cancel();
            settle(&mut self.speaking_job).await;
        }
        self.send(refusal.event()).await
    }

    async fn spawn_speech(
        &mut self,
        mut texts: tokio::sync::mpsc::UnboundedReceiver<String>,
        speaker: Speaker,
        streamed: bool,
    ) {
        settle(&mut self.speaking_job).await;
        self.cancel = Cancel::new();
        let cancel = self.cancel.clone();
        let usual = self.engines.config().pipeline.voice.clone();
        let (engines, out) = (self.engines.clone(), self.out.clone());
        let work = move |models: &Arc<duologue_setup::Models>, out: &job::Out| -> Result<(), End> {
            let tts = &models.tts;
            let first = || tts.voices().first().cloned().unwrap_or_default();
            let name = if usual.name.is_empty() { first() } else { usual.name };
            let voice = speak::voice(&**tts, speaker.voice, &name)?;
            let options = SpeakOptions { voice, speed: usual.speed };
            let text = std::iter::from_fn(|| texts.blocking_recv());
            speak::speak(tts, text, options, &cancel, out)?;
            if streamed { out.give(reply::bare("synthesize-stopped")) } else { Ok(()) }
        };
        self.speaking_job = Some(job::spawn(engines, out, speak::ending(streamed), work));
    }
}

impl Drop for Session {
    /// Nobody listens any more: what runs is ended, not only left unheard, and what waits for models does not begin.
    fn drop(&mut self) {
        self.cancel.cancel();
        for job in [&self.hearing_job, &self.speaking_job].into_iter().flatten() {
            job.abort();
        }
    }
}

impl Task {
    /// What a refused request about sound still ends with.
    fn ending(&self) -> Vec<Event> {
        match self {
            Self::Transcribe(_) => {
                vec![Event::new("transcript", json!({ "text": "" })), reply::bare("transcript-stop")]
            }
            Self::Detect(request) => vec![reply::not_detected(request.context.as_ref())],
            Self::Watch => Vec::new(),
        }
    }
}

fn too_long() -> Refusal {
    Refusal::new(
        Code::BadRequest,
        format!("more than {LONGEST_TEXT} bytes of text; send it in several requests"),
    )
}

/// Waits for a job, whatever became of it.
async fn settle(job: &mut Option<JoinHandle<()>>) {
    if let Some(job) = job.take() {
        // What broke off was told to the client.
        let _ = job.await;
    }
}
