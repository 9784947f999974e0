//! The agent's side: its turn, the text that streams in, the speech that plays out.

use std::time::Duration;

use super::config::Level;
use super::floor::Floor;
use super::user::clip;
use super::{
    AgentTurn, Conversation, Entry, Epoch, Event, Fault, Origin, Output, Role, Script, SpokenWord, TurnEnd,
    TurnId, TurnMetrics,
};

/// Where the turn's text comes from. The deadlines hold once the turn is committed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source {
    /// No text yet.
    Waiting { deadline: Duration },
    /// Text has come, and more may.
    Streaming { stall: Duration, limit: Duration },
    /// All text is there.
    Ended,
}

/// How far the mouth is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Synthesis {
    Working { end: u64 },
    Done { total: u64 },
    Failed { end: u64 },
}

/// What plays of a turn.
#[derive(Clone, Debug)]
pub(super) struct Speech {
    pub epoch: Epoch,
    /// The level playback was told.
    pub level: Level,
    synthesis: Synthesis,
    pub played: u64,
    /// By the latest poll.
    pub audible: bool,
    /// Something of it was heard.
    pub sounded: bool,
    /// When synthesis or playback last got on.
    progress: Duration,
}

/// One agent turn: an answer that may still be speculative, or a `Say`.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub turn: TurnId,
    origin: Origin,
    /// The words that were asked.
    pub key: Vec<String>,
    /// The user's turn is over; until then nothing of the answer is played.
    pub committed: bool,
    source: Source,
    /// There is something to play even if there is no text.
    pub sounds_without_text: bool,
    pub script: Script,
    pub speech: Option<Speech>,
    pub floor: Floor,
    /// A fault of this turn was reported; its request is over.
    failed: bool,
    /// Yields that turned out to be nothing.
    pub false_yields: u32,
    /// Its echo was recognised: voice alone says nothing any more.
    pub hears_itself: bool,
    pub times: Times,
}

/// When the parts of the exchange were.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    asked: Duration,
    committed: Option<Duration>,
    speech_end: Option<Duration>,
    final_at: Option<Duration>,
    first_text: Option<Duration>,
    pub speculative: bool,
}

impl Times {
    pub fn spoken(&mut self, spoken: Option<(Duration, Option<Duration>)>, now: Duration) {
        self.committed = Some(now);
        if let Some((speech_end, final_at)) = spoken {
            self.speech_end = Some(speech_end);
            self.final_at = final_at;
        }
    }

    fn metrics(&self, turn: TurnId, origin: Origin, now: Duration) -> TurnMetrics {
        let since = |from: Option<Duration>, to: Option<Duration>| Some(to?.saturating_sub(from?));
        let asked = (origin == Origin::Reply).then_some(self.asked);
        TurnMetrics {
            turn,
            transcription_delay: since(self.speech_end, self.final_at),
            end_of_turn_delay: since(self.speech_end, self.committed),
            first_text: since(asked, self.first_text),
            first_audio: since(self.first_text, Some(now)),
            end_to_end: since(self.speech_end, Some(now)),
            speculative: self.speculative,
        }
    }
}

impl Reply {
    pub fn new(turn: TurnId, origin: Origin, key: Vec<String>, source: Source, now: Duration) -> Self {
        Self {
            turn,
            origin,
            key,
            committed: matches!(origin, Origin::Say { .. }),
            source,
            sounds_without_text: false,
            script: Script::default(),
            speech: None,
            floor: Floor::Free,
            failed: false,
            false_yields: 0,
            hears_itself: false,
            times: Times { asked: now, ..Times::default() },
        }
    }

    /// The turn is the agent's: its deadlines hold from `now`.
    pub fn commit(&mut self, now: Duration, first_text: Duration, stall: Duration, limit: Duration) {
        self.committed = true;
        match &mut self.source {
            Source::Waiting { deadline } => *deadline = first_text,
            Source::Streaming { stall: at, limit: end } => {
                (*at, *end) = (now.saturating_add(stall), now.saturating_add(limit));
            }
            Source::Ended => {}
        }
        if let Some(speech) = &mut self.speech {
            speech.progress = now;
        }
    }

    pub fn origin(&self) -> Origin {
        self.origin
    }

    pub fn is_say(&self) -> bool {
        matches!(self.origin, Origin::Say { .. })
    }

    pub fn is_streaming(&self) -> bool {
        self.source != Source::Ended
    }

    pub fn sounded(&self) -> bool {
        self.speech.as_ref().is_some_and(|speech| speech.sounded)
    }

    pub fn heard(&self) -> &str {
        self.speech.as_ref().map_or("", |speech| self.script.heard(speech.played))
    }

    pub fn played(&self) -> u64 {
        self.speech.as_ref().map_or(0, |speech| speech.played)
    }

    fn has_something_to_say(&self) -> bool {
        self.sounds_without_text || !self.script.text().trim().is_empty()
    }

    /// Someone still works on the answer, or remembers it as pending.
    fn must_abandon(&self) -> bool {
        self.origin == Origin::Reply && (self.is_streaming() || !(self.committed || self.failed))
    }

    /// The deadline of the source or, when it has ended, of the speech; `None` while the floor or the user is awaited.
    fn deadline(&self, speech_limit: Duration) -> Option<Duration> {
        match self.source {
            Source::Waiting { deadline } => Some(deadline),
            Source::Streaming { stall, limit } => Some(stall.min(limit)),
            Source::Ended => {
                let speech = self.speech.as_ref().filter(|speech| speech.level != Level::Held)?;
                Some(speech.progress.saturating_add(speech_limit))
            }
        }
    }
}

impl Speech {
    /// All there is of it was played.
    fn is_complete(&self, finished: bool) -> bool {
        match self.synthesis {
            Synthesis::Working { .. } => false,
            Synthesis::Done { total } => finished || self.played >= total,
            Synthesis::Failed { end } => finished || self.played >= end,
        }
    }

    /// Playback goes on after a hold: its deadline counts from `now`.
    pub fn restart_watch(&mut self, now: Duration) {
        self.progress = now;
    }

    fn end(&self) -> u64 {
        match self.synthesis {
            Synthesis::Working { end } | Synthesis::Failed { end } | Synthesis::Done { total: end } => end,
        }
    }
}

impl Conversation {
    /// The reply `turn`, if it is the present one and its text is not over; counts it as stale otherwise.
    fn asked_reply(&mut self, turn: TurnId) -> Option<&mut Reply> {
        let present =
            |reply: &&mut Reply| reply.turn == turn && reply.origin == Origin::Reply && reply.is_streaming();
        let reply = self.reply.as_mut().filter(present);
        self.counters.stale += u64::from(reply.is_none());
        reply
    }

    fn speech_of(&mut self, epoch: Epoch) -> Option<&mut Reply> {
        let present = |reply: &&mut Reply| reply.speech.as_ref().is_some_and(|speech| speech.epoch == epoch);
        let reply = self.reply.as_mut().filter(present);
        self.counters.stale += u64::from(reply.is_none());
        reply
    }

    pub(super) fn on_agent_text(&mut self, turn: TurnId, delta: &str) {
        if self.asked_reply(turn).is_some() {
            self.append_text(delta);
        }
    }

    pub(super) fn on_agent_done(&mut self, turn: TurnId) {
        if self.asked_reply(turn).is_some() {
            self.end_text();
        }
    }

    pub(super) fn on_agent_failed(&mut self, turn: TurnId, reason: String) {
        let Some(reply) = self.asked_reply(turn) else { return };
        reply.failed = true;
        if !reply.committed {
            reply.source = Source::Ended;
            self.draft.speculations = self.config.max_speculations;
            return self.interrupt();
        }
        self.event(Event::Fault(Fault::AgentFailed { turn, reason }));
        self.end_text();
    }

    /// More text of the present reply.
    pub(super) fn append_text(&mut self, delta: &str) {
        let (now, config) = (self.now, &self.config);
        let Some(reply) = &mut self.reply else { return };
        let room = config.max_reply_bytes.saturating_sub(reply.script.text().len());
        let kept = clip(delta, room);
        reply.script.push_text(kept);
        if !reply.script.text().trim().is_empty() && !kept.is_empty() {
            let limit = match reply.source {
                Source::Streaming { limit, .. } => limit,
                _ => now.saturating_add(config.max_reply_time),
            };
            reply.source = Source::Streaming { stall: now.saturating_add(config.stall_limit), limit };
            reply.times.first_text.get_or_insert(now);
        }
        let turn = reply.turn;
        match &reply.speech {
            Some(speech) if !kept.is_empty() => {
                let epoch = speech.epoch;
                self.output(Output::Speak { epoch, delta: kept.to_owned() });
            }
            Some(_) => {}
            None => self.start_speech(),
        }
        if kept.len() < delta.len() {
            self.cut_text(Fault::AgentTooLong { turn });
        }
    }

    /// Begins to speak the reply, if it has text, is not speaking, and may.
    pub(super) fn start_speech(&mut self) {
        let Some(reply) = &self.reply else { return };
        let may = reply.committed || self.config.speculative_speech;
        if reply.speech.is_some() || !may || !reply.has_something_to_say() {
            return;
        }
        self.last_epoch = self.last_epoch.next();
        let (epoch, turn, ended) = (self.last_epoch, reply.turn, !reply.is_streaming());
        let delta = reply.script.text().to_owned();
        let level = self.wanted_level(reply);
        let speech = Speech {
            epoch,
            level,
            synthesis: Synthesis::Working { end: 0 },
            played: 0,
            audible: false,
            sounded: false,
            progress: self.now,
        };
        self.reply.as_mut().expect("invariant: seen above").speech = Some(speech);
        self.output(Output::BeginEpoch { epoch, turn, held: level == Level::Held });
        if !delta.is_empty() {
            self.output(Output::Speak { epoch, delta });
        }
        if ended {
            self.output(Output::FinishSpeak { epoch });
        }
    }

    /// The present reply has all its text.
    pub(super) fn end_text(&mut self) {
        let now = self.now;
        let Some(reply) = self.reply.as_mut().filter(|reply| reply.is_streaming()) else { return };
        reply.source = Source::Ended;
        if let Some(speech) = &mut reply.speech {
            speech.progress = now;
            let epoch = speech.epoch;
            self.output(Output::FinishSpeak { epoch });
        }
        self.end_if_silent();
    }

    /// The present reply gets no more text, by a fault: what it has is spoken.
    pub(super) fn cut_text(&mut self, fault: Fault) {
        let Some(reply) = self.reply.as_mut().filter(|reply| reply.is_streaming()) else { return };
        if !reply.committed {
            return self.interrupt();
        }
        reply.failed = true;
        let (turn, asked) = (reply.turn, !reply.is_say());
        if asked {
            self.output(Output::Abandon { turn });
        }
        self.event(Event::Fault(fault));
        self.end_text();
    }

    /// A committed turn that ended without text ends here.
    pub(super) fn end_if_silent(&mut self) {
        let Some(reply) = &self.reply else { return };
        if !reply.committed || reply.is_streaming() || reply.speech.is_some() {
            return;
        }
        if !reply.failed {
            let turn = reply.turn;
            self.event(Event::Fault(Fault::AgentSilent { turn }));
        }
        self.end_reply(TurnEnd::Failed);
    }

    pub(super) fn on_spoken(&mut self, epoch: Epoch, words: &[SpokenWord], end_sample: u64) {
        let now = self.now;
        let Some(reply) = self.speech_of(epoch) else { return };
        let bad = words.iter().filter(|word| !reply.script.mark(word)).count();
        let speech = reply.speech.as_mut().expect("invariant: speech_of found it");
        speech.progress = now;
        if let Synthesis::Working { end } = &mut speech.synthesis {
            *end = end_sample.max(*end);
        }
        self.counters.bad_marks += bad as u64;
    }

    pub(super) fn on_synthesis_done(&mut self, epoch: Epoch, total: u64) {
        let now = self.now;
        let Some(reply) = self.speech_of(epoch) else { return };
        let ended = !reply.is_streaming();
        let speech = reply.speech.as_mut().expect("invariant: speech_of found it");
        if !ended || !matches!(speech.synthesis, Synthesis::Working { .. }) {
            self.counters.stale += 1;
            return;
        }
        speech.synthesis = Synthesis::Done { total };
        speech.progress = now;
        self.end_if_complete(false);
    }

    pub(super) fn on_synthesis_failed(&mut self, epoch: Epoch, reason: String) {
        let Some(reply) = self.speech_of(epoch) else { return };
        let (turn, committed) = (reply.turn, reply.committed);
        let speech = reply.speech.as_mut().expect("invariant: speech_of found it");
        let Synthesis::Working { end } = speech.synthesis else {
            self.counters.stale += 1;
            return;
        };
        speech.synthesis = Synthesis::Failed { end };
        if !committed {
            self.draft.speculations = self.config.max_speculations;
            return self.interrupt();
        }
        reply.failed = true;
        if reply.is_streaming() {
            self.cut_text(Fault::SynthesisFailed { turn, reason });
        } else {
            self.event(Event::Fault(Fault::SynthesisFailed { turn, reason }));
        }
        self.end_if_complete(false);
    }

    pub(super) fn on_playback(&mut self, epoch: Epoch, played: u64, audible: bool, finished: bool) {
        self.note_silence(epoch, audible);
        let now = self.now;
        let Some(reply) = self.speech_of(epoch) else { return };
        let speech = reply.speech.as_mut().expect("invariant: speech_of found it");
        if !reply.committed {
            self.counters.stale += 1;
            return;
        }
        let played = played.min(speech.end()).max(speech.played);
        if played > speech.played {
            speech.progress = now;
        }
        let before = std::mem::replace(&mut speech.played, played);
        speech.audible = audible;
        let first = !speech.sounded && played > 0;
        speech.sounded |= played > 0;
        let metrics = reply.times.metrics(reply.turn, reply.origin, now);
        let heard = reply.script.heard(played);
        let heard = (heard.len() > reply.script.heard(before).len())
            .then(|| Event::Heard { turn: reply.turn, heard: heard.to_owned() });
        if audible {
            self.last_audible = now;
        }
        if first {
            self.event(Event::Metrics(metrics));
        }
        heard.into_iter().for_each(|event| self.event(event));
        self.end_if_complete(finished);
    }

    fn end_if_complete(&mut self, finished: bool) {
        let Some(reply) = self.reply.as_ref().filter(|reply| reply.committed && !reply.is_streaming()) else {
            return;
        };
        if !reply.speech.as_ref().is_some_and(|speech| speech.is_complete(finished)) {
            return;
        }
        self.end_reply(if reply.failed { TurnEnd::Failed } else { TurnEnd::Finished });
    }

    /// Cuts off the present reply; a speculative one never happened.
    pub(super) fn interrupt(&mut self) {
        self.end_reply(TurnEnd::Interrupted);
    }

    fn end_reply(&mut self, end: TurnEnd) {
        self.refresh_overlap();
        self.keep_tail();
        let Some(reply) = self.reply.take() else { return };
        let turn = reply.turn;
        if reply.must_abandon() {
            self.output(Output::Abandon { turn });
        }
        if let Some(speech) =
            reply.speech.as_ref().filter(|speech| end != TurnEnd::Finished || speech.level != Level::Full)
        {
            self.await_silence(speech);
            self.output(Output::Drop { epoch: speech.epoch });
        }
        if !reply.committed {
            return;
        }
        let heard = if end == TurnEnd::Finished { reply.script.text() } else { reply.heard() }.to_owned();
        let text = reply.script.text().to_owned();
        let interrupted = heard.len() < text.len() || reply.is_streaming();
        self.history.push(Entry { turn, role: Role::Agent, text: heard.clone(), interrupted });
        let played = reply.played();
        self.event(Event::AgentTurn(AgentTurn { turn, origin: reply.origin, text, heard, end, played }));
    }

    /// The earliest deadline of the agent's side; `None` if it has none.
    pub(super) fn agent_deadline(&self) -> Option<Duration> {
        let reply = self.reply.as_ref().filter(|reply| reply.committed)?;
        [reply.floor.deadline(), reply.deadline(self.config.speech_limit)].into_iter().flatten().min()
    }

    /// Does what the agent's deadline asks for, if it has passed.
    pub(super) fn expire_agent(&mut self) -> bool {
        let now = self.now;
        let Some(reply) = self.reply.as_ref().filter(|reply| reply.committed) else { return false };
        let turn = reply.turn;
        if reply.floor.deadline().is_some_and(|deadline| deadline <= now) {
            self.expire_floor();
            return true;
        }
        if reply.deadline(self.config.speech_limit).is_none_or(|deadline| deadline > now) {
            return false;
        }
        match reply.source {
            Source::Waiting { .. } => self.cut_text(Fault::AgentTimedOut { turn }),
            Source::Streaming { limit, .. } if limit <= now => self.cut_text(Fault::AgentTooLong { turn }),
            Source::Streaming { .. } => self.cut_text(Fault::AgentStalled { turn }),
            Source::Ended => {
                self.event(Event::Fault(Fault::PlaybackStalled { turn }));
                self.end_reply(TurnEnd::Failed);
            }
        }
        true
    }
}
