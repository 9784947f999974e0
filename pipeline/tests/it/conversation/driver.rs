//! What may happen to a conversation, and who does it and checks all that the conversation says.

use std::time::Duration;

use super::model::Model;
use duologue_pipeline::conversation::*;

/// Which turn, epoch or utterance an input names.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    Latest,
    Earlier,
    Never,
}

/// One thing that happens. Numbers are small; what they mean depends on where the conversation is.
#[derive(Clone, Debug)]
pub enum Op {
    Wait(u64),
    ToTimeout,
    ClockBack(u64),
    SpeechStarted(i64),
    SpeechEnded(i64),
    Voice(bool, u64),
    Starved,
    Partial(Which, usize),
    Final(Which, usize),
    SttFailed,
    TurnComplete(Which, f32),
    AgentText(Which, usize),
    AgentDone(Which),
    AgentFailed(Which),
    /// The mouth synthesizes what it has, properly.
    Synthesize,
    Spoken(Which, u64, u64, u64, u64),
    SynthesisDone(Which, u64),
    SynthesisFailed(Which),
    /// The loudspeaker plays on for so many ms.
    Play(u64),
    Playback(Which, u64, bool, bool),
    /// What is said, whether it interrupts, whether it is open. Each gets a key of its own.
    Say(usize, bool, bool),
    /// Sound of the caller's own: what it says, whether it interrupts.
    Publish(usize, bool),
    /// More text of the speech ordered so many before the latest.
    SayMore(u64, usize),
    FinishSay(u64),
    CancelSpeech,
    CancelSay(u64),
    UserText(usize),
    SetPolicy(Policy),
    Mute,
    Unmute,
    /// The agent is asked, answers and sounds: text, whether that is all, ms played.
    Answered(usize, bool, u64),
    /// The user speaks over it: frames of voice, whether they stop, what is recognised.
    BargeIn(u64, bool, usize),
}

pub const TEXTS: [&str; 12] = [
    "",
    " \n",
    "yes",
    "mhm ",
    "stop that ",
    "the train leaves at nine. ",
    "Do you want tea? ",
    "żółw 🐢 idzie ",
    "…",
    "one two three four five six seven eight nine ten eleven twelve thirteen ",
    "Hello, ",
    "the train",
];

/// Drives the core and checks all it says.
pub struct Driver {
    pub core: Conversation,
    pub model: Model,
    now: Duration,
    read: usize,
    end: u64,
    played: u64,
    epoch: Epoch,
    /// Speeches ordered so far; the key of the latest.
    says: u64,
    pub outputs: Vec<Output>,
}

impl Driver {
    pub fn new(config: Config) -> Self {
        Self {
            core: Conversation::new(config).unwrap(),
            model: Model::default(),
            now: Duration::ZERO,
            read: 0,
            end: 0,
            played: 0,
            epoch: Epoch(0),
            says: 0,
            outputs: Vec::new(),
        }
    }

    pub fn input(&mut self, input: Input) {
        self.model.before(&input);
        self.core.handle(input, self.now);
        while let Some(output) = self.core.poll_output() {
            self.model.after(&output);
            self.outputs.push(output);
        }
        self.model.compare(&self.core, self.now);
        if self.epoch != self.model.last_epoch {
            (self.epoch, self.read, self.end, self.played) = (self.model.last_epoch, 0, 0, 0);
        }
    }

    fn sample(&self, offset: i64) -> u64 {
        (self.now.as_millis() as u64 * 16).saturating_add_signed(offset)
    }

    fn turn(&self, which: Which) -> TurnId {
        TurnId(pick(which, self.model.last_turn.0))
    }

    fn epoch(&self, which: Which) -> Epoch {
        Epoch(pick(which, u64::from(self.model.last_epoch.0)) as u32)
    }

    fn say(&self, ago: u64) -> u64 {
        self.says.saturating_sub(ago)
    }

    fn utterance(&self, which: Which) -> UtteranceId {
        UtteranceId(pick(which, self.model.last_utterance.0))
    }

    pub fn step(&mut self, op: &Op) {
        let text = |index: &usize| TEXTS[index % TEXTS.len()].to_owned();
        let input = match op {
            Op::Wait(ms) => {
                self.now += Duration::from_millis(*ms);
                Input::Timeout
            }
            Op::ToTimeout => {
                self.now = self.core.next_timeout().unwrap_or(self.now).min(Duration::from_secs(1 << 40));
                Input::Timeout
            }
            Op::ClockBack(ms) => {
                let back = self.now.saturating_sub(Duration::from_millis(*ms));
                self.core.handle(Input::Timeout, back);
                Input::Timeout
            }
            Op::SpeechStarted(offset) => Input::SpeechStarted { at: self.sample(*offset) },
            Op::SpeechEnded(offset) => Input::SpeechEnded { at: self.sample(*offset) },
            Op::Voice(voiced, frames) => {
                for _ in 0..*frames {
                    self.now += Duration::from_millis(32);
                    self.input(Input::Voice { at: self.sample(0), voiced: *voiced, probability: 0.6 });
                }
                return;
            }
            Op::Starved => Input::Starved,
            Op::Partial(which, index) => {
                Input::Partial { utterance: self.utterance(*which), text: text(index) }
            }
            Op::Final(which, index) => Input::Final { utterance: self.utterance(*which), text: text(index) },
            Op::SttFailed => Input::SttFailed { reason: "gone".into() },
            Op::TurnComplete(which, probability) => {
                let (utterance, ask) = (self.utterance(*which), pick(*which, self.model.last_ask));
                Input::TurnComplete { utterance, ask, probability: *probability }
            }
            Op::AgentText(which, index) => Input::AgentText { turn: self.turn(*which), delta: text(index) },
            Op::AgentDone(which) => Input::AgentDone { turn: self.turn(*which) },
            Op::AgentFailed(which) => Input::AgentFailed { turn: self.turn(*which), reason: "broke".into() },
            Op::Synthesize => return self.synthesize(),
            Op::Spoken(which, start, end, from, to) => {
                let word = SpokenWord { source: *start..*end, samples: *from..*to };
                Input::Spoken { epoch: self.epoch(*which), words: vec![word], end_sample: *to }
            }
            Op::SynthesisDone(which, total) => {
                Input::SynthesisDone { epoch: self.epoch(*which), total_samples: *total }
            }
            Op::SynthesisFailed(which) => {
                Input::SynthesisFailed { epoch: self.epoch(*which), reason: "no memory".into() }
            }
            Op::Play(ms) => {
                self.played = (self.played + ms * 24).min(self.end);
                let (epoch, played) = (self.epoch, self.played);
                Input::Playback { epoch, played, audible: true, finished: false }
            }
            Op::Playback(which, played, audible, finished) => {
                let (played, audible, finished) = (*played, *audible, *finished);
                Input::Playback { epoch: self.epoch(*which), played, audible, finished }
            }
            Op::Say(index, interrupt, open) => {
                self.says += 1;
                let (interrupt, open, key) = (*interrupt, *open, self.says);
                let options = SayOptions { interrupt, open, key, ..SayOptions::default() };
                Input::Say { text: text(index), options }
            }
            Op::Publish(index, interrupt) => {
                self.says += 1;
                let options = SayOptions { interrupt: *interrupt, sound: true, key: self.says, open: false };
                Input::Say { text: text(index), options }
            }
            Op::SayMore(ago, index) => Input::SayMore { key: self.say(*ago), text: text(index) },
            Op::FinishSay(ago) => Input::FinishSay { key: self.say(*ago) },
            Op::CancelSpeech => Input::CancelSpeech,
            Op::CancelSay(ago) => Input::CancelSay { key: self.say(*ago) },
            Op::UserText(index) => Input::UserText(text(index)),
            Op::SetPolicy(policy) => Input::SetPolicy(*policy),
            Op::Mute => Input::Mute,
            Op::Unmute => Input::Unmute,
            Op::Answered(index, all, ms) => {
                let mut ops = vec![Op::UserText(4), Op::AgentText(Which::Latest, *index)];
                ops.extend(all.then_some(Op::AgentDone(Which::Latest)));
                ops.extend([Op::Synthesize, Op::Play(*ms)]);
                return ops.iter().for_each(|op| self.step(op));
            }
            Op::BargeIn(frames, stops, index) => {
                self.step(&Op::SpeechStarted(-512));
                self.step(&Op::Voice(true, *frames));
                if *stops {
                    self.step(&Op::SpeechEnded(-256));
                    self.step(&Op::Final(Which::Latest, *index));
                }
                return;
            }
        };
        self.input(input);
    }

    fn synthesize(&mut self) {
        let Some(live) = self.model.live.clone() else { return };
        let mut words = Vec::new();
        let mut place = self.read;
        for word in live.text[self.read..].split_inclusive(' ') {
            let bare = word.trim_end();
            words.push(SpokenWord {
                source: place as u64..(place + bare.len()) as u64,
                samples: self.end..self.end + 7_200,
            });
            self.end += 7_200;
            place += word.len();
        }
        self.read = place;
        self.input(Input::Spoken { epoch: live.epoch, words, end_sample: self.end });
        if live.finished {
            self.input(Input::SynthesisDone { epoch: live.epoch, total_samples: self.end });
        }
    }

    /// Nothing more comes but time: everything must end, within `limit`.
    pub fn rest(&mut self, limit: Duration) {
        let begun = self.now;
        for _ in 0..1_000 {
            let Some(at) = self.core.next_timeout() else { break };
            self.now = at;
            self.input(Input::Timeout);
        }
        assert_eq!(self.core.next_timeout(), None, "it never rests");
        assert!(self.now - begun <= limit, "it rests after {:?}", self.now - begun);
        self.model.finish();
    }

    /// The conversation goes on: words are heard, asked, answered and spoken.
    pub fn goes_on(&mut self) {
        if self.core.state() != State::Idle {
            return;
        }
        self.now += Duration::from_secs(3);
        self.input(Input::Unmute);
        self.input(Input::SetPolicy(Policy::Duck));
        // The capture clock may be anywhere after what came before: tell it.
        self.input(Input::Voice { at: self.sample(0), voiced: false, probability: 0.1 });
        for _ in 0..10 {
            self.step(&Op::Voice(true, 1));
            if self.core.state() == State::Idle {
                self.input(Input::SpeechStarted { at: self.sample(-512) });
            }
        }
        self.input(Input::SpeechEnded { at: self.sample(0) });
        let turns = self.model.last_turn;
        self.step(&Op::Final(Which::Latest, 4));
        self.step(&Op::TurnComplete(Which::Latest, 1.0));
        self.step(&Op::Wait(1_000));
        assert!(self.model.last_turn > turns, "the user is not answered");
        self.step(&Op::AgentText(Which::Latest, 10));
        self.step(&Op::AgentDone(Which::Latest));
        self.step(&Op::Synthesize);
        self.step(&Op::Play(10_000));
        assert_eq!(self.core.state(), State::Idle);
        assert_eq!(self.core.history().iter().last().map(|entry| entry.text.as_str()), Some("Hello, "));
        self.model.finish();
    }
}

fn pick(which: Which, latest: u64) -> u64 {
    match which {
        Which::Latest => latest,
        Which::Earlier => latest.saturating_sub(1),
        Which::Never => u64::MAX,
    }
}
