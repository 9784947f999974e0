//! From what was recognised to the user's turn: the verdict, the end of turn, the (speculative) ask.

use std::time::Duration;

use super::config::Confirm;
use super::reply::{Reply, Source};
use super::user::{Detection, Draft, Overlap, User};
use super::{
    Conversation, Entry, Event, Fault, IgnoreReason, Origin, Output, Role, TurnId, UtteranceId, words,
};

/// What the user's words amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Empty,
    Backchannel,
    Echo,
    Words,
}

/// An echo dies this long after the agent's sound: output and input latency, and the room.
const ECHO_TAIL: Duration = Duration::from_millis(250);
/// How far back the agent's words may come as echo: the lag of device and detector.
const ECHO_REACH: Duration = Duration::from_millis(1_000);
/// How far ahead of the last poll playback may be.
const POLL_LAG: Duration = Duration::from_millis(100);
/// A pause that is more than the closure of a consonant.
const SHORT_PAUSE: Duration = Duration::from_millis(60);
/// A question asked within this time before the user speaks is what they answer.
const QUESTION_REACH: Duration = Duration::from_millis(2_500);

impl Conversation {
    /// `duration` in samples of the output rate.
    pub(super) fn played_samples(&self, duration: Duration) -> u64 {
        u64::try_from(duration.as_millis())
            .unwrap_or(u64::MAX)
            .saturating_mul(u64::from(self.config.output_rate))
            / 1_000
    }

    /// What the agent is saying as an utterance begins.
    pub(super) fn overlap(&self) -> Option<Overlap> {
        let Some(reply) = self.reply.as_ref().filter(|reply| reply.committed) else {
            let fresh = self.now <= self.last_audible.saturating_add(ECHO_TAIL);
            return self.tail.clone().filter(|_| fresh);
        };
        let speech = reply.speech.as_ref().filter(|speech| speech.audible)?;
        let from = speech.played.saturating_sub(self.played_samples(ECHO_REACH));
        Some(Overlap { epoch: speech.epoch, from, words: Vec::new(), asked: false })
    }

    /// Takes in which words of the agent were played during the utterance, as long as the epoch lives.
    pub(super) fn refresh_overlap(&mut self) {
        let (lag, reach) = (self.played_samples(POLL_LAG), self.played_samples(QUESTION_REACH));
        let Some(overlap) = &mut self.draft.overlap else { return };
        let Some(reply) = &self.reply else { return };
        let Some(speech) = reply.speech.as_ref().filter(|speech| speech.epoch == overlap.epoch) else {
            return;
        };
        let heard = reply.script.words_between(overlap.from, speech.played.saturating_add(lag));
        overlap.words = heard.flat_map(words::words).collect();
        let mut recent = reply.script.words_between(overlap.from.saturating_sub(reach), speech.played);
        overlap.asked =
            recent.any(|word| word.trim_end_matches(['"', '”', ')', '\'']).ends_with(['?', '？', '؟']));
    }

    /// Remembers the last words of a reply that ends: they may still come back as echo.
    pub(super) fn keep_tail(&mut self) {
        let Some(reply) = self.reply.as_ref().filter(|reply| reply.sounded()) else { return };
        let Some(speech) = &reply.speech else { return };
        let from = speech.played.saturating_sub(self.played_samples(ECHO_REACH));
        let words = reply.script.words_between(from, speech.played).flat_map(words::words).collect();
        self.tail = Some(Overlap { epoch: speech.epoch, from, words, asked: false });
    }

    /// What the draft amounts to, against what the agent was saying meanwhile.
    pub(super) fn verdict(&mut self) -> Verdict {
        self.refresh_overlap();
        let spoken_until = match self.user {
            User::Speaking { .. } => self.now,
            _ => self.draft.speech_end,
        };
        let may_echo = spoken_until <= self.last_audible.saturating_add(ECHO_TAIL);
        let overlap = self.draft.overlap.as_ref();
        let own = overlap.filter(|_| may_echo).map_or(&[][..], |overlap| &overlap.words);
        match words::classify(&self.draft.words, own, &self.backchannels) {
            Verdict::Backchannel if overlap.is_some_and(|overlap| overlap.asked) => Verdict::Words,
            verdict => verdict,
        }
    }

    /// All finals of the draft are in (or given up): what becomes of it.
    pub(super) fn judge(&mut self) {
        let verdict = self.verdict();
        if self.reply.as_ref().is_none_or(|reply| !reply.committed) {
            return match verdict {
                Verdict::Empty => {
                    let utterance = self.draft.latest;
                    self.event(Event::Fault(Fault::NothingRecognised { utterance }));
                    self.dismiss_draft();
                }
                Verdict::Echo => self.ignore_draft(IgnoreReason::Echo),
                Verdict::Backchannel | Verdict::Words => self.await_turn_end(),
            };
        }
        match verdict {
            Verdict::Empty => self.dismiss_draft(),
            _ if self.rules().confirm == Confirm::Never => self.ignore_draft(IgnoreReason::PolicyOff),
            Verdict::Echo => {
                self.reply.iter_mut().for_each(|reply| reply.hears_itself = true);
                self.ignore_draft(IgnoreReason::Echo);
            }
            Verdict::Backchannel => self.ignore_draft(IgnoreReason::Backchannel),
            Verdict::Words => {
                self.interrupt();
                self.await_turn_end();
            }
        }
    }

    fn ignore_draft(&mut self, reason: IgnoreReason) {
        let text = std::mem::take(&mut self.draft.text);
        self.event(Event::SpeechIgnored { text, reason });
        self.dismiss_draft();
    }

    pub(super) fn dismiss_draft(&mut self) {
        self.user = User::Quiet;
        self.draft = Draft::default();
    }

    fn await_turn_end(&mut self) {
        self.user = User::AwaitingTurnEnd;
        self.detect_turn();
    }

    /// Asks the turn detector, unless it was asked about these very words at this very pause.
    pub(super) fn detect_turn(&mut self) {
        if !self.config.turn_detector {
            self.draft.detection = Detection::Missed;
            return;
        }
        let pause = self.meter.last_voiced();
        let asked = self.draft.detected == self.draft.words && self.draft.pause == pause;
        if self.draft.detection != Detection::Unasked && asked {
            return;
        }
        self.draft.detected.clone_from(&self.draft.words);
        self.draft.pause = pause;
        self.last_ask += 1;
        self.draft.detection =
            Detection::Pending { deadline: self.now.saturating_add(self.config.detector_limit) };
        let (utterance, ask, text) = (self.draft.latest, self.last_ask, self.draft.text.clone());
        self.output(Output::DetectTurn { utterance, ask, text });
    }

    pub(super) fn on_turn_complete(&mut self, utterance: UtteranceId, ask: u64, probability: f32) {
        let waiting = match self.user {
            User::AwaitingFinal { .. } | User::AwaitingTurnEnd => true,
            User::Speaking { .. } => self.draft.detected == self.draft.words,
            User::Quiet => false,
        };
        if !waiting || (utterance, ask) != (self.draft.latest, self.last_ask) || !probability.is_finite() {
            self.counters.stale += 1;
            return;
        }
        self.draft.detection = Detection::Known(probability);
    }

    /// When the user's turn is over, if nothing else comes.
    pub(super) fn turn_end(&self) -> Duration {
        let delay = match self.draft.detection {
            Detection::Pending { deadline } => return deadline,
            Detection::Known(probability) => self.config.endpoint_delay(probability),
            Detection::Missed | Detection::Unasked => self.config.vad_endpoint_delay,
        };
        self.draft.speech_end.saturating_add(delay)
    }

    /// The wait for the end of turn has passed: the detector missed it, or the turn is over.
    pub(super) fn end_turn_wait(&mut self) {
        if let Detection::Pending { .. } = self.draft.detection {
            self.counters.detector_missed += 1;
            self.draft.detection = Detection::Missed;
            return;
        }
        let draft = std::mem::take(&mut self.draft);
        self.user = User::Quiet;
        self.commit(draft.text, &draft.words, Some((draft.speech_end, draft.final_at)));
    }

    pub(super) fn on_user_text(&mut self, typed: &str) {
        let typed = super::user::clip(typed.trim(), self.config.max_reply_bytes);
        if typed.is_empty() {
            self.counters.stale += 1;
            return;
        }
        let mut text = typed.to_owned();
        if self.user == User::AwaitingTurnEnd {
            text = format!("{} {typed}", self.draft.text);
            self.dismiss_draft();
        }
        let words = words::words(&text);
        self.commit(text, &words, None);
        if self.user != User::Quiet {
            self.contest();
        }
    }

    /// The user's turn is `text`: the agent is asked, or was already.
    fn commit(&mut self, text: String, words: &[String], spoken: Option<(Duration, Option<Duration>)>) {
        if self.reply.as_ref().is_some_and(|reply| reply.committed || reply.key != words) {
            self.interrupt();
        }
        let speculative = self.reply.is_some();
        if !speculative {
            self.last_turn.0 += 1;
            self.reply = Some(Reply::asked(self.last_turn, words.to_vec(), self.now));
        }
        let deadline = self.now.saturating_add(self.config.first_text_limit);
        let Some(reply) = &mut self.reply else { return };
        let turn = reply.turn;
        reply.commit(self.now, deadline, self.config.stall_limit, self.config.max_reply_time);
        reply.times.spoken(spoken, self.now);
        reply.times.speculative = speculative;
        self.history.push(Entry { turn, role: Role::User, text: text.clone(), interrupted: false });
        self.event(Event::UserTurn { turn, text: text.clone() });
        if speculative {
            self.counters.speculation_hits += 1;
            self.output(Output::CommitAsk { turn });
        } else {
            self.output(Output::Ask { turn, text, speculative: false, typed: spoken.is_none() });
        }
        self.start_speech();
        self.end_if_silent();
    }

    /// When the partial is stable enough for a speculative ask; `None` if that is not awaited.
    pub(super) fn stable_at(&self) -> Option<Duration> {
        if !self.pauses() || !self.may_speculate() {
            return None;
        }
        let silent = self.meter.time_of(self.meter.last_voiced(), self.now);
        if self.seems_complete() {
            let paused = silent.saturating_add(SHORT_PAUSE.min(self.config.stable_partial));
            return Some(self.draft.changed.max(paused));
        }
        Some(self.draft.changed.max(silent).saturating_add(self.config.stable_partial))
    }

    /// The user is in the middle of an utterance, and silent just now.
    fn pauses(&self) -> bool {
        matches!(self.user, User::Speaking { .. }) && !self.meter.silent().is_zero()
    }

    /// The detector thinks that the user has finished with the words so far.
    fn seems_complete(&self) -> bool {
        let likely = |probability| probability >= self.config.turn_likely;
        self.draft.detected == self.draft.words
            && matches!(self.draft.detection, Detection::Known(probability) if likely(probability))
    }

    /// New words came late, in a pause: if they complete the turn, the ask need not wait.
    pub(super) fn detect_early(&mut self) {
        if self.config.turn_detector && self.pauses() && self.may_speculate() {
            self.detect_turn();
        }
    }

    /// The draft's words are worth a speculative ask that was not made.
    fn may_speculate(&self) -> bool {
        self.config.speculate
            && self.draft.speculations < self.config.max_speculations
            && !self.draft.words.is_empty()
            && self.reply.as_ref().is_none_or(|reply| !reply.committed && reply.key != self.draft.words)
    }

    /// Keeps the speculation in step with the draft: gives up a stale one, makes one that is due.
    pub(super) fn speculate(&mut self) {
        let stale = |reply: &Reply| !reply.committed && reply.key != self.draft.words;
        if self.reply.as_ref().is_some_and(stale) {
            self.interrupt();
        }
        let due = match self.user {
            User::Quiet => false,
            User::Speaking { .. } => self.stable_at().is_some_and(|at| at <= self.now),
            User::AwaitingFinal { .. } | User::AwaitingTurnEnd => self.may_speculate(),
        };
        if !due {
            return;
        }
        self.draft.speculations += 1;
        self.counters.speculated += 1;
        self.last_turn.0 += 1;
        let turn = self.last_turn;
        self.reply = Some(Reply::asked(turn, self.draft.words.clone(), self.now));
        let text = self.draft.text.clone();
        self.output(Output::Ask { turn, text, speculative: true, typed: false });
    }
}

impl Reply {
    fn asked(turn: TurnId, key: Vec<String>, now: Duration) -> Self {
        Self::new(turn, Origin::Reply, key, Source::Waiting { deadline: Duration::MAX }, now)
    }
}
