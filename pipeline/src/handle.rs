//! The application's hand on a running pipeline.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{SendTimeoutError, Sender};
use duologue_models::{SpeakOptions, Stt};

use crate::clip::Clip;
use crate::conversation::{Entry, Input, Policy, SayOptions};
use crate::events::{EventHub, Events};
use crate::offline::model_error;
use crate::playback::PlaybackControl;
use crate::player::Player;
use crate::say::{SayBook, SayHandle};
use crate::stages::{Clock, Signal, StageCounters};
use crate::{Error, ErrorKind};

/// How long an order may wait for the conversation to take it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Orders to a running pipeline. Clones are cheap and may be used from any thread.
#[derive(Clone)]
pub struct Handle {
    pub(crate) signals: Sender<Signal>,
    pub(crate) events: Arc<EventHub>,
    pub(crate) says: Arc<SayBook>,
    pub(crate) history: Arc<Mutex<Vec<Entry>>>,
    pub(crate) playback: PlaybackControl,
    pub(crate) counters: Arc<StageCounters>,
    pub(crate) clock: Clock,
}

/// What a pipeline lost on the way; all only grow, and all are 0 on a machine that keeps up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Losses {
    /// 10 ms blocks that the scribe had no room for.
    pub blocks: u64,
    /// Signals that the conversation had no room for.
    pub signals: u64,
    /// Samples at 16 kHz of utterances that were gone before the recogniser came to them.
    pub unheard: u64,
    /// Times that the agent fell silent because its next samples came too late.
    pub underruns: u64,
    /// Pauses at which the turn detector did not answer by its deadline, and silence alone decided.
    pub turns: u64,
}

impl Handle {
    /// Time since the pipeline started: what events are stamped with.
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// A new event stream; it begins now.
    pub fn events(&self) -> Events {
        self.events.subscribe()
    }

    /// Speaks `text` once the agent has finished what it is saying.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the pipeline is gone; [`ErrorKind::TimedOut`] if it does not take
    /// orders.
    pub fn say(&self, text: impl Into<String>) -> Result<SayHandle, Error> {
        self.start_saying(text.into(), SayOptions::default())
    }

    /// Speaks `text` at once, cutting off what the agent is saying.
    ///
    /// # Errors
    /// As [`Handle::say`].
    pub fn say_now(&self, text: impl Into<String>) -> Result<SayHandle, Error> {
        self.start_saying(text.into(), SayOptions { interrupt: true, ..SayOptions::default() })
    }

    /// Plays `clip` once the agent has finished what it is saying, as a speech of the agent's own: it is
    /// ducked, held and gone on with like any other. `text` is what it says, for the history, and may
    /// be empty; its words count as spread evenly over the clip.
    ///
    /// # Errors
    /// As [`Handle::say`].
    pub fn play(&self, clip: Clip, text: impl Into<String>) -> Result<SayHandle, Error> {
        self.start_playing(clip, text.into(), SayOptions::default())
    }

    /// Plays `clip` at once, cutting off what the agent is saying; otherwise as [`Handle::play`].
    ///
    /// # Errors
    /// As [`Handle::say`].
    pub fn play_now(&self, clip: Clip, text: impl Into<String>) -> Result<SayHandle, Error> {
        self.start_playing(clip, text.into(), SayOptions { interrupt: true, ..SayOptions::default() })
    }

    /// Speaks text as it is written, for example token by token, once the agent has finished what it is
    /// saying. Several may be written at a time, and to each while another sounds: they are spoken in the
    /// order in which they were opened. One that waits takes as much text as one answer may have
    /// ([`crate::conversation::Config::max_reply_bytes`]); at most
    /// [`crate::conversation::Config::max_says`] wait, and one more ends as [`crate::SpeechOutcome::Dropped`].
    ///
    /// # Errors
    /// As [`Handle::say`].
    pub fn say_stream(&self) -> Result<SayStream, Error> {
        let options = SayOptions { open: true, ..SayOptions::default() };
        Ok(SayStream { speech: self.start_saying(String::new(), options)?, handle: self.clone() })
    }

    /// Silences the agent within one device period and a 20 ms fade, and forgets what was waiting
    /// to be said.
    ///
    /// # Errors
    /// As [`Handle::say`].
    pub fn cancel_tts(&self) -> Result<(), Error> {
        self.input(Input::CancelSpeech)
    }

    /// Takes typed text as the user's turn: it interrupts the agent and asks at once.
    ///
    /// # Errors
    /// As [`Handle::say`].
    pub fn user_text(&self, text: impl Into<String>) -> Result<(), Error> {
        self.input(Input::UserText(text.into()))
    }

    /// Stops listening (`true`) or listens again (`false`).
    ///
    /// # Errors
    /// As [`Handle::say`].
    pub fn set_muted(&self, muted: bool) -> Result<(), Error> {
        self.input(if muted { Input::Mute } else { Input::Unmute })
    }

    /// Changes the barge-in policy from here on.
    ///
    /// # Errors
    /// As [`Handle::say`].
    pub fn set_policy(&self, policy: Policy) -> Result<(), Error> {
        self.input(Input::SetPolicy(policy))
    }

    /// Changes voice and speed of whatever is asked or ordered to be said from here on; what was
    /// before, and has not begun, keeps its voice.
    ///
    /// # Errors
    /// As [`Handle::say`].
    pub fn set_voice(&self, voice: SpeakOptions) -> Result<(), Error> {
        self.send(Signal::Voice(voice))
    }

    /// Recognises with `stt` from the user's next utterance on.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] if the recogniser refuses a stream; otherwise as [`Handle::say`].
    pub fn set_stt(&self, stt: &dyn Stt) -> Result<(), Error> {
        self.send(Signal::Stt(stt.stream().map_err(model_error)?))
    }

    /// Ends the conversation for good: the agent falls silent as by [`Handle::cancel_tts`], and nothing
    /// more is heard, asked or said.
    ///
    /// # Errors
    /// As [`Handle::say`].
    pub fn close(&self) -> Result<(), Error> {
        self.input(Input::Close)
    }

    /// What was said and heard so far, oldest first.
    pub fn history(&self) -> Vec<Entry> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was lost so far.
    pub fn losses(&self) -> Losses {
        Losses {
            blocks: self.counters.blocks_lost.load(Ordering::Relaxed),
            signals: self.counters.signals_lost.load(Ordering::Relaxed),
            unheard: self.counters.samples_missed.load(Ordering::Relaxed),
            underruns: self.playback.status().underruns,
            turns: self.counters.turns_missed.load(Ordering::Relaxed),
        }
    }

    fn start_saying(&self, text: String, options: SayOptions) -> Result<SayHandle, Error> {
        let (key, speech) = self.says.open(&self.signals);
        self.input(Input::Say { text, options: SayOptions { key, ..options } })?;
        Ok(speech)
    }

    fn start_playing(&self, clip: Clip, text: String, options: SayOptions) -> Result<SayHandle, Error> {
        let player = Box::new(Player::new(clip, self.says.rate())?);
        let (key, speech) = self.says.open(&self.signals);
        let options = SayOptions { key, sound: true, ..options };
        self.send(Signal::Play { player, text, options })?;
        Ok(speech)
    }

    pub(crate) fn input(&self, input: Input) -> Result<(), Error> {
        self.send(Signal::Input(input))
    }

    fn send(&self, signal: Signal) -> Result<(), Error> {
        send(&self.signals, signal)
    }
}

/// Hands an order to the conversation.
pub(crate) fn send(signals: &Sender<Signal>, signal: Signal) -> Result<(), Error> {
    signals.send_timeout(signal, PATIENCE).map_err(|error| match error {
        SendTimeoutError::Timeout(_) => {
            Error::new(ErrorKind::TimedOut, "the conversation took no order for 2 s; send fewer, or later")
        }
        SendTimeoutError::Disconnected(_) => {
            Error::new(ErrorKind::Closed, "the pipeline has been closed; build a new one")
        }
    })
}

/// A speech whose text is still being written; dropping it completes the text.
pub struct SayStream {
    handle: Handle,
    speech: SayHandle,
}

impl SayStream {
    /// Adds text; it is spoken as soon as it makes a clause.
    ///
    /// # Errors
    /// As [`Handle::say`].
    pub fn text(&self, delta: impl Into<String>) -> Result<(), Error> {
        self.handle.input(Input::SayMore { key: self.speech.key(), text: delta.into() })
    }

    /// The speech that is being written.
    pub fn speech(&self) -> &SayHandle {
        &self.speech
    }

    /// Completes the text; the handle tells when it has been heard.
    #[must_use]
    pub fn finish(self) -> SayHandle {
        self.speech.clone()
    }
}

impl Drop for SayStream {
    fn drop(&mut self) {
        // A pipeline that is gone has no speech left to complete.
        let _ = self.handle.input(Input::FinishSay { key: self.speech.key() });
    }
}
