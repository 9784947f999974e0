//! A checker of everything the conversation says: which orders are legal when, and what must have ended at the end.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use duologue_pipeline::conversation::*;

/// What became of an ask.
#[derive(Clone, Debug, Default)]
struct Asked {
    text: String,
    speculative: bool,
    committed: bool,
    /// The agent's text is over, by its own word.
    done: bool,
    failed: bool,
    abandoned: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Level {
    Full,
    Ducked,
    Held,
}

/// The words of a text, as they are compared.
fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(String::from)
        .collect()
}

/// The speech that lives.
#[derive(Clone, Debug)]
pub struct Live {
    pub epoch: Epoch,
    pub turn: TurnId,
    pub text: String,
    pub finished: bool,
    level: Level,
}

/// Watches inputs and outputs.
#[derive(Debug, Default)]
pub struct Model {
    asked: BTreeMap<TurnId, Asked>,
    pub live: Option<Live>,
    pub last_turn: TurnId,
    pub last_epoch: Epoch,
    pub last_utterance: UtteranceId,
    pub last_ask: u64,
    utterance: Option<(UtteranceId, u64)>,
    utterance_end: u64,
    state: Option<State>,
    pending_user_turn: Option<(TurnId, String)>,
    user_turns: BTreeMap<TurnId, usize>,
    agent_turns: BTreeMap<TurnId, usize>,
    spoken: BTreeMap<TurnId, String>,
    yielded: BTreeMap<TurnId, String>,
    history: Vec<(Role, TurnId, String)>,
    says: Says,
}

/// What was ordered to be said, and what became of it.
#[derive(Debug, Default)]
struct Says {
    waiting: VecDeque<u64>,
    current: Option<u64>,
    /// Text so far, and whether more may come.
    text: BTreeMap<u64, (String, bool)>,
    ended: BTreeMap<u64, usize>,
}

impl Says {
    fn before(&mut self, input: &Input) {
        match input {
            Input::Say { text, options } => {
                self.text.insert(options.key, (text.clone(), options.open));
                if options.interrupt {
                    self.waiting.push_front(options.key);
                } else {
                    self.waiting.push_back(options.key);
                }
            }
            Input::SayMore { key, text } => {
                if let Some((all, true)) = self.text.get_mut(key) {
                    all.push_str(text);
                }
            }
            Input::FinishSay { key } => {
                self.text.entry(*key).and_modify(|(_, open)| *open = false);
            }
            _ => {}
        }
    }

    /// Speech `key` is being said: it was the next.
    fn begins(&mut self, key: u64) {
        if self.current != Some(key) {
            assert_eq!(self.current, None, "speech {key} begins before the other has ended");
            assert_eq!(self.waiting.pop_front(), Some(key), "not the next: {:?}", self.waiting);
            self.current = Some(key);
        }
    }

    fn ends(&mut self, key: u64) {
        *self.ended.entry(key).or_default() += 1;
        self.current.take_if(|current| *current == key);
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::AgentTurn(AgentTurn { origin: Origin::Say { key }, text, end, .. }) => {
                self.begins(*key);
                self.ends(*key);
                let (written, _) = &self.text[key];
                assert!(written.starts_with(text.as_str()), "wrote {written:?}, said {text:?}");
                assert!(*end != TurnEnd::Finished || written == text, "wrote {written:?}, said {text:?}");
            }
            Event::SayDropped { key } | Event::Fault(Fault::SayRefused { key }) => {
                assert!(self.waiting.contains(key), "speech {key} does not wait: {:?}", self.waiting);
                self.waiting.retain(|waiting| waiting != key);
                self.ends(*key);
            }
            _ => {}
        }
    }

    fn finish(&self) {
        assert!(self.waiting.is_empty() && self.current.is_none(), "{self:?}");
        for key in self.text.keys() {
            assert_eq!(self.ended.get(key), Some(&1), "speech {key} ends once");
        }
    }
}

impl Model {
    /// Before the core takes `input` in.
    pub fn before(&mut self, input: &Input) {
        if self.state != Some(State::Closed) {
            self.says.before(input);
        }
        let (turn, failed) = match input {
            Input::AgentDone { turn } => (turn, false),
            Input::AgentFailed { turn, .. } => (turn, true),
            _ => return,
        };
        let Some(asked) = self.asked.get_mut(turn) else { return };
        if !asked.done && !asked.failed && !asked.abandoned {
            if failed { asked.failed = true } else { asked.done = true }
        }
    }

    /// The core said `output`.
    pub fn after(&mut self, output: &Output) {
        if let Some((turn, said)) = self.pending_user_turn.take() {
            let asked = match output {
                Output::Ask { turn: asked, text, speculative: false, .. } if *asked == turn => text,
                Output::CommitAsk { turn: asked } if *asked == turn => &self.asked[asked].text,
                _ => panic!("a user turn is asked or committed at once: {output:?}"),
            };
            assert_eq!(words(asked), words(&said), "asked other words than the user's");
        }
        match output {
            Output::Ask { turn, text, speculative, .. } => {
                assert!(*turn > self.last_turn || !self.asked.contains_key(turn), "asked twice: {turn:?}");
                assert!(!text.trim().is_empty(), "asked with nothing");
                self.last_turn = self.last_turn.max(*turn);
                let (text, speculative) = (text.clone(), *speculative);
                let asked = Asked { text, speculative, committed: !speculative, ..Asked::default() };
                assert!(self.asked.insert(*turn, asked).is_none(), "asked twice: {turn:?}");
                let open = |asked: &&Asked| !asked.committed && !asked.abandoned && !asked.failed;
                assert!(self.asked.values().filter(open).count() <= 1, "two speculations at once");
            }
            Output::CommitAsk { turn } => {
                let asked = self.asked.get_mut(turn).expect("committed what was not asked");
                assert!(
                    asked.speculative && !asked.committed && !asked.abandoned && !asked.failed,
                    "{turn:?} {asked:?}"
                );
                asked.committed = true;
            }
            Output::Abandon { turn } => {
                let asked = self.asked.get_mut(turn).expect("abandoned what was not asked");
                assert!(!asked.abandoned && !asked.failed, "{turn:?} had ended: {asked:?}");
                assert!(!asked.committed || !asked.done, "{turn:?} was done: {asked:?}");
                asked.abandoned = true;
            }
            Output::StartUtterance { utterance, from_sample, .. } => {
                assert!(*utterance > self.last_utterance && self.utterance.is_none());
                assert!(*from_sample >= self.utterance_end, "a sample belongs to two utterances");
                self.last_utterance = *utterance;
                self.utterance = Some((*utterance, *from_sample));
            }
            Output::EndUtterance { utterance, at } => {
                let (begun, from) = self.utterance.take().expect("ended what was not begun");
                assert!(begun == *utterance && *at >= from, "{from}..{at}");
                self.utterance_end = *at;
            }
            Output::DetectTurn { utterance, ask, .. } => {
                assert_eq!((*utterance, *ask), (self.last_utterance, self.last_ask + 1));
                self.last_ask = *ask;
            }
            Output::Event(event) => self.event(event),
            _ => self.speech(output),
        }
    }

    fn speech(&mut self, output: &Output) {
        if let Output::BeginEpoch { epoch, turn, held } = output {
            assert!(*epoch > self.last_epoch, "an epoch was used twice");
            assert!(self.live.is_none(), "two speeches at once: {:?}", self.live);
            self.last_epoch = *epoch;
            self.last_turn = self.last_turn.max(*turn);
            let committed = self.asked.get(turn).is_none_or(|asked| asked.committed);
            assert!(committed || *held, "what is not committed must not be heard");
            let level = if *held { Level::Held } else { Level::Full };
            self.live =
                Some(Live { epoch: *epoch, turn: *turn, text: String::new(), finished: false, level });
            return;
        }
        let live = self.live.as_mut().unwrap_or_else(|| panic!("an order without a speech: {output:?}"));
        let mut step = |epoch: &Epoch, from: &[Level], to: Level| {
            assert_eq!(*epoch, live.epoch, "an order for a stale epoch: {output:?}");
            assert!(from.contains(&live.level), "{output:?} at {:?}", live.level);
            live.level = to;
        };
        match output {
            Output::Duck { epoch } => step(epoch, &[Level::Full], Level::Ducked),
            Output::Restore { epoch } => step(epoch, &[Level::Ducked], Level::Full),
            Output::Yield { epoch } => step(epoch, &[Level::Full, Level::Ducked], Level::Held),
            Output::Resume { epoch } => {
                step(epoch, &[Level::Held], Level::Full);
                let committed = self.asked.get(&live.turn).is_none_or(|asked| asked.committed);
                assert!(committed, "what is not committed must not be heard");
            }
            Output::Speak { epoch, delta } => {
                assert!(*epoch == live.epoch && !live.finished, "{output:?}");
                live.text.push_str(delta);
                self.spoken.entry(live.turn).or_default().push_str(delta);
            }
            Output::FinishSpeak { epoch } => {
                assert!(*epoch == live.epoch && !live.finished, "{output:?}");
                live.finished = true;
            }
            Output::Drop { epoch } => {
                assert_eq!(*epoch, live.epoch, "an order for a stale epoch");
                self.live = None;
            }
            other => panic!("not an order about speech: {other:?}"),
        }
    }

    fn event(&mut self, event: &Event) {
        self.says.event(event);
        match event {
            Event::StateChanged(state) => {
                let was = self.state.replace(*state).unwrap_or(State::Initializing);
                assert_ne!(was, *state, "no change");
                assert_ne!(*state, State::Initializing);
                assert_ne!(was, State::Closed);
                assert!((was, *state) != (State::Idle, State::Speaking), "spoke without a thought");
                assert!((was, *state) != (State::Initializing, State::Speaking));
            }
            Event::UserTurn { turn, text } => {
                *self.user_turns.entry(*turn).or_default() += 1;
                self.pending_user_turn = Some((*turn, text.clone()));
                self.history.push((Role::User, *turn, text.clone()));
            }
            Event::Yielded { turn, heard } => {
                let before = self.yielded.insert(*turn, heard.clone()).unwrap_or_default();
                assert!(heard.starts_with(&before), "what was heard shrank: {before:?} {heard:?}");
            }
            Event::AgentTurn(ended) => self.agent_turn(ended),
            _ => {}
        }
    }

    fn agent_turn(&mut self, ended: &AgentTurn) {
        let AgentTurn { turn, text, heard, end, .. } = ended;
        *self.agent_turns.entry(*turn).or_default() += 1;
        self.last_turn = self.last_turn.max(*turn);
        assert!(text.starts_with(heard.as_str()), "{ended:?}");
        if let Some(before) = self.yielded.get(turn) {
            assert!(heard.starts_with(before), "what was heard shrank: {before:?} {heard:?}");
        }
        let spoken = self.spoken.get(turn).map_or("", String::as_str);
        assert!(
            spoken == text || (spoken.is_empty() && heard.is_empty()),
            "spoken {spoken:?}, said {text:?}"
        );
        if *end == TurnEnd::Finished {
            assert_eq!(heard, text);
            self.live = None;
        }
        if self.live.as_ref().is_some_and(|live| live.turn == *turn) {
            panic!("the turn has ended, and its speech lives");
        }
        if let Some(asked) = self.asked.get(turn) {
            assert!(asked.committed, "a turn that never happened ended");
        }
        if !heard.trim().is_empty() {
            self.history.push((Role::Agent, *turn, heard.clone()));
        }
    }

    /// After each input: what can be seen from outside is what the outputs said.
    pub fn compare(&mut self, core: &Conversation, now: Duration) {
        if let Some(key) = core.saying() {
            self.says.begins(key);
        }
        assert_eq!(core.saying(), self.says.current);
        assert_eq!(core.state(), self.state.unwrap_or(State::Initializing));
        if let Some(at) = core.next_timeout() {
            assert!(at > now, "a deadline that has passed stays: {at:?} at {now:?}");
        } else {
            let rests = matches!(core.state(), State::Idle | State::Initializing | State::Closed);
            assert!(rests, "{:?} without a deadline", core.state());
        }
        let kept = core.history().len();
        let model = &self.history[self.history.len() - kept..];
        let same = core.history().iter().zip(model).all(|(entry, (role, turn, text))| {
            entry.role == *role && entry.turn == *turn && entry.text == *text
        });
        assert!(same, "history {:?}, heard {:?}", core.history(), self.history);
    }

    /// When nothing more comes: every ask has ended, and every committed turn has ended once.
    pub fn finish(&self) {
        assert!(self.live.is_none(), "a speech lives on: {:?}", self.live);
        self.says.finish();
        assert!(self.utterance.is_none(), "an utterance was not ended");
        for (turn, asked) in &self.asked {
            let ends = [asked.done && asked.committed, asked.failed, asked.abandoned];
            assert_eq!(ends.iter().filter(|end| **end).count(), 1, "{turn:?} {asked:?}");
            let turns = (self.user_turns.get(turn).copied(), self.agent_turns.get(turn).copied());
            let wanted = asked.committed.then_some(1);
            assert_eq!(turns, (wanted, wanted), "{turn:?} {asked:?}");
        }
    }
}
