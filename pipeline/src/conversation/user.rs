//! The user's side: utterances, and the draft of the turn they make up.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Conversation, Event, Fault, Output, UtteranceId, meter, words};

/// What the user is doing. Every state but `Quiet` has a deadline.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum User {
    Quiet,
    Speaking { utterance: UtteranceId, at: u64, begun: Duration, starves: Duration },
    AwaitingFinal { deadline: Duration },
    AwaitingTurnEnd,
}

/// What is known of the turn detector's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Detection {
    #[default]
    Unasked,
    Pending {
        deadline: Duration,
    },
    Known(f32),
    Missed,
}

/// An utterance whose final is due.
#[derive(Clone, Debug)]
struct Piece {
    utterance: UtteranceId,
    text: String,
    done: bool,
}

/// How many utterances may wait for their finals; beyond, the oldest makes do with its partial.
const MAX_OPEN: usize = 8;
/// Longest transcript of a turn, in bytes; the rest is cut.
const MAX_TRANSCRIPT: usize = 16_384;

/// The user's turn as far as it is known. Starts empty whenever the user leaves `Quiet`.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    settled: String,
    open: VecDeque<Piece>,
    /// Settled and open text, joined.
    pub text: String,
    /// The words of `text`.
    pub words: Vec<String>,
    /// When `words` last changed.
    pub changed: Duration,
    pub latest: UtteranceId,
    /// When the latest utterance began.
    pub onset: Duration,
    /// When the last voiced sample was.
    pub speech_end: Duration,
    /// The same, of the utterances before the latest.
    earlier_end: Duration,
    pub final_at: Option<Duration>,
    pub detection: Detection,
    /// The words the turn detector was asked about.
    pub detected: Vec<String>,
    /// The last voiced sample before the pause that it was asked at.
    pub pause: u64,
    pub speculations: u32,
    /// A yield of this utterance was undone: only words can make another.
    pub overruled: bool,
    pub overlap: Option<Overlap>,
}

/// What the agent was saying when the utterance began.
#[derive(Clone, Debug)]
pub(super) struct Overlap {
    pub epoch: super::Epoch,
    /// Playback sample from which its words may come back as echo.
    pub from: u64,
    pub words: Vec<String>,
    /// It had just asked a question: "yes" is an answer.
    pub asked: bool,
}

impl Draft {
    fn open(&mut self, utterance: UtteranceId, now: Duration) {
        if self.open.len() >= MAX_OPEN {
            self.open[0].done = true;
        }
        self.latest = utterance;
        self.open.push_back(Piece { utterance, text: String::new(), done: false });
        self.refresh(now);
    }

    /// Sets the text of an open utterance; `false` if there is no such.
    fn set(&mut self, utterance: UtteranceId, text: &str, done: bool, now: Duration) -> bool {
        let Some(piece) = self.open.iter_mut().find(|piece| piece.utterance == utterance && !piece.done)
        else {
            return false;
        };
        piece.text = clip(text, MAX_TRANSCRIPT).to_owned();
        piece.done = done;
        self.refresh(now);
        true
    }

    fn settle_all(&mut self, now: Duration) {
        self.open.iter_mut().for_each(|piece| piece.done = true);
        self.refresh(now);
    }

    fn refresh(&mut self, now: Duration) {
        while self.open.front().is_some_and(|piece| piece.done) {
            let piece = self.open.pop_front().expect("invariant: the front was just seen");
            append(&mut self.settled, &piece.text);
        }
        let mut text = self.settled.clone();
        self.open.iter().for_each(|piece| append(&mut text, &piece.text));
        let words = words::words(&text);
        if words != self.words {
            self.words = words;
            self.changed = now;
        }
        self.text = text;
    }

    /// All finals are in.
    pub fn is_settled(&self) -> bool {
        self.open.is_empty()
    }
}

/// Adds `text` to `all`, with a space between, up to the longest transcript.
fn append(all: &mut String, text: &str) {
    let text = text.trim();
    if text.is_empty() || all.len() + 1 >= MAX_TRANSCRIPT {
        return;
    }
    if !all.is_empty() {
        all.push(' ');
    }
    all.push_str(clip(text, MAX_TRANSCRIPT - all.len()));
}

/// The longest prefix of at most `limit` bytes that splits no character.
pub(super) fn clip(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

impl Conversation {
    pub(super) fn on_speech_started(&mut self, at: u64) {
        if self.muted || matches!(self.user, User::Speaking { .. }) {
            self.counters.stale += 1;
            return;
        }
        self.begin_utterance(at);
    }

    pub(super) fn on_speech_ended(&mut self, at: u64) {
        if !matches!(self.user, User::Speaking { .. }) {
            self.counters.stale += 1;
            return;
        }
        self.end_utterance(at);
    }

    /// The level of one frame: what the edges say is checked against it, and made good where they are missing.
    pub(super) fn on_voice(&mut self, at: u64, voice: Option<f32>) {
        self.starved = false;
        if self.muted {
            self.meter.frame(at, None, self.now);
            return;
        }
        self.meter.frame(at, voice, self.now);
        let limit = self.config.edge_limit;
        if let User::Speaking { starves, .. } = &mut self.user {
            *starves = self.now.saturating_add(self.config.starvation_limit);
            if self.meter.silent() >= limit {
                self.counters.edges_missed += 1;
                self.end_utterance(self.meter.last_voiced());
                return;
            }
        } else if self.meter.voiced() >= limit {
            self.counters.edges_missed += 1;
            self.begin_utterance(self.meter.onset());
        }
        self.weigh_evidence();
    }

    /// Keys are the application's; whether they also interrupt, the configuration says.
    pub(super) fn on_keypad(&mut self, at: u64, key: char) {
        if self.muted {
            return;
        }
        self.event(Event::Keypad { at, key });
        if self.config.keypad_interrupts && self.reply.as_ref().is_some_and(|reply| reply.committed) {
            self.interrupt();
        }
    }

    pub(super) fn on_starved(&mut self) {
        if !self.starved {
            self.starved = true;
            self.event(Event::Fault(Fault::Starved));
        }
        if matches!(self.user, User::Speaking { .. }) {
            self.counters.starved += 1;
            self.end_utterance(self.meter.last_voiced());
        }
    }

    pub(super) fn on_partial(&mut self, utterance: UtteranceId, text: &str) {
        if !self.draft.set(utterance, text, false, self.now) {
            self.counters.stale += 1;
            return;
        }
        let text = clip(text, MAX_TRANSCRIPT).to_owned();
        self.event(Event::PartialTranscript { utterance, text });
        self.detect_early();
        self.weigh_evidence();
    }

    pub(super) fn on_final(&mut self, utterance: UtteranceId, text: &str) {
        if !self.draft.set(utterance, text, true, self.now) {
            self.counters.stale += 1;
            return;
        }
        self.draft.final_at = Some(self.now);
        if utterance == self.draft.latest && words::words(text).is_empty() && !self.draft.words.is_empty() {
            self.draft.speech_end = self.draft.earlier_end;
        }
        let text = clip(text, MAX_TRANSCRIPT).to_owned();
        self.event(Event::FinalTranscript { utterance, text });
        if self.draft.is_settled() && matches!(self.user, User::AwaitingFinal { .. }) {
            return self.judge();
        }
        self.weigh_evidence();
    }

    pub(super) fn on_stt_failed(&mut self, reason: String) {
        self.event(Event::Fault(Fault::SttFailed { reason }));
        self.draft.settle_all(self.now);
        if matches!(self.user, User::AwaitingFinal { .. }) {
            self.judge();
        }
    }

    pub(super) fn on_mute(&mut self) {
        if !self.muted && matches!(self.user, User::Speaking { .. }) {
            self.end_utterance(self.meter.latest());
        }
        self.muted = true;
        self.meter.restart();
    }

    fn begin_utterance(&mut self, at: u64) {
        let at = self.meter.believe(at, self.now);
        if self.user == User::Quiet {
            self.draft = Draft::default();
        }
        let utterance = self.open_utterance(at.saturating_sub(meter::samples(self.config.pre_roll)));
        let starves = self.now.saturating_add(self.config.starvation_limit);
        self.user = User::Speaking { utterance, at, begun: self.now, starves };
        self.draft.onset = self.meter.time_of(at, self.now);
        self.draft.earlier_end = self.draft.speech_end;
        self.draft.detection = Detection::Unasked;
        self.draft.overruled = false;
        self.draft.overlap = self.overlap();
        self.event(Event::SpeechStarted { utterance, at });
        self.contest();
    }

    fn open_utterance(&mut self, from_sample: u64) -> UtteranceId {
        self.last_utterance.0 += 1;
        let utterance = self.last_utterance;
        if self.utterance_end > self.meter.believe(u64::MAX, self.now) {
            self.utterance_end = 0; // The capture clock began anew.
        }
        let from_sample = from_sample.max(self.utterance_end);
        let first = self.draft.latest == UtteranceId::default();
        self.draft.open(utterance, self.now);
        self.output(Output::StartUtterance { utterance, from_sample, first });
        utterance
    }

    pub(super) fn end_utterance(&mut self, at: u64) {
        let User::Speaking { utterance, at: from, .. } = self.user else { return };
        let at = self.meter.believe(at, self.now).max(from);
        self.draft.speech_end = self.meter.time_of(at, self.now);
        let until = at.saturating_add(meter::samples(self.config.post_roll)).min(self.meter.latest().max(at));
        self.close_utterance(utterance, until);
        self.meter.restart();
        let deadline = self.now.saturating_add(self.config.final_limit);
        self.user = User::AwaitingFinal { deadline };
        self.event(Event::SpeechEnded { utterance, at });
        self.wait_for_final(deadline);
        if self.reply.as_ref().is_none_or(|reply| !reply.committed) {
            self.detect_turn();
        }
        if self.draft.is_settled() {
            self.judge();
        }
    }

    /// The recogniser hears the utterance up to `until`; what follows belongs to the next.
    pub(super) fn close_utterance(&mut self, utterance: UtteranceId, until: u64) {
        self.utterance_end = until.max(self.utterance_end);
        self.output(Output::EndUtterance { utterance, at: self.utterance_end });
    }

    /// An utterance that goes on too long is continued as another from the same sample.
    pub(super) fn roll_over(&mut self) {
        let User::Speaking { utterance, at, .. } = self.user else { return };
        let until = self.meter.latest().max(at);
        self.close_utterance(utterance, until);
        let next = self.open_utterance(until);
        if let User::Speaking { utterance, at, begun, .. } = &mut self.user {
            (*utterance, *at, *begun) = (next, until, self.now);
        }
    }

    /// The deadline of the user's state; `None` only when quiet.
    pub(super) fn user_deadline(&self) -> Option<Duration> {
        match self.user {
            User::Quiet => None,
            User::Speaking { begun, starves, .. } => {
                let ends = begun.saturating_add(self.config.max_utterance).min(starves);
                Some(self.stable_at().map_or(ends, |stable| ends.min(stable)))
            }
            User::AwaitingFinal { deadline } => Some(deadline),
            User::AwaitingTurnEnd => Some(self.turn_end()),
        }
    }

    /// Does what the user's deadline asks for, if it has passed.
    pub(super) fn expire_user(&mut self) -> bool {
        match self.user {
            User::Speaking { starves, .. } if starves <= self.now => self.on_starved(),
            User::Speaking { begun, .. } if begun.saturating_add(self.config.max_utterance) <= self.now => {
                self.roll_over();
            }
            User::AwaitingFinal { deadline } if deadline <= self.now => {
                self.counters.finals_missed += 1;
                let utterance = self.draft.latest;
                self.event(Event::Fault(Fault::FinalTimedOut { utterance }));
                self.draft.settle_all(self.now);
                self.judge();
            }
            User::AwaitingTurnEnd if self.turn_end() <= self.now => self.end_turn_wait(),
            _ => return false,
        }
        true
    }
}
