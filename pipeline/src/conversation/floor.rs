//! Who is to be heard: duck, yield, restore, resume.
//!
//! The level that playback is told follows from the floor and the policy's row by one rule ([`Conversation::settle_level`]);
//! it is never set by an edge.

use std::time::Duration;

use super::config::{AfterYield, Confirm, Level, Rules};
use super::reply::{Reply, Speech};
use super::turn::Verdict;
use super::user::User;
use super::{Conversation, Epoch, Event, Output, Policy};

/// Each false yield of a turn doubles the voiced time that makes another, this many times at most.
const MAX_BACKOFF: u32 = 3;

/// Who has the floor while the agent has the turn. Whatever is not free has a deadline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Floor {
    /// The agent's.
    Free,
    /// The user speaks; whether they interrupt is not known.
    Ducked { deadline: Duration },
    /// The user has interrupted; whether with words is not known.
    Yielded { deadline: Duration },
}

impl Floor {
    pub fn deadline(self) -> Option<Duration> {
        match self {
            Floor::Free => None,
            Floor::Ducked { deadline } | Floor::Yielded { deadline } => Some(deadline),
        }
    }
}

impl Conversation {
    /// The policy's row. What does not sound yet cannot be barged into: there, the user goes on with their own turn.
    pub(super) fn rules(&self) -> Rules {
        self.rules_for(self.reply.as_ref())
    }

    fn rules_for(&self, reply: Option<&Reply>) -> Rules {
        if reply.is_some_and(Reply::sounded) { self.policy.rules() } else { Policy::Duck.rules() }
    }

    /// The user begins to speak (or already does when the agent's turn begins).
    pub(super) fn contest(&mut self) {
        let confirm = self.rules().confirm;
        let (now, config) = (self.now, &self.config);
        let Some(reply) = self.reply.as_mut().filter(|reply| reply.committed) else { return };
        match (confirm, reply.floor) {
            (Confirm::Never, _) => return,
            (Confirm::AtOnce, _) => return self.yield_floor(),
            (Confirm::OnEvidence, Floor::Free) => {
                reply.floor = Floor::Ducked { deadline: now.saturating_add(config.duck_limit) };
                let (turn, sounded) = (reply.turn, reply.sounded());
                if sounded {
                    self.event(Event::Ducked { turn });
                }
            }
            (Confirm::OnEvidence, Floor::Ducked { .. }) => {}
            (Confirm::OnEvidence, Floor::Yielded { .. }) => {
                reply.floor = Floor::Yielded { deadline: now.saturating_add(config.yield_limit) };
            }
        }
        self.weigh_evidence();
    }

    /// Yields if the voice so far, or a word, says that the user interrupts.
    pub(super) fn weigh_evidence(&mut self) {
        let Some(reply) = self.reply.as_ref().filter(|reply| reply.committed) else { return };
        let open = matches!(reply.floor, Floor::Free | Floor::Ducked { .. });
        if !open || self.user == User::Quiet || self.rules().confirm == Confirm::Never {
            return;
        }
        let needed = self.config.confirm_voiced.saturating_mul(1 << reply.false_yields.min(MAX_BACKOFF));
        let speaking =
            matches!(self.user, User::Speaking { .. }) && !self.draft.overruled && !reply.hears_itself;
        let by_voice = speaking && self.meter.evidence() >= needed;
        if by_voice || (!self.draft.words.is_empty() && self.verdict() == Verdict::Words) {
            self.yield_floor();
        }
    }

    fn yield_floor(&mut self) {
        if self.rules().after == AfterYield::Drop {
            return self.interrupt();
        }
        let wait = match self.user {
            User::Speaking { .. } => self.config.yield_limit,
            _ => self.config.final_limit,
        };
        let deadline = self.now.saturating_add(wait);
        let Some(reply) = &mut self.reply else { return };
        reply.floor = Floor::Yielded { deadline };
        if reply.sounded() {
            let (turn, heard) = (reply.turn, reply.heard().to_owned());
            self.event(Event::Yielded { turn, heard });
        }
    }

    /// The user has stopped: what a yield now waits for is the final.
    pub(super) fn wait_for_final(&mut self, until: Duration) {
        if let Some(Reply { floor: Floor::Yielded { deadline }, .. }) = &mut self.reply {
            *deadline = until;
        }
    }

    /// The floor is the agent's again.
    pub(super) fn release_floor(&mut self) {
        let Some(reply) = &mut self.reply else { return };
        let floor = std::mem::replace(&mut reply.floor, Floor::Free);
        reply.false_yields += u32::from(matches!(floor, Floor::Yielded { .. }));
        let turn = reply.turn;
        if !reply.sounded() {
            return;
        }
        match floor {
            Floor::Free => {}
            Floor::Ducked { .. } => self.event(Event::Restored { turn }),
            Floor::Yielded { .. } => self.event(Event::Resumed { turn }),
        }
    }

    /// The floor's deadline has passed. A yield under which the user still speaks is decided by what is recognised so far.
    pub(super) fn expire_floor(&mut self) {
        let yielded = self.reply.as_ref().is_some_and(|reply| matches!(reply.floor, Floor::Yielded { .. }));
        if !yielded {
            return self.release_floor();
        }
        if self.verdict() == Verdict::Words {
            return self.interrupt();
        }
        self.draft.overruled = true;
        self.release_floor();
    }

    /// The level that follows from who has the floor.
    pub(super) fn wanted_level(&self, reply: &Reply) -> Level {
        if !reply.committed {
            return Level::Held;
        }
        match reply.floor {
            Floor::Free => Level::Full,
            Floor::Yielded { .. } => Level::Held,
            Floor::Ducked { .. } if !reply.sounded() => Level::Held,
            Floor::Ducked { .. } => self.rules_for(Some(reply)).onset,
        }
    }

    /// Tells playback the level, if it changed.
    pub(super) fn settle_level(&mut self) {
        let Some(reply) = &self.reply else { return };
        let wanted = self.wanted_level(reply);
        let Some(speech) = self.reply.as_mut().and_then(|reply| reply.speech.as_mut()) else { return };
        let (epoch, told) = (speech.epoch, std::mem::replace(&mut speech.level, wanted));
        if told == wanted {
            return;
        }
        if told == Level::Held {
            speech.restart_watch(self.now);
            self.output(Output::Resume { epoch });
        }
        match wanted {
            Level::Ducked => self.output(Output::Duck { epoch }),
            Level::Full if told == Level::Ducked => self.output(Output::Restore { epoch }),
            Level::Full => {}
            Level::Held => {
                if let Some(speech) = self.reply.as_ref().and_then(|reply| reply.speech.clone()) {
                    self.await_silence(&speech);
                }
                self.output(Output::Yield { epoch });
            }
        }
    }

    /// The user's speech silences `speech`: how long that takes is measured.
    pub(super) fn await_silence(&mut self, speech: &Speech) {
        if speech.audible && self.user != User::Quiet {
            self.silencing = Some((speech.epoch, self.draft.onset));
        }
    }

    /// Playback reports whether `epoch` sounds.
    pub(super) fn note_silence(&mut self, epoch: Epoch, audible: bool) {
        let Some((_, onset)) = self.silencing.filter(|(silenced, _)| *silenced == epoch && !audible) else {
            return;
        };
        self.silencing = None;
        let latency = self.now.saturating_sub(onset);
        self.event(Event::Silenced { epoch, latency });
    }
}
