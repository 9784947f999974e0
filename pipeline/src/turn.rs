//! The turn detector's stage: it hears the user's turn and says, when asked at a pause, whether it is over.
//!
//! It has a thread of its own, so that a slow model delays neither the transcript nor the conversation: whoever asks
//! waits until a deadline and then goes without (`detector_limit` in [`crate::conversation::Config`]). An ask that a
//! newer one, or the next turn, has overtaken is not answered.
//!
//! Life cycle: [`TurnFeed`] beside the scribe sends what is heard and asked → [`TurnStage::step`] answers.

use crossbeam_channel::{Receiver, Sender};
use duologue_models::TurnStream;

use crate::conversation::Input;
use crate::ids::UtteranceId;
use crate::scribe::Scribe;
use crate::stages::{Signal, StageCounters};
use std::sync::Arc;

/// Samples, at 16 kHz, of which a turn detector is told at a time: 100 ms.
const PIECE: u64 = 1_600;

/// One question to the turn detector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TurnAsk {
    pub utterance: UtteranceId,
    /// Which question it is; the answer names it.
    pub ask: u64,
    /// What is recognised of the turn so far.
    pub words: String,
}

/// What the turn detector's stage is told.
#[derive(Debug)]
pub(crate) enum TurnCommand {
    /// Another turn begins; what was heard and asked before is over.
    Begin,
    /// The next samples of the turn.
    Hear(Vec<f32>),
    Ask(TurnAsk),
}

/// Sends the sound of the user's turns to the turn detector, out of what the scribe has heard.
pub(crate) struct TurnFeed {
    to: Sender<TurnCommand>,
    /// The detector wants sound.
    hears: bool,
    /// The first sample that was not sent.
    next: u64,
    /// An utterance is under way.
    open: bool,
}

impl TurnFeed {
    pub fn new(to: Sender<TurnCommand>, hears: bool) -> Self {
        Self { to, hears, next: 0, open: false }
    }

    /// An utterance begins at sample `from`; the `first` of a turn, or one that goes on with it.
    pub fn start(&mut self, from: u64, first: bool) {
        self.open = true;
        if first {
            self.next = from;
            self.send(TurnCommand::Begin);
        }
    }

    pub fn end(&mut self) {
        self.open = false;
    }

    /// Sends what has been heard of the utterance that is under way, once it is worth it.
    pub fn follow(&mut self, scribe: &Scribe) {
        if self.open && scribe.heard() >= self.next.saturating_add(PIECE) {
            self.catch_up(scribe);
        }
    }

    /// Asks, after everything that has been heard.
    pub fn ask(&mut self, ask: TurnAsk, scribe: &Scribe) {
        self.catch_up(scribe);
        self.send(TurnCommand::Ask(ask));
    }

    fn catch_up(&mut self, scribe: &Scribe) {
        if self.hears && scribe.heard() > self.next {
            self.send(TurnCommand::Hear(scribe.recent(self.next).to_vec()));
        }
        self.next = self.next.max(scribe.heard());
    }

    /// A detector that has not come to so much yet misses the rest: its answer would come too late.
    fn send(&self, command: TurnCommand) {
        let _ = self.to.try_send(command);
    }
}

/// The turn detector with its inbox.
pub(crate) struct TurnStage {
    pub stream: Box<dyn TurnStream>,
    pub inbox: Receiver<TurnCommand>,
    pub conversation: Sender<Signal>,
    pub counters: Arc<StageCounters>,
}

impl TurnStage {
    /// Takes one command, then everything else that waits, and answers the latest question. Returns whether it did
    /// anything.
    pub fn step(&mut self, first: Option<TurnCommand>) -> bool {
        let mut progressed = false;
        let mut asked = None;
        for command in first.into_iter().chain(self.inbox.try_iter()) {
            progressed = true;
            match command {
                TurnCommand::Begin => {
                    asked = None;
                    self.stream.reset();
                }
                TurnCommand::Hear(samples) => self.stream.hear(&samples),
                TurnCommand::Ask(ask) => asked = Some(ask),
            }
        }
        if let Some(ask) = asked {
            self.answer(ask);
        }
        progressed
    }

    fn answer(&mut self, TurnAsk { utterance, ask, words }: TurnAsk) {
        match self.stream.predict(&words) {
            Ok(probability) => {
                let input = Input::TurnComplete { utterance, ask, probability };
                self.counters.signal(&self.conversation, Signal::Input(input));
            }
            // Whoever asked goes on without at the deadline.
            Err(error) => tracing::warn!(%error, "the turn detector failed on a pause"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    use crossbeam_channel::{bounded, unbounded};
    use duologue_models::Error;

    /// What a detector was told, in order.
    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<String>>>);

    impl Told {
        fn note(&self, what: String) {
            self.0.lock().unwrap().push(what);
        }

        fn take(&self) -> Vec<String> {
            std::mem::take(&mut *self.0.lock().unwrap())
        }
    }

    impl TurnStream for Told {
        fn hear(&mut self, audio: &[f32]) {
            self.note(format!("{} samples", audio.len()));
        }

        fn predict(&mut self, words: &str) -> Result<f32, Error> {
            self.note(format!("{words}?"));
            Ok(0.5)
        }

        fn reset(&mut self) {
            self.note("reset".into());
        }
    }

    fn stage(capacity: usize) -> (TurnStage, Sender<TurnCommand>, Receiver<Signal>, Told) {
        let (to, inbox) = bounded(capacity);
        let (conversation, signals) = unbounded();
        let told = Told::default();
        let stage =
            TurnStage { stream: Box::new(told.clone()), inbox, conversation, counters: Arc::default() };
        (stage, to, signals, told)
    }

    fn ask(ask: u64, words: &str) -> TurnCommand {
        TurnCommand::Ask(TurnAsk { utterance: UtteranceId(1), ask, words: words.into() })
    }

    #[test]
    fn an_ask_that_was_overtaken_is_not_answered() {
        let (mut stage, to, signals, told) = stage(16);
        let commands = [TurnCommand::Hear(vec![0.0; 160]), ask(1, "the"), ask(2, "the train")];
        commands.into_iter().for_each(|command| to.try_send(command).unwrap());
        assert!(stage.step(None));
        assert_eq!(told.take(), ["160 samples", "the train?"]);
        let answers: Vec<_> = signals.try_iter().collect();
        assert!(matches!(
            answers[..],
            [Signal::Input(Input::TurnComplete { ask: 2, utterance: UtteranceId(1), .. })]
        ));
        [ask(3, "stop"), TurnCommand::Begin].into_iter().for_each(|command| to.try_send(command).unwrap());
        stage.step(None);
        assert_eq!(told.take(), ["reset"], "the next turn has begun: nobody waits for the answer");
        assert!(!stage.step(None));
    }

    #[test]
    fn a_detector_that_hangs_does_not_hold_up_whoever_feeds_it() {
        let (_stage, to, _signals, _told) = stage(4);
        let mut feed = TurnFeed::new(to, true);
        for _ in 0..1_000 {
            feed.start(0, true);
            feed.end();
        }
    }
}
