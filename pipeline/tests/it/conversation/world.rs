//! A small world around the conversation, in simulated time: a user who speaks by a script, an ear, a scribe, a turn
//! detector, an agent, a mouth and a loudspeaker. It remembers what was really to be heard.

use std::time::Duration;

use duologue_pipeline::conversation::*;

pub const RATE: u64 = 24_000;
/// How long the mouth takes for a word.
pub const WORD: u64 = RATE * 3 / 10;
const FRAME: u64 = 512;
/// From the loudspeaker to the microphone (ms).
const LEAK: u64 = 60;

pub fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

/// Something the user says (or, without words, a noise).
#[derive(Clone, Debug)]
pub struct Said {
    pub from: u64,
    pub to: u64,
    pub text: &'static str,
}

/// How the agent ends an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending {
    Done,
    Fails,
    Hangs,
}

/// An answer: pieces of text with the pause (ms) before each.
#[derive(Clone, Debug)]
pub struct Answer {
    pub pieces: Vec<(u64, String)>,
    pub ending: Ending,
}

impl Answer {
    pub fn text(text: &str) -> Self {
        let pieces = text.split_inclusive(' ').map(|word| (20, word.to_owned())).collect();
        Self { pieces, ending: Ending::Done }
    }
}

fn user_text(event: &Event) -> Option<&str> {
    match event {
        Event::UserTurn { text, .. } => Some(text),
        _ => None,
    }
}

fn agent_turn(event: &Event) -> Option<&AgentTurn> {
    match event {
        Event::AgentTurn(turn) => Some(turn),
        _ => None,
    }
}

/// What plays.
#[derive(Debug)]
struct Play {
    epoch: Epoch,
    held: bool,
    ducked: bool,
    text: String,
    read: usize,
    end: u64,
    finish: bool,
    done: bool,
    played: u64,
    ready: Duration,
    words: Vec<(u64, String)>,
}

pub struct World {
    pub core: Conversation,
    pub now: Duration,
    pub user: Vec<Said>,
    /// What the agent answers to the first, second, … user turn; the last to all further.
    pub answers: Vec<Answer>,
    /// The answers go by asks, speculative ones too, not by turns.
    pub answers_by_ask: bool,
    /// The loudspeaker leaks into the microphone between these times (ms).
    pub leak: (u64, u64),
    /// The agent goes on giving text for turns that were abandoned.
    pub deaf_agent: bool,
    /// The recogniser says nothing at all.
    pub dead_stt: bool,
    /// How sure the detector is of the user's voice.
    pub sure: f32,
    /// What the recogniser says instead.
    pub mishears: Option<&'static str>,
    /// The detector's answer; `None`: it never answers.
    pub probability: Option<f32>,
    /// The ear delivers levels, but no edges.
    pub no_edges: bool,
    /// The ear delivers nothing from here on (ms).
    pub ear_dies: u64,
    pub no_playback: bool,
    pub log: Vec<(u64, Output)>,
    /// Words really played, with the time (ms) of their midpoint.
    pub played: Vec<(u64, String)>,
    /// Stretches of sound (ms), by level: `(from, to, ducked)`.
    pub sound: Vec<(u64, u64, bool)>,
    inbox: Vec<(Duration, Input)>,
    abandoned: Vec<TurnId>,
    play: Option<Play>,
    utterance: Option<(UtteranceId, u64)>,
    partial: String,
    frame: u64,
    run: (bool, u64),
    speaking: bool,
}

impl World {
    pub fn new(config: Config) -> Self {
        let config = Config { output_rate: RATE as u32, ..config };
        let mut core = Conversation::new(config).unwrap();
        core.handle(Input::Ready, Duration::ZERO);
        Self {
            core,
            now: Duration::ZERO,
            user: Vec::new(),
            answers: Vec::new(),
            answers_by_ask: false,
            leak: (0, 0),
            deaf_agent: false,
            dead_stt: false,
            sure: 0.6,
            mishears: None,
            probability: Some(0.9),
            no_edges: false,
            ear_dies: u64::MAX,
            no_playback: false,
            log: Vec::new(),
            played: Vec::new(),
            sound: Vec::new(),
            inbox: Vec::new(),
            abandoned: Vec::new(),
            play: None,
            utterance: None,
            partial: String::new(),
            frame: 0,
            run: (false, 0),
            speaking: false,
        }
    }

    pub fn says(mut self, from: u64, to: u64, text: &'static str) -> Self {
        self.user.push(Said { from, to, text });
        self
    }

    pub fn answers(mut self, text: &str) -> Self {
        self.answers.push(Answer::text(text));
        self
    }

    /// The user asks at 0.5 s, and the agent answers with ten words from about 2 s on.
    pub fn conversing() -> Self {
        Self::talking(Config::default())
    }

    pub fn talking(config: Config) -> Self {
        Self::new(config)
            .says(500, 1_500, "tell me about the train")
            .answers("The train to the north leaves at nine every morning. ")
    }

    pub fn input(&mut self, input: Input) {
        self.core.handle(input, self.now);
        self.act();
    }

    /// Runs until `until` (ms).
    pub fn run(&mut self, until: u64) -> &mut Self {
        while self.now < ms(until) {
            self.now += ms(2);
            self.hear();
            self.deliver();
            if self.now.as_millis().is_multiple_of(10) {
                self.sound();
            }
            if self.core.next_timeout().is_some_and(|at| at <= self.now) {
                self.input(Input::Timeout);
                let next = self.core.next_timeout();
                assert!(
                    next.is_none_or(|at| at > self.now),
                    "a deadline that has passed stays: {next:?} at {:?}",
                    self.now
                );
            }
        }
        self
    }

    /// Runs until an agent turn ends; when that was (ms).
    pub fn run_to_the_end_of_a_turn(&mut self) -> u64 {
        for _ in 0..2_000 {
            let now = self.now.as_millis() as u64;
            if !self.agent_turns().is_empty() {
                return now;
            }
            self.run(now + 10);
        }
        panic!("no agent turn ended");
    }

    pub fn events(&self) -> impl Iterator<Item = (u64, &Event)> {
        self.log.iter().filter_map(|(at, output)| match output {
            Output::Event(event) => Some((*at, event)),
            _ => None,
        })
    }

    /// When the first event matching `wanted` was.
    pub fn at(&self, wanted: impl Fn(&Event) -> bool) -> Option<u64> {
        self.events().find(|(_, event)| wanted(event)).map(|(at, _)| at)
    }

    pub fn has(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.at(wanted).is_some()
    }

    pub fn has_fault(&self, wanted: impl Fn(&Fault) -> bool) -> bool {
        self.has(|event| matches!(event, Event::Fault(fault) if wanted(fault)))
    }

    pub fn user_turns(&self) -> Vec<&str> {
        self.events().filter_map(|(_, event)| user_text(event)).collect()
    }

    pub fn agent_turns(&self) -> Vec<&AgentTurn> {
        self.events().filter_map(|(_, event)| agent_turn(event)).collect()
    }

    /// All words the loudspeaker played, joined.
    pub fn played_text(&self) -> String {
        self.played.iter().map(|(_, word)| word.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Whether anything sounded in `from..to` (ms).
    pub fn sounds(&self, from: u64, to: u64) -> bool {
        self.sound.iter().any(|(begin, end, _)| *begin < to && *end > from)
    }

    fn voiced(&self, from: u64, to: u64) -> bool {
        let overlap = |said: &Said| to.min(said.to * 16).saturating_sub(from.max(said.from * 16));
        self.user.iter().any(|said| overlap(said) >= (to - from) / 2) || self.leaks(from / 16, to / 16)
    }

    /// Whether the loudspeaker is heard in `from..to` (ms).
    fn leaks(&self, from: u64, to: u64) -> bool {
        let (from, to) = (from.max(self.leak.0), to.min(self.leak.1));
        from < to && self.sounds(from.saturating_sub(LEAK), to.saturating_sub(LEAK))
    }

    /// The ear: frames, edges; the scribe's partials.
    fn hear(&mut self) {
        let sample = self.now.as_millis() as u64 * 16;
        while self.frame + FRAME <= sample && self.frame < self.ear_dies.saturating_mul(16) {
            let (from, at) = (self.frame, self.frame + FRAME);
            self.frame = at;
            let voiced = self.voiced(from, at);
            if voiced != self.run.0 {
                self.run = (voiced, from);
            }
            self.input(Input::Voice { at, voiced, probability: self.sure });
            let length = at - self.run.1;
            if self.no_edges {
                continue;
            }
            if voiced && !self.speaking && length >= 3 * FRAME {
                self.speaking = true;
                self.input(Input::SpeechStarted { at: self.run.1 });
            } else if !voiced && self.speaking && length >= 8 * FRAME {
                self.speaking = false;
                self.input(Input::SpeechEnded { at: self.run.1 });
            }
        }
        if let Some((utterance, from)) = self.utterance
            && !self.dead_stt
            && self.now.as_millis().is_multiple_of(40)
        {
            let text = self.recognised(from, sample.saturating_sub(16 * 80));
            if text != self.partial {
                self.partial.clone_from(&text);
                self.input(Input::Partial { utterance, text });
            }
        }
    }

    /// The words whose end lies in samples `from..to`.
    fn recognised(&self, from: u64, to: u64) -> String {
        let mut heard = Vec::new();
        for said in &self.user {
            let words: Vec<_> = said.text.split_whitespace().collect();
            for (index, word) in words.iter().enumerate() {
                let span = (said.to - said.from) * 16;
                let begins = said.from * 16 + span * index as u64 / words.len() as u64;
                let ends = said.from * 16 + span * (index as u64 + 1) / words.len() as u64;
                if begins >= from && ends <= to {
                    heard.push(*word);
                }
            }
        }
        for (middle, word) in &self.played {
            let (begins, ends) = ((middle + LEAK).saturating_sub(150) * 16, (middle + LEAK + 150) * 16);
            if begins >= from.max(self.leak.0 * 16) && ends <= to.min(self.leak.1 * 16) {
                heard.push(word);
            }
        }
        match self.mishears {
            Some(text) if to > from => text.to_owned(),
            _ => heard.join(" "),
        }
    }

    /// What others send.
    fn deliver(&mut self) {
        self.inbox.sort_by_key(|(at, _)| *at);
        while self.inbox.first().is_some_and(|(at, _)| *at <= self.now) {
            let (_, input) = self.inbox.remove(0);
            self.input(input);
        }
    }

    pub fn send(&mut self, after: u64, input: Input) {
        self.inbox.push((self.now + ms(after), input));
    }

    /// The mouth and the loudspeaker, 10 ms further.
    fn sound(&mut self) {
        let at = self.now.as_millis() as u64;
        let Some(play) = &mut self.play else { return };
        if play.ready <= self.now {
            let rest = &play.text[play.read..];
            let whole = if play.finish { rest.len() } else { rest.rfind(' ').map_or(0, |space| space + 1) };
            let mut words = Vec::new();
            let mut place = play.read;
            for word in rest[..whole].split_inclusive(' ') {
                let bare = word.trim();
                if !bare.is_empty() {
                    let source = place as u64..(place + bare.len()) as u64;
                    words.push(SpokenWord { source, samples: play.end..play.end + WORD });
                    play.words.push((play.end + WORD / 2, bare.to_owned()));
                    play.end += WORD;
                }
                place += word.len();
            }
            play.read += whole;
            let (epoch, end) = (play.epoch, play.end);
            let done = play.finish && !play.done;
            play.done |= done;
            if !words.is_empty() {
                self.input(Input::Spoken { epoch, words, end_sample: end });
            }
            if done {
                self.input(Input::SynthesisDone { epoch, total_samples: end });
            }
        }
        let Some(play) = &mut self.play else { return };
        if self.no_playback {
            return;
        }
        let step = if play.held { 0 } else { (play.end - play.played).min(RATE / 100) };
        let before = play.played;
        play.played += step;
        for (middle, word) in &play.words {
            if *middle > before && *middle <= play.played {
                self.played.push((at, word.clone()));
            }
        }
        if step > 0 {
            self.sound.push((at - 10, at, play.ducked));
        }
        let finished = play.done && play.played >= play.end;
        let (epoch, played) = (play.epoch, play.played);
        self.input(Input::Playback { epoch, played, audible: step > 0, finished });
    }

    /// Does what the core says.
    fn act(&mut self) {
        while let Some(output) = self.core.poll_output() {
            self.log.push((self.now.as_millis() as u64, output.clone()));
            match output {
                Output::Ask { turn, speculative, .. } => self.answer(turn, speculative),
                Output::Abandon { turn } => {
                    self.abandoned.push(turn);
                    if !self.deaf_agent {
                        let of = |input: &Input| match input {
                            Input::AgentText { turn, .. } | Input::AgentDone { turn } => Some(*turn),
                            Input::AgentFailed { turn, .. } => Some(*turn),
                            _ => None,
                        };
                        self.inbox.retain(|(_, input)| of(input) != Some(turn));
                    }
                }
                Output::CommitAsk { .. } | Output::Event(_) => {}
                Output::BeginEpoch { epoch, held, .. } => self.play = Some(Play::new(epoch, held)),
                Output::Speak { epoch, delta } => {
                    let ready = self.now + ms(40);
                    let play = self.playing(epoch);
                    if play.read == play.text.len() {
                        play.ready = ready;
                    }
                    play.text.push_str(&delta);
                }
                Output::FinishSpeak { epoch } => self.playing(epoch).finish = true,
                Output::Duck { epoch } => self.playing(epoch).ducked = true,
                Output::Restore { epoch } => self.playing(epoch).ducked = false,
                Output::Yield { epoch } => self.playing(epoch).held = true,
                Output::Resume { epoch } => {
                    let play = self.playing(epoch);
                    (play.held, play.ducked) = (false, false);
                }
                Output::Drop { epoch } => {
                    self.playing(epoch);
                    self.play = None;
                    let input = Input::Playback { epoch, played: 0, audible: false, finished: false };
                    self.send(10, input);
                }
                Output::StartUtterance { utterance, from_sample, .. } => {
                    self.utterance = Some((utterance, from_sample));
                    self.partial.clear();
                }
                Output::EndUtterance { utterance, at } => {
                    let (_, from) = self.utterance.take().expect("an utterance was begun");
                    if !self.dead_stt {
                        let text = self.recognised(from, at);
                        self.send(40, Input::Final { utterance, text });
                    }
                }
                Output::DetectTurn { utterance, ask, .. } => {
                    if let Some(probability) = self.probability {
                        self.send(20, Input::TurnComplete { utterance, ask, probability });
                    }
                }
            }
        }
    }

    fn playing(&mut self, epoch: Epoch) -> &mut Play {
        let play = self.play.as_mut().expect("an epoch plays");
        assert_eq!(play.epoch, epoch, "an order for a stale epoch");
        play
    }

    fn answer(&mut self, turn: TurnId, speculative: bool) {
        let turns = self.user_turns().len() + usize::from(speculative) - 1;
        let asks = self.log.iter().filter(|(_, output)| matches!(output, Output::Ask { .. })).count() - 1;
        let index = if self.answers_by_ask { asks } else { turns };
        let answer = self.answers.get(index).or(self.answers.last()).cloned();
        let answer = answer.unwrap_or_else(|| Answer::text("All right then. "));
        let mut after = 100;
        for (pause, delta) in answer.pieces {
            after += pause;
            self.send(after, Input::AgentText { turn, delta });
        }
        match answer.ending {
            Ending::Done => self.send(after, Input::AgentDone { turn }),
            Ending::Fails => self.send(after, Input::AgentFailed { turn, reason: "it broke".into() }),
            Ending::Hangs => {}
        }
    }
}

impl Play {
    fn new(epoch: Epoch, held: bool) -> Self {
        Self {
            epoch,
            held,
            ducked: false,
            text: String::new(),
            read: 0,
            end: 0,
            finish: false,
            done: false,
            played: 0,
            ready: Duration::ZERO,
            words: Vec::new(),
        }
    }
}
