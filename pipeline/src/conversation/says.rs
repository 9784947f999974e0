//! Speech of the agent's own accord: the queue of what is to be said, and what cancels it.

use std::collections::VecDeque;

use super::reply::{Reply, Source};
use super::user::{User, clip};
use super::{Conversation, Event, Fault, Life, Origin, SayOptions};

/// Something that waits to be said.
#[derive(Clone, Debug)]
struct Say {
    key: u64,
    text: String,
    /// More text may come.
    open: bool,
    /// More text came than a reply may have.
    overflowed: bool,
    sound: bool,
}

/// What waits to be said, in order. Each may be open; text finds its speech by the key.
#[derive(Clone, Debug, Default)]
pub(super) struct Says(VecDeque<Say>);

impl Says {
    fn open(&mut self, key: u64) -> Option<&mut Say> {
        self.0.iter_mut().find(|say| say.key == key && say.open)
    }

    fn has(&self, key: u64) -> bool {
        self.0.iter().any(|say| say.key == key)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl Conversation {
    pub(super) fn on_say(&mut self, text: String, options: SayOptions) {
        let SayOptions { interrupt, open, sound, key } = options;
        let empty = text.trim().is_empty() && !open && !sound;
        let known = self.says.has(key) || self.saying() == Some(key);
        let too_much = text.len() > self.config.max_reply_bytes || self.says.len() >= self.config.max_says;
        if empty || known || too_much {
            return self.event(Event::Fault(Fault::SayRefused { key }));
        }
        let say = Say { key, text, open: open && !sound, overflowed: false, sound };
        if !interrupt {
            return self.says.0.push_back(say);
        }
        self.says.0.push_front(say);
        if self.reply.as_ref().is_some_and(|reply| reply.committed) {
            self.interrupt();
        }
    }

    pub(super) fn on_say_more(&mut self, key: u64, text: &str) {
        let limit = self.config.max_reply_bytes;
        if let Some(say) = self.says.open(key) {
            let room = limit.saturating_sub(say.text.len());
            say.text.push_str(clip(text, room));
            say.overflowed = text.len() > room;
            say.open = !say.overflowed;
        } else if self.says_openly(key) {
            self.append_text(text);
        } else {
            self.counters.stale += 1;
        }
    }

    pub(super) fn on_finish_say(&mut self, key: u64) {
        if let Some(say) = self.says.open(key) {
            say.open = false;
        } else if self.says_openly(key) {
            self.end_text();
        } else {
            self.counters.stale += 1;
        }
    }

    /// The speech `key` is being said, and open.
    fn says_openly(&self, key: u64) -> bool {
        let open = |reply: &Reply| reply.origin() == Origin::Say { key } && reply.is_streaming();
        self.reply.as_ref().is_some_and(open)
    }

    pub(super) fn on_cancel_speech(&mut self) {
        for say in std::mem::take(&mut self.says.0) {
            self.event(Event::SayDropped { key: say.key });
        }
        if self.reply.as_ref().is_some_and(|reply| reply.committed) {
            self.interrupt();
        }
    }

    /// The key of the say that is being said.
    pub fn saying(&self) -> Option<u64> {
        match self.reply.as_ref()?.origin() {
            Origin::Say { key } => Some(key),
            Origin::Reply => None,
        }
    }

    /// What has been heard of what the agent says now, and how many samples of it were played.
    pub fn heard(&self) -> Option<(&str, u64)> {
        self.reply.as_ref().map(|reply| (reply.heard(), reply.played()))
    }

    /// All the text so far of what the agent says now, and the prefix of it that has been heard.
    pub fn speaking(&self) -> Option<(&str, &str)> {
        let reply = self.reply.as_ref().filter(|reply| reply.committed)?;
        Some((reply.script.text(), reply.heard()))
    }

    pub(super) fn on_cancel_say(&mut self, key: u64) {
        if self.reply.as_ref().is_some_and(|reply| reply.origin() == Origin::Say { key }) {
            return self.interrupt();
        }
        let waiting = self.says.len();
        self.says.0.retain(|say| say.key != key);
        if self.says.len() < waiting {
            self.event(Event::SayDropped { key });
        }
    }

    /// Begins the next say if nobody has the floor; those that turn out empty end at once.
    pub(super) fn next_say(&mut self) {
        while self.life == Life::Open && self.reply.is_none() && self.user == User::Quiet {
            let Some(say) = self.says.0.pop_front() else { return };
            self.begin_say(say);
        }
    }

    fn begin_say(&mut self, say: Say) {
        self.last_turn.0 += 1;
        let deadline = self.now.saturating_add(self.config.first_text_limit);
        let origin = Origin::Say { key: say.key };
        let mut reply =
            Reply::new(self.last_turn, origin, Vec::new(), Source::Waiting { deadline }, self.now);
        reply.sounds_without_text = say.sound;
        self.reply = Some(reply);
        self.append_text(&say.text);
        if say.overflowed {
            self.cut_text(Fault::AgentTooLong { turn: self.last_turn });
        } else if !say.open {
            self.end_text();
        }
    }
}
