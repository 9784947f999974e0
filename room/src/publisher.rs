//! Shows transcripts to a room as LiveKit's frontends read them: text streams about [`TOPIC`], and packets
//! of the old kind where a peer needs them.
//!
//! What the agent says is one stream per segment, written as it is heard; what the user says is a stream
//! per update, which carries the whole utterance so far in the user's name.
//!
//! Invariant: writing never holds up whoever shows ([`Transcripts::show_agent`] only queues); a stream
//! that broke off is begun anew with the whole segment, so that a frontend replaces what it has.
//!
//! Life cycle: [`Transcripts::start`] → pieces and updates → [`Transcripts::finish`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::engine::{Attributes, LocalAudio, Room, StreamOptions, TextWriter, TranscriptionSegment};
use crate::transcript::{Piece, UserUpdate};

/// What the text streams are about.
pub const TOPIC: &str = "lk.transcription";
/// Attribute: which segment a stream belongs to.
pub const SEGMENT_ATTRIBUTE: &str = "lk.segment_id";
/// Attribute: `true` if the text will not change.
pub const FINAL_ATTRIBUTE: &str = "lk.transcription_final";
/// Attribute: sid of the track that carries the speech.
pub const TRACK_ATTRIBUTE: &str = "lk.transcribed_track_id";

/// What may wait to be written; ten minutes of speech.
const CAPACITY: usize = 2_048;
/// How long the last of it may take when the session ends.
const LAST: Duration = Duration::from_secs(3);

/// Who spoke, into which track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Speaker {
    /// Identity of the participant.
    pub identity: String,
    /// Sid of the track; empty if it is not known.
    pub track: String,
}

enum Shown {
    Agent(Piece),
    User(Speaker, UserUpdate),
}

/// See the [module](self).
pub struct Transcripts {
    queue: mpsc::Sender<Shown>,
    legacy: Arc<AtomicBool>,
    writing: JoinHandle<()>,
}

impl Transcripts {
    /// Writes to `room` what is shown from now on; the agent speaks into `track`. Must be called within a
    /// tokio runtime.
    pub fn start(room: Arc<dyn Room>, track: Arc<dyn LocalAudio>) -> Self {
        let (queue, shown) = mpsc::channel(CAPACITY);
        let legacy = Arc::new(AtomicBool::new(false));
        let writer = Writer { room, track, legacy: Arc::clone(&legacy), open: None };
        Self { queue, legacy, writing: tokio::spawn(writer.run(shown)) }
    }

    /// Whether packets of the old kind are sent too.
    pub fn set_legacy(&self, legacy: bool) {
        self.legacy.store(legacy, Ordering::Relaxed);
    }

    /// Shows a piece of what the agent says.
    pub fn show_agent(&self, piece: Piece) {
        self.show(Shown::Agent(piece));
    }

    /// Shows what `speaker` says.
    pub fn show_user(&self, speaker: Speaker, update: UserUpdate) {
        self.show(Shown::User(speaker, update));
    }

    fn show(&self, shown: Shown) {
        if self.queue.try_send(shown).is_err() {
            tracing::warn!("a transcript was not shown: {CAPACITY} wait for the room already");
        }
    }

    /// Writes what waits, for three seconds at most.
    pub async fn finish(self) {
        let Self { queue, mut writing, .. } = self;
        drop(queue);
        if tokio::time::timeout(LAST, &mut writing).await.is_err() {
            writing.abort();
            tracing::warn!("the last transcripts were not written within {} s", LAST.as_secs());
        }
    }
}

/// The agent's segment that is being shown.
struct Open {
    segment: String,
    text: String,
    /// None if it could not be opened, or broke off.
    stream: Option<Box<dyn TextWriter>>,
}

struct Writer {
    room: Arc<dyn Room>,
    track: Arc<dyn LocalAudio>,
    legacy: Arc<AtomicBool>,
    open: Option<Open>,
}

impl Writer {
    async fn run(mut self, mut shown: mpsc::Receiver<Shown>) {
        while let Some(shown) = shown.recv().await {
            match shown {
                Shown::Agent(Piece::Begin { segment }) => {
                    self.open = Some(Open { segment, text: String::new(), stream: None });
                }
                Shown::Agent(Piece::Text { text, .. }) => self.more(&text).await,
                Shown::Agent(Piece::End { .. }) => self.end().await,
                Shown::User(speaker, update) => self.user(&speaker, &update).await,
            }
        }
    }

    async fn more(&mut self, piece: &str) {
        let Some(mut open) = self.open.take() else { return };
        open.text.push_str(piece);
        let written = match &mut open.stream {
            Some(stream) => stream.write(piece).await,
            None => self.begin(&mut open).await,
        };
        if let Err(error) = written {
            tracing::warn!("what the agent says was not shown: {error}");
            open.stream = None;
        }
        let agent = self.agent();
        self.old_kind(agent, &open.segment, &open.text, false).await;
        self.open = Some(open);
    }

    /// Opens a stream, which begins with all that was heard of the segment.
    async fn begin(&mut self, open: &mut Open) -> Result<(), crate::Error> {
        let options = StreamOptions {
            topic: TOPIC.into(),
            attributes: attributes(&open.segment, false, &self.track.track().sid),
            ..StreamOptions::default()
        };
        let mut stream = self.room.open_text(&options).await?;
        stream.write(&open.text).await?;
        open.stream = Some(stream);
        Ok(())
    }

    async fn end(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        if open.stream.is_none()
            && let Err(error) = self.begin(&mut open).await
        {
            tracing::warn!("what the agent said was not shown: {error}");
        }
        if let Some(stream) = open.stream.take() {
            let last = attributes(&open.segment, true, &self.track.track().sid);
            if let Err(error) = stream.close(&last).await {
                tracing::warn!("the end of what the agent said was not shown: {error}");
            }
        }
        let agent = self.agent();
        self.old_kind(agent, &open.segment, &open.text, true).await;
    }

    async fn user(&mut self, speaker: &Speaker, update: &UserUpdate) {
        let options = StreamOptions {
            topic: TOPIC.into(),
            attributes: attributes(&update.segment, update.is_final, &speaker.track),
            sender: Some(speaker.identity.clone()),
            ..StreamOptions::default()
        };
        if let Err(error) = self.room.send_text(&update.text, &options).await {
            tracing::warn!("what {} said was not shown: {error}", speaker.identity);
        }
        self.old_kind(speaker.clone(), &update.segment, &update.text, update.is_final).await;
    }

    fn agent(&self) -> Speaker {
        Speaker { identity: self.room.local().identity, track: self.track.track().sid }
    }

    async fn old_kind(&mut self, speaker: Speaker, segment: &str, text: &str, is_final: bool) {
        if !self.legacy.load(Ordering::Relaxed) {
            return;
        }
        let segment =
            TranscriptionSegment { id: segment.into(), text: text.into(), is_final, ..Default::default() };
        let sent = self.room.publish_transcription(&speaker.identity, &speaker.track, &[segment]).await;
        if let Err(error) = sent {
            tracing::warn!("a transcription packet was not sent: {error}");
        }
    }
}

fn attributes(segment: &str, is_final: bool, track: &str) -> Attributes {
    let pairs = [(SEGMENT_ATTRIBUTE, segment), (FINAL_ATTRIBUTE, if is_final { "true" } else { "false" })];
    let track = Some((TRACK_ATTRIBUTE, track)).filter(|(_, sid)| !sid.is_empty());
    pairs.into_iter().chain(track).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
