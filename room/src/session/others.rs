//! What the others say: the people in the room with whom the agent does not talk.
//!
//! Each of their voices has a listener of its own, detector and recogniser included; all run on one thread. What they
//! say is shown and remembered under their names and reaches the pipeline in no other way: the agent's
//! turns are those of the participant that is linked.
//!
//! Invariant: an utterance that was shown is ended, by a pause or with its track; a voice that stops in
//! mid-word, muted for example, counts as a pause; at most [`MOST`] voices are listened to at a time.
//!
//! Life cycle: [`Others::start`] → [`Others::settle`] whenever it has changed who they are → dropped,
//! which ends the thread within a tick.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use duologue_pipeline::{Heard, Listener};
use tokio::sync::mpsc;

use super::options::Listeners;
use crate::endpoint::inflow::Inflow;
use crate::endpoint::{BLOCK, RATE, listen_format};
use crate::engine::{RemoteAudio, Room};
use crate::publisher::Speaker;
use crate::{Error, ErrorKind};

/// Voices that are listened to at a time.
const MOST: usize = 16;
/// Time between two looks at them.
const TICK: Duration = Duration::from_millis(20);
/// Samples of a tick.
const SAMPLES: usize = 2 * BLOCK;
/// Words that may wait for the session.
const CAPACITY: usize = 256;

/// Words of one of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Overheard {
    pub speaker: Speaker,
    /// The whole utterance so far; empty at its end if nothing was recognised after all.
    pub text: String,
    pub is_final: bool,
}

/// A track, and its sound once the engine gives it.
#[derive(Debug)]
struct Voice {
    identity: String,
    audio: Option<RemoteAudio>,
}

/// By the track's sid.
type Voices = Mutex<BTreeMap<String, Voice>>;

/// See the [module](self).
pub(super) struct Others {
    room: Arc<dyn Room>,
    voices: Arc<Voices>,
    /// Tracks that were too many, of which it has been told.
    refused: BTreeSet<String>,
}

impl Others {
    /// Listens to nobody yet; what is heard comes out of the receiver.
    pub fn start(
        room: Arc<dyn Room>,
        listeners: Listeners,
    ) -> Result<(Self, mpsc::Receiver<Overheard>), Error> {
        let (out, overheard) = mpsc::channel(CAPACITY);
        let voices = Arc::new(Voices::default());
        let ears = Ears { voices: Arc::downgrade(&voices), listeners, ears: BTreeMap::new(), out };
        std::thread::Builder::new().name("room-others".into()).spawn(move || ears.run()).map_err(|e| {
            Error::new(ErrorKind::Job, format!("cannot start the thread that listens to the others: {e}"))
        })?;
        Ok((Self { room, voices, refused: BTreeSet::new() }, overheard))
    }

    /// From now on these tracks, with their speakers' identities, are listened to, and no other.
    pub fn settle(&mut self, tracks: &[Speaker]) {
        let mut voices = lock(&self.voices);
        voices.retain(|sid, _| tracks.iter().any(|wanted| wanted.track == *sid));
        self.refused.retain(|sid| tracks.iter().any(|wanted| wanted.track == *sid));
        for Speaker { identity, track } in tracks {
            if voices.contains_key(track) {
                continue;
            }
            if voices.len() >= MOST {
                if self.refused.insert(track.clone()) {
                    tracing::warn!("{identity} is not listened to: {MOST} others are already");
                }
                continue;
            }
            voices.insert(track.clone(), Voice { identity: identity.clone(), audio: None });
            self.open(track.clone());
        }
    }

    fn open(&self, sid: String) {
        let (room, voices) = (Arc::clone(&self.room), Arc::downgrade(&self.voices));
        tokio::spawn(async move {
            let audio = room.listen(&sid, listen_format()).await;
            let Some(voices) = voices.upgrade() else { return };
            match audio {
                Ok(audio) => {
                    // One that is no longer wanted is not there.
                    if let Some(voice) = lock(&voices).get_mut(&sid) {
                        voice.audio = Some(audio);
                    }
                }
                Err(error) => {
                    tracing::warn!("track {sid} cannot be listened to: {error}");
                    // It may be tried again.
                    lock(&voices).remove(&sid);
                }
            }
        });
    }
}

/// One voice's listener.
struct Ear {
    speaker: Speaker,
    listener: Listener,
    inflow: Inflow,
    fresh: Vec<f32>,
    /// Words were shown that are not final.
    open: bool,
    failed: bool,
}

/// The thread's side.
struct Ears {
    voices: Weak<Voices>,
    listeners: Listeners,
    ears: BTreeMap<String, Ear>,
    out: mpsc::Sender<Overheard>,
}

impl Ears {
    fn run(mut self) {
        let mut due = Instant::now();
        while let Some(voices) = self.voices.upgrade() {
            self.collect(&mut lock(&voices));
            drop(voices);
            // After a stall the ticks that were missed are made up for, as far as the slack of the inflow goes.
            let ticks = due.elapsed().as_millis() / TICK.as_millis() + 1;
            due += TICK * u32::try_from(ticks).unwrap_or(1);
            for ear in self.ears.values_mut() {
                (0..ticks.min(50)).for_each(|_| ear.tick(&self.out));
            }
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }

    /// Takes what has come; those who are gone have said what they had to say.
    fn collect(&mut self, voices: &mut BTreeMap<String, Voice>) {
        let Self { listeners, ears, out, .. } = self;
        ears.retain(|sid, ear| {
            let stays = voices.contains_key(sid);
            if !stays {
                ear.finish(out);
            }
            stays
        });
        for (sid, voice) in voices {
            let Some(audio) = &mut voice.audio else { continue };
            if !ears.contains_key(sid) {
                match listeners(RATE) {
                    Ok(listener) => {
                        let speaker = Speaker { identity: voice.identity.clone(), track: sid.clone() };
                        ears.insert(sid.clone(), Ear::new(speaker, listener));
                    }
                    Err(error) => {
                        tracing::warn!("{} is not listened to: {error}", voice.identity);
                        voice.audio = None;
                        continue;
                    }
                }
            }
            let Some(ear) = ears.get_mut(sid) else { continue };
            while let Some(frame) = audio.try_next() {
                ear.fresh.extend(frame.to_f32());
            }
        }
    }
}

impl Ear {
    fn new(speaker: Speaker, listener: Listener) -> Self {
        Self {
            speaker,
            listener,
            inflow: Inflow::new(SAMPLES),
            fresh: Vec::new(),
            open: false,
            failed: false,
        }
    }

    fn tick(&mut self, out: &mpsc::Sender<Overheard>) {
        let pass = self.inflow.tick(self.fresh.len());
        let mut heard = std::mem::take(&mut self.fresh);
        heard.drain(..pass.skip);
        heard.resize(heard.len() + pass.silence, 0.0);
        let outcome = {
            let (listener, mut tell) = self.telling(out);
            listener.push(&heard, &mut tell)
        };
        if let Err(error) = outcome
            && !std::mem::replace(&mut self.failed, true)
        {
            tracing::warn!("what {} says is not recognised: {error}", self.speaker.identity);
        }
        heard.clear();
        self.fresh = heard;
    }

    fn finish(&mut self, out: &mpsc::Sender<Overheard>) {
        let outcome = {
            let (listener, mut tell) = self.telling(out);
            listener.finish(&mut tell)
        };
        if let Err(error) = outcome {
            tracing::warn!("the last words of {} are not recognised: {error}", self.speaker.identity);
        }
    }

    fn telling<'a>(
        &'a mut self,
        out: &'a mpsc::Sender<Overheard>,
    ) -> (&'a mut Listener, impl FnMut(Heard) + 'a) {
        let Self { speaker, listener, open, .. } = self;
        let tell = move |heard| {
            let (text, is_final) = match heard {
                Heard::Partial { text, .. } => (text, false),
                Heard::Final { text, .. } => (text, true),
                _ => return,
            };
            if text.is_empty() && !*open {
                return;
            }
            *open = !is_final;
            let overheard = Overheard { speaker: speaker.clone(), text, is_final };
            if out.try_send(overheard).is_err() && is_final {
                tracing::warn!("words of {} were lost: {CAPACITY} wait for the session", speaker.identity);
            }
        };
        (listener, tell)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
