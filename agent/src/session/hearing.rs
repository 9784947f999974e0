//! The agent's `stt_node` between the scribe and the recogniser: each utterance is a stream of sound
//! that the node turns into a stream of transcripts, most simply by [`Recogniser::recognise`].
//!
//! The node's stream is polled where recognition runs, each time sound has come: nothing waits, and
//! simulated time works as real time does. Only when the sound has ended is a node waited for that asks
//! somebody else, a server or another process, at most [`LAST_WORDS`]. A node that fails or panics fails its
//! utterance.
//!
//! Life cycle: [`Hearing`] is the recogniser that the pipeline knows → a [`Listening`] → for each
//! utterance the node's stream, from its first sound to its end.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use duologue_models::{Error, ErrorKind, Stt, SttStream};
use futures_util::StreamExt;
use futures_util::stream::{poll_fn, unfold};

use super::TranscriptEvent;
use super::core::lock;
use crate::agent::{Agent, AudioStream, TranscriptStream};

/// Blocks that a node may leave unread: over a minute.
const MAX_UNREAD: usize = 1_024;
/// How long a node may take for its last words after the sound's end; then what it has said is all.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// An agent's recogniser: its `stt_node` around the model in force.
pub(super) struct Hearing<U: Send + Sync + 'static> {
    pub agent: Arc<dyn Agent<U>>,
    pub stt: Arc<dyn Stt>,
}

impl<U: Send + Sync + 'static> Stt for Hearing<U> {
    fn stream(&self) -> Result<Box<dyn SttStream>, Error> {
        let (agent, stt) = (Arc::clone(&self.agent), Arc::clone(&self.stt));
        let shared = Arc::new(Mutex::new(Shared { model: Some(stt.stream()?), ..Shared::default() }));
        Ok(Box::new(Listening {
            agent,
            stt,
            shared,
            node: None,
            done: Vec::new(),
            partial: String::new(),
            over: false,
        }))
    }

    fn name(&self) -> &str {
        self.stt.name()
    }
}

/// What the scribe, the node and its recogniser share.
#[derive(Default)]
struct Shared {
    blocks: VecDeque<Vec<f32>>,
    /// No more sound comes.
    ended: bool,
    reader: Option<Waker>,
    /// The model's stream, unless a recogniser has it.
    model: Option<Box<dyn SttStream>>,
    failure: Option<Error>,
}

struct Listening<U: Send + Sync + 'static> {
    agent: Arc<dyn Agent<U>>,
    stt: Arc<dyn Stt>,
    shared: Arc<Mutex<Shared>>,
    node: Option<TranscriptStream>,
    /// Final transcripts of the utterance.
    done: Vec<String>,
    partial: String,
    /// The node has ended.
    over: bool,
}

/// Wakes the thread that waits for a node.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl<U: Send + Sync + 'static> Listening<U> {
    /// The node of this utterance.
    fn begin(&mut self) -> Result<(), Error> {
        if self.node.is_some() {
            return Ok(());
        }
        let model = lock(&self.shared).model.take();
        let model = match model {
            Some(model) => model,
            // The node before has kept its recogniser.
            None => self.stt.stream()?,
        };
        let recogniser = Recogniser { model: Some(model), shared: Arc::clone(&self.shared) };
        let audio = sound(Arc::clone(&self.shared));
        let node = catch_unwind(AssertUnwindSafe(|| self.agent.stt_node(audio, recogniser)));
        self.node = Some(node.map_err(|_| broken("panicked"))?);
        Ok(())
    }

    /// Takes what the node gives now; whether it may give more. Who gives it more wakes `waker`.
    fn poll(&mut self, waker: &Waker) -> Result<bool, Error> {
        let mut more = false;
        while let Some(node) = &mut self.node {
            let mut context = Context::from_waker(waker);
            let polled = catch_unwind(AssertUnwindSafe(|| node.poll_next_unpin(&mut context)));
            match polled.map_err(|_| broken("panicked"))? {
                Poll::Pending => {
                    more = !self.over;
                    break;
                }
                Poll::Ready(Some(TranscriptEvent { text, is_final: false })) => self.partial = text,
                Poll::Ready(Some(TranscriptEvent { text, is_final: true })) => {
                    self.partial.clear();
                    self.done.push(text);
                }
                Poll::Ready(None) => {
                    // What sounds from here on is not listened to.
                    self.node = Some(futures_util::stream::pending().boxed());
                    self.over = true;
                    break;
                }
            }
        }
        match lock(&self.shared).failure.take() {
            Some(error) => Err(error),
            None => Ok(more),
        }
    }

    fn text(&self) -> duologue_models::Transcript {
        let parts = self.done.iter().chain([&self.partial]).map(|part| part.trim());
        let text = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        duologue_models::Transcript { text, ..Default::default() }
    }
}

impl<U: Send + Sync + 'static> SttStream for Listening<U> {
    fn push(&mut self, samples: &[f32]) -> Result<(), Error> {
        self.begin()?;
        let reader = {
            let mut shared = lock(&self.shared);
            if shared.blocks.len() >= MAX_UNREAD {
                return Err(broken("does not read the sound"));
            }
            shared.blocks.push_back(samples.to_vec());
            shared.reader.take()
        };
        reader.into_iter().for_each(Waker::wake);
        // Sound comes soon again: what the node says meanwhile is taken then.
        self.poll(Waker::noop()).map(drop)
    }

    fn partial(&self) -> duologue_models::Transcript {
        self.text()
    }

    /// Waits for the node's last words.
    fn finish(&mut self) -> Result<duologue_models::Transcript, Error> {
        self.begin()?;
        let reader = {
            let mut shared = lock(&self.shared);
            shared.ended = true;
            shared.reader.take()
        };
        reader.into_iter().for_each(Waker::wake);
        let (waker, deadline) =
            (Waker::from(Arc::new(Unpark(std::thread::current()))), Instant::now() + LAST_WORDS);
        while self.poll(&waker)? {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                tracing::warn!(
                    "the agent's stt_node is not done 1 s after the end of the sound; its words so far count"
                );
                break;
            }
            std::thread::park_timeout(left);
        }
        Ok(self.text())
    }

    fn reset(&mut self) {
        // Brings the model's stream back.
        self.node = None;
        self.over = false;
        self.done.clear();
        self.partial.clear();
        let mut shared = lock(&self.shared);
        (shared.ended, shared.reader, shared.failure) = (false, None, None);
        shared.blocks.clear();
        if let Some(model) = &mut shared.model {
            model.reset();
        }
    }
}

fn broken(what: &str) -> Error {
    Error::new(ErrorKind::Inference, format!("the agent's stt_node {what}; this utterance is not recognised"))
}

/// The sound of one utterance as it comes.
fn sound(shared: Arc<Mutex<Shared>>) -> AudioStream {
    poll_fn(move |context| {
        let mut shared = lock(&shared);
        match shared.blocks.pop_front() {
            Some(block) => Poll::Ready(Some(block)),
            None if shared.ended => Poll::Ready(None),
            None => {
                shared.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    })
    .boxed()
}

/// The recogniser in force, for one utterance; given to [`Agent::stt_node`].
pub struct Recogniser {
    model: Option<Box<dyn SttStream>>,
    shared: Arc<Mutex<Shared>>,
}

impl Recogniser {
    /// What is said in `audio`: what is recognised so far each time it changes, and when the sound ends
    /// the final transcript.
    pub fn recognise(self, audio: AudioStream) -> TranscriptStream {
        let state = (self, Some(audio), String::new());
        unfold(state, |(mut recogniser, mut audio, mut said)| async move {
            loop {
                let Some(block) = audio.as_mut()?.next().await else {
                    let text = recogniser.last()?;
                    return Some((TranscriptEvent { text, is_final: true }, (recogniser, None, said)));
                };
                let text = recogniser.hear(&block)?;
                if text != said {
                    said.clone_from(&text);
                    return Some((TranscriptEvent { text, is_final: false }, (recogniser, audio, said)));
                }
            }
        })
        .boxed()
    }

    fn hear(&mut self, block: &[f32]) -> Option<String> {
        let model = self.model.as_mut()?;
        let heard = model.push(block).map(|()| model.partial().text);
        self.or_failure(heard)
    }

    fn last(&mut self) -> Option<String> {
        let last = self.model.as_mut()?.finish().map(|transcript| transcript.text);
        self.or_failure(last)
    }

    fn or_failure<T>(&self, outcome: Result<T, Error>) -> Option<T> {
        outcome.map_err(|error| lock(&self.shared).failure = Some(error)).ok()
    }
}

impl Drop for Recogniser {
    fn drop(&mut self) {
        lock(&self.shared).model = self.model.take();
    }
}
