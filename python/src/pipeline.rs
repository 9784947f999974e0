//! The pipeline on frames of the program's own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use duologue_pipeline::conversation::{Event, Fault, IgnoreReason, State, TurnEnd};
use duologue_pipeline::endpoint::{MemoryConfig, MemoryInput, MemoryOutput, Paced, Rates, memory};
use duologue_pipeline::{
    AudioPipeline, Events, Handle, Reply, ReplyError, Responder, SayHandle, SpeechOutcome, Stamped, UserTurn,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::error::raised;
use crate::samples::{self, to_pcm};
use crate::vad::models;

/// Turns of the user that wait for the program.
const TURNS: usize = 16;
/// How long a wait lasts before signals are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Hands the user's turns to Python, which answers by their numbers.
struct Turns {
    asked: Sender<UserTurn>,
    open: Arc<Mutex<BTreeMap<u64, Reply>>>,
}

impl Responder for Turns {
    fn respond(&self, turn: UserTurn, reply: Reply) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, reply| !reply.is_stopped());
        // One that finds no room is answered by silence, and the events say so.
        if self.asked.try_send(turn.clone()).is_ok() {
            open.insert(turn.turn, reply);
        }
    }

    fn blocks(&self) -> bool {
        false
    }
}

/// A running pipeline.
#[pyclass(frozen)]
pub struct Pipeline {
    /// `None` once it was closed.
    running: Mutex<Option<AudioPipeline>>,
    handle: Handle,
    input: MemoryInput,
    output: Mutex<MemoryOutput>,
    events: Mutex<Events>,
    turns: Receiver<UserTurn>,
    open: Arc<Mutex<BTreeMap<u64, Reply>>>,
}

impl Pipeline {
    fn replies(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Reply>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Pipeline {
    #[new]
    fn new(
        py: Python<'_>,
        stt: &str,
        tts: &str,
        vad: &str,
        offline: bool,
        rates: (u32, u32),
        answers: bool,
    ) -> PyResult<Self> {
        py.detach(|| {
            let (config, models) = models(stt, tts, vad, offline)?;
            let rates = Rates { capture: rates.0, playback: rates.1 };
            let said = |error: duologue_pipeline::Error| error.to_string();
            let (endpoint, input, output) = memory(MemoryConfig::new(rates)).map_err(said)?;
            let (asked, turns) = bounded(TURNS);
            let open = Arc::default();
            let mut builder = models.builder(config.pipeline).map_err(|error| error.to_string())?;
            if answers {
                builder = builder.responder(Turns { asked, open: Arc::clone(&open) });
            }
            let pipeline = builder.start(Box::new(Paced::real_time(endpoint))).map_err(said)?;
            let handle = pipeline.handle();
            let events = Mutex::new(pipeline.events());
            let (running, output) = (Mutex::new(Some(pipeline)), Mutex::new(output));
            Ok(Self { running, handle, input, output, events, turns, open })
        })
        .map_err(|error: String| raised(error))
    }

    /// How many samples were taken; the rest had no room.
    fn push(&self, py: Python<'_>, sound: &Bound<'_, PyAny>) -> PyResult<usize> {
        let samples = samples::read(sound)?;
        py.detach(|| self.input.push(&samples)).map_err(raised)
    }

    /// Up to `samples` samples as 16-bit bytes, waiting up to `seconds`.
    fn pull<'py>(&self, py: Python<'py>, samples: usize, seconds: f64) -> PyResult<Bound<'py, PyBytes>> {
        let wait = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO).min(LOOK);
        let pcm = py.detach(|| {
            let mut out = vec![0.0; samples.min(10_000_000)];
            let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
            output.pull_for(&mut out, wait).map(|count| to_pcm(&out[..count]))
        });
        Ok(PyBytes::new(py, &pcm.map_err(raised)?))
    }

    /// The next event, if one comes within `seconds`; raises StopIteration's sign `False` at the end.
    fn event<'py>(&self, py: Python<'py>, seconds: f64) -> PyResult<(bool, Option<Bound<'py, PyDict>>)> {
        let deadline = Instant::now() + Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (stamped, over) = py.detach(|| {
                let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
                (events.next_within(left.min(LOOK)), events.is_over())
            });
            match stamped {
                Some(stamped) => return Ok((true, Some(event(py, &stamped)?))),
                None if over => return Ok((false, None)),
                None if left.is_zero() => return Ok((true, None)),
                None => py.check_signals()?,
            }
        }
    }

    /// The next turn of the user that wants an answer, if one comes within `seconds`: its number and text.
    fn turn(&self, py: Python<'_>, seconds: f64) -> Option<(u64, String)> {
        let wait = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO).min(LOOK);
        py.detach(|| self.turns.recv_timeout(wait)).ok().map(|turn| (turn.turn, turn.text))
    }

    /// Adds to the answer of a turn; `False` once nobody listens, `None` if it has to wait.
    fn answer(&self, turn: u64, text: &str) -> Option<bool> {
        match self.replies().get(&turn).map(|reply| reply.try_text(text)) {
            Some(Ok(())) => Some(true),
            Some(Err(ReplyError::Full)) => None,
            Some(Err(_)) | None => Some(false),
        }
    }

    /// The answer of a turn is over; it failed if there is a reason.
    fn answered(&self, turn: u64, failure: Option<String>) {
        let reply = self.replies().remove(&turn);
        if let (Some(reply), Some(failure)) = (reply, failure) {
            reply.fail(failure);
        }
    }

    fn say(&self, text: String) -> PyResult<Say> {
        self.handle.say(text).map(Say).map_err(raised)
    }

    fn cancel(&self) -> PyResult<()> {
        self.handle.cancel_tts().map_err(raised)
    }

    fn user_text(&self, text: String) -> PyResult<()> {
        self.handle.user_text(text).map_err(raised)
    }

    fn set_muted(&self, muted: bool) -> PyResult<()> {
        self.handle.set_muted(muted).map_err(raised)
    }

    /// Ends the threads; a second call does nothing.
    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            self.input.close();
            drop(self.running.lock().unwrap_or_else(PoisonError::into_inner).take());
            self.replies().clear();
        });
    }
}

/// A speech of the agent's own accord.
#[pyclass(frozen)]
pub struct Say(SayHandle);

#[pymethods]
impl Say {
    fn cancel(&self) -> PyResult<()> {
        self.0.cancel().map_err(raised)
    }

    /// How it ended, if it does within `seconds`.
    fn wait(&self, py: Python<'_>, seconds: f64) -> Option<&'static str> {
        let wait = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO).min(LOOK);
        py.detach(|| self.0.wait(wait)).map(|outcome| match outcome {
            SpeechOutcome::Finished => "finished",
            SpeechOutcome::Interrupted => "interrupted",
            SpeechOutcome::Dropped => "dropped",
            _ => "failed",
        })
    }

    #[getter]
    fn heard(&self) -> String {
        self.0.heard()
    }
}

/// An event as Python has it: its `type`, when it was (`at`, in seconds), and what belongs to it.
fn event<'py>(py: Python<'py>, stamped: &Stamped) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("at", stamped.at.as_secs_f64())?;
    let kind = match &stamped.event {
        Event::StateChanged(state) => {
            dict.set_item("state", state_name(*state))?;
            "state"
        }
        Event::SpeechStarted { .. } => "speech_started",
        Event::SpeechEnded { .. } => "speech_ended",
        Event::PartialTranscript { text, .. } => {
            dict.set_item("text", text)?;
            "partial_transcript"
        }
        Event::FinalTranscript { text, .. } => {
            dict.set_item("text", text)?;
            "final_transcript"
        }
        Event::UserTurn { text, .. } => {
            dict.set_item("text", text)?;
            "user_turn"
        }
        Event::SpeechIgnored { text, reason } => {
            dict.set_item("text", text)?;
            let reason = match reason {
                IgnoreReason::Backchannel => "backchannel",
                IgnoreReason::Echo => "echo",
                _ => "policy_off",
            };
            dict.set_item("reason", reason)?;
            "speech_ignored"
        }
        Event::Keypad { key, .. } => {
            dict.set_item("key", key.to_string())?;
            "keypad"
        }
        Event::Ducked { .. } => "ducked",
        Event::Restored { .. } => "restored",
        Event::Yielded { heard, .. } => {
            dict.set_item("heard", heard)?;
            "yielded"
        }
        Event::Resumed { .. } => "resumed",
        Event::AgentTurn(turn) => {
            dict.set_item("text", &turn.text)?;
            dict.set_item("heard", &turn.heard)?;
            let end = match turn.end {
                TurnEnd::Finished => "finished",
                TurnEnd::Interrupted => "interrupted",
                TurnEnd::Failed => "failed",
            };
            dict.set_item("end", end)?;
            "agent_turn"
        }
        Event::Fault(fault) => {
            dict.set_item("fault", fault_text(fault))?;
            "fault"
        }
        _ => "other",
    };
    dict.set_item("type", kind)?;
    Ok(dict)
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Initializing => "initializing",
        State::Idle => "idle",
        State::Listening => "listening",
        State::Thinking => "thinking",
        State::Speaking => "speaking",
        _ => "closed",
    }
}

fn fault_text(fault: &Fault) -> String {
    format!("{fault:?}")
}
