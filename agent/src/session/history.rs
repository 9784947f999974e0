//! The history of a session: what becomes part of it, and when. No clock, no lock, no pipeline.
//!
//! The user's message is held until the turn is certain; calls and results count when they happen;
//! what the agent says counts once it is over, cut to what was heard. Each text keeps the id it got
//! when it began, so that history stands in the order of events.
//!
//! Life cycle of a turn: [`ChatHistory::begin`] → [`ChatHistory::wrote`], [`ChatHistory::add`] … with
//! [`ChatHistory::commit`] in between → [`ChatHistory::ended`]; or [`ChatHistory::abandon`], and it never happened.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::SpeechOutcome;
use super::speech::SpeechState;
use crate::Carry;
use crate::chat::{ChatContent, ChatContext, ChatItem, Role};

/// Ends of turns that are not known yet: the pipeline was faster than their beginning.
const MAX_EARLY: usize = 16;

/// Which agent turn of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TurnKey {
    /// It answers the pipeline's user turn.
    Reply(u64),
    /// It is the pipeline's speech.
    Say(u64),
    /// It is only text.
    Text(u64),
}

/// What the user said or typed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub text: &'a str,
    pub typed: bool,
}

/// A stretch of what the agent says in one turn.
struct Part {
    item: ChatItem,
    start: usize,
    speech: Option<Arc<SpeechState>>,
}

struct OpenTurn {
    agent: String,
    /// Id of what the user said.
    asked: Option<String>,
    /// Id of the first thing that was said or done about it.
    first: Option<String>,
    /// Waits for the commit.
    user: Option<ChatItem>,
    committed: bool,
    /// Items that wait for the commit.
    held: Vec<ChatItem>,
    text: String,
    parts: Vec<Part>,
}

/// How a turn ended, by whoever was heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TurnOver {
    /// Bytes of the text that were heard.
    pub heard: usize,
    pub outcome: SpeechOutcome,
}

impl TurnOver {
    /// It was forgotten before it began.
    pub(crate) const NEVER: Self = Self { heard: 0, outcome: SpeechOutcome::Dropped };
}

/// The history and the turns that are not part of it yet.
pub(crate) struct ChatHistory {
    log: ChatContext,
    view: ChatContext,
    open: BTreeMap<TurnKey, OpenTurn>,
    early: VecDeque<(TurnKey, TurnOver)>,
    limit: usize,
    last_text: u64,
}

impl ChatHistory {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            log: ChatContext::new(),
            view: ChatContext::new(),
            open: BTreeMap::new(),
            early: VecDeque::new(),
            limit,
            last_text: 0,
        }
    }

    /// Starts out from what was kept.
    pub(crate) fn resume(&mut self, items: ChatContext) {
        self.view = items.clone();
        self.log = items;
    }

    /// A key for a turn without audio.
    pub(crate) fn next_text(&mut self) -> TurnKey {
        self.last_text += 1;
        TurnKey::Text(self.last_text)
    }

    /// A turn of `agent` begins, which answers what it was `asked`. Items that became history at once are returned,
    /// here and below.
    pub(crate) fn begin(
        &mut self,
        key: TurnKey,
        agent: &str,
        asked: Option<Asked<'_>>,
        committed: bool,
    ) -> Vec<ChatItem> {
        let user = asked.map(|Asked { text, typed }| ChatItem { typed, ..message(agent, Role::User, text) });
        let turn = OpenTurn {
            agent: agent.to_owned(),
            asked: user.as_ref().map(|item| item.id.clone()),
            first: None,
            user,
            committed,
            held: Vec::new(),
            text: String::new(),
            parts: Vec::new(),
        };
        self.open.insert(key, turn);
        self.end_early(key)
    }

    /// The agent says `text` of its own accord, for those who wait for `speech`.
    pub(crate) fn speech(
        &mut self,
        key: TurnKey,
        agent: &str,
        text: &str,
        speech: Arc<SpeechState>,
    ) -> Vec<ChatItem> {
        let early = self.take_early(key);
        let mut items = self.begin(key, agent, None, true);
        self.wrote(key, text, None, Some(speech));
        if let Some(over) = early {
            items.append(&mut self.ended(key, over));
        }
        items
    }

    fn end_early(&mut self, key: TurnKey) -> Vec<ChatItem> {
        self.take_early(key).map_or_else(Vec::new, |over| self.ended(key, over))
    }

    /// How the turn ended, if that was told before it began.
    fn take_early(&mut self, key: TurnKey) -> Option<TurnOver> {
        let early = self.early.iter().position(|(known, _)| *known == key);
        early.and_then(|index| self.early.remove(index)).map(|(_, over)| over)
    }

    /// The turn is certain, and the user's words are `text`.
    pub(crate) fn commit(&mut self, key: TurnKey, text: Option<&str>) -> Vec<ChatItem> {
        let Some(turn) = self.open.get_mut(&key) else { return Vec::new() };
        turn.committed = true;
        let mut items = Vec::from_iter(turn.user.take());
        if let (Some(item), Some(text)) = (items.first_mut(), text) {
            item.content = ChatContent::Message { role: Role::User, text: text.into(), interrupted: false };
        }
        items.append(&mut turn.held);
        self.keep(items)
    }

    /// The turn never happened.
    pub(crate) fn abandon(&mut self, key: TurnKey) {
        self.close(key, TurnOver::NEVER);
    }

    /// What a stretch that begins now will be in history.
    pub(crate) fn stretch(agent: &str) -> ChatItem {
        message(agent, Role::Assistant, "")
    }

    /// The agent has given `text`; `part` begins a stretch of its own, which `speech` stands for.
    pub(crate) fn wrote(
        &mut self,
        key: TurnKey,
        text: &str,
        part: Option<ChatItem>,
        speech: Option<Arc<SpeechState>>,
    ) {
        let Some(turn) = self.open.get_mut(&key) else {
            return speech.into_iter().for_each(|speech| speech.end("", SpeechOutcome::Dropped));
        };
        let part = part.or_else(|| turn.parts.is_empty().then(|| Self::stretch(&turn.agent)));
        if let Some(item) = part {
            turn.first.get_or_insert_with(|| item.id.clone());
            turn.parts.push(Part { item, start: turn.text.len(), speech });
        }
        turn.text.push_str(text);
    }

    /// A call, a result or another thing that happened within the turn.
    pub(crate) fn add(&mut self, key: TurnKey, item: ChatItem) -> Vec<ChatItem> {
        if let Some(turn) = self.open.get_mut(&key) {
            turn.first.get_or_insert_with(|| item.id.clone());
            if !turn.committed {
                turn.held.push(item);
                return Vec::new();
            }
        }
        self.keep(vec![item])
    }

    /// Something that belongs to no turn.
    pub(crate) fn note(&mut self, item: ChatItem) -> Vec<ChatItem> {
        self.keep(vec![item])
    }

    /// The turn is over: what was heard of it becomes history.
    pub(crate) fn ended(&mut self, key: TurnKey, over: TurnOver) -> Vec<ChatItem> {
        if !self.open.contains_key(&key) {
            self.early.push_back((key, over));
            if self.early.len() > MAX_EARLY {
                self.early.pop_front();
            }
            return Vec::new();
        }
        let items = self.close(key, over);
        self.keep(items)
    }

    /// Ends every turn that is still open, as never heard.
    pub(crate) fn close_all(&mut self) {
        for key in self.open.keys().copied().collect::<Vec<_>>() {
            self.abandon(key);
        }
    }

    /// Whether a turn is under way.
    pub(crate) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// What a model is told for the turn `key`: history, what is being said, and this turn so far. What
    /// the agent said of its own accord after the user spoke, before anything was done about it, stands
    /// before the user's words: a model answers what it sees last.
    pub(crate) fn request(&self, key: TurnKey) -> ChatContext {
        let mut context = self.view.clone();
        for (open, turn) in &self.open {
            if *open != key && !turn.committed {
                continue;
            }
            for item in turn.user.iter().chain(&turn.held) {
                context.insert(item.clone());
            }
            for index in 0..turn.parts.len() {
                if let Some(item) = turn.part(index, turn.text.len()) {
                    context.insert(item);
                }
            }
        }
        if let Some(OpenTurn { asked: Some(asked), first, .. }) = self.open.get(&key) {
            context.defer(asked, first.as_deref());
        }
        context
    }

    /// Everything, oldest first.
    pub(crate) fn log(&self) -> &ChatContext {
        &self.log
    }

    /// The next agent knows this much.
    pub(crate) fn carry(&mut self, carry: Carry) {
        match carry {
            Carry::All => {}
            Carry::Last(count) => self.view.truncate(count),
            Carry::Fresh => self.view = ChatContext::new(),
        }
    }

    /// What the present agent knows, to come back to.
    pub(crate) fn view(&self) -> ChatContext {
        self.view.clone()
    }

    /// Comes back to what an agent knew, and what happened since.
    pub(crate) fn restore(&mut self, before: &ChatContext) {
        self.view.merge(before);
    }

    fn keep(&mut self, items: Vec<ChatItem>) -> Vec<ChatItem> {
        for item in &items {
            self.log.insert(item.clone());
            self.view.insert(item.clone());
        }
        for context in [&mut self.log, &mut self.view] {
            if context.items().len() > self.limit {
                // A sixteenth at once: this walks the whole history.
                context.truncate(self.limit - self.limit / 16);
            }
        }
        items
    }

    fn close(&mut self, key: TurnKey, over: TurnOver) -> Vec<ChatItem> {
        let Some(mut turn) = self.open.remove(&key) else { return Vec::new() };
        // An answer that is over was certain, even if word of that is still on its way.
        let happened = turn.committed || over.outcome != SpeechOutcome::Dropped;
        let mut items = if happened { Vec::from_iter(turn.user.take()) } else { Vec::new() };
        if happened {
            items.append(&mut turn.held);
        }
        for index in 0..turn.parts.len() {
            let heard = turn.part(index, over.heard);
            let end = turn.part_end(index);
            if let Some(speech) = &turn.parts[index].speech {
                let text = heard.as_ref().map_or("", text_of);
                let all_words = end > turn.parts[index].start && over.heard >= end;
                let whole = all_words || over.outcome == SpeechOutcome::Finished;
                speech.end(text, if whole { SpeechOutcome::Finished } else { over.outcome });
            }
            items.extend(heard);
        }
        items
    }
}

impl OpenTurn {
    fn part_end(&self, index: usize) -> usize {
        self.parts.get(index + 1).map_or(self.text.len(), |next| next.start)
    }

    /// A stretch as a message, cut to the first `heard` bytes of the turn; none if nothing is left.
    fn part(&self, index: usize, heard: usize) -> Option<ChatItem> {
        let part = &self.parts[index];
        let end = self.part_end(index);
        let cut = end.min(heard.max(part.start));
        let text = self.text.get(part.start..cut)?.trim();
        if text.is_empty() {
            return None;
        }
        let interrupted = self.text[cut..end].contains(|c: char| !c.is_whitespace());
        let content = ChatContent::Message { role: Role::Assistant, text: text.to_owned(), interrupted };
        Some(ChatItem { content, ..part.item.clone() })
    }
}

fn message(agent: &str, role: Role, text: &str) -> ChatItem {
    ChatItem::new(agent, ChatContent::Message { role, text: text.to_owned(), interrupted: false })
}

fn text_of(item: &ChatItem) -> &str {
    match &item.content {
        ChatContent::Message { text, .. } => text,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: TurnKey = TurnKey::Reply(1);

    fn spoken(text: &str) -> Option<Asked<'_>> {
        Some(Asked { text, typed: false })
    }

    fn history() -> ChatHistory {
        ChatHistory::new(100)
    }

    fn call() -> ChatItem {
        let content =
            ChatContent::ToolCall { call_id: "1".into(), name: "look".into(), arguments: "{}".into() };
        ChatItem::new("a", content)
    }

    fn told(context: &ChatContext) -> Vec<String> {
        let tell = |item: &ChatItem| match &item.content {
            ChatContent::Message { role, text, interrupted } => {
                format!("{role:?}: {text}{}", if *interrupted { "…" } else { "" })
            }
            other => format!("{other:?}").split(' ').next().unwrap_or_default().to_owned(),
        };
        context.items().iter().map(tell).collect()
    }

    fn over(heard: usize) -> TurnOver {
        TurnOver { heard, outcome: SpeechOutcome::Interrupted }
    }

    #[test]
    fn what_was_not_heard_is_not_remembered() {
        let text = "Let me look. ";
        for heard in 0..40 {
            let mut history = history();
            history.begin(TURN, "a", spoken("what is it"), true);
            history.commit(TURN, None);
            history.wrote(TURN, text, None, None);
            history.add(TURN, call());
            history.wrote(TURN, "It is a clock.", Some(ChatHistory::stretch("a")), None);
            history.ended(TURN, over(heard));
            let whole = format!("{text}It is a clock.");
            let heard = &whole[..heard.min(whole.len())];
            let mut expected = vec!["User: what is it".to_owned()];
            let (first, second) = heard.split_at(heard.len().min(text.len()));
            if !first.trim().is_empty() {
                let cut = if first.trim_end().len() < text.trim_end().len() { "…" } else { "" };
                expected.push(format!("Assistant: {}{cut}", first.trim()));
            }
            expected.push("ToolCall".into());
            if !second.trim().is_empty() {
                let cut = if second.len() < "It is a clock.".len() { "…" } else { "" };
                expected.push(format!("Assistant: {}{cut}", second.trim()));
            }
            assert_eq!(told(history.log()), expected);
        }
    }

    #[test]
    fn a_turn_that_was_taken_back_leaves_nothing() {
        let mut history = history();
        history.begin(TURN, "a", spoken("what"), false);
        history.add(TURN, call());
        history.wrote(TURN, "Well.", None, None);
        assert_eq!(told(&history.request(TURN)), ["User: what", "ToolCall", "Assistant: Well."]);
        assert!(history.log().is_empty());
        history.abandon(TURN);
        assert!(history.log().is_empty() && !history.is_open());
    }

    #[test]
    fn a_greeting_after_the_question_does_not_pass_for_its_answer() {
        let mut history = history();
        let greeting = TurnKey::Say(1);
        history.begin(TURN, "a", spoken("what time is it"), true);
        history.begin(greeting, "a", None, true);
        history.wrote(greeting, "Hello!", None, None);
        let asked = ["Assistant: Hello!", "User: what time is it"];
        assert_eq!(told(&history.request(TURN)), asked);
        history.commit(TURN, None);
        history.ended(greeting, over(6));
        assert_eq!(told(&history.request(TURN)), asked);
        history.add(TURN, call());
        history.note(message("a", Role::Assistant, "Your tea is ready."));
        let later = ["ToolCall", "Assistant: Your tea is ready."];
        assert_eq!(told(&history.request(TURN)), [&asked[..], &later].concat());
        let log = [&["User: what time is it", "Assistant: Hello!"][..], &later].concat();
        assert_eq!(told(history.log()), log, "what is kept stays in the order of events");
    }

    #[test]
    fn an_end_that_comes_before_the_beginning_is_not_lost() {
        let mut history = history();
        history.ended(TURN, over(0));
        history.begin(TURN, "a", spoken("what"), true);
        assert_eq!(told(history.log()), ["User: what"]);
        assert!(!history.is_open());
    }

    #[test]
    fn history_does_not_grow_without_end() {
        let mut history = history();
        for turn in 0..1_000 {
            history.begin(TurnKey::Reply(turn), "a", spoken("what"), true);
            history.commit(TurnKey::Reply(turn), None);
            history.ended(TurnKey::Reply(turn), over(0));
        }
        assert!(history.log().items().len() <= 100);
    }

    #[test]
    fn a_fresh_agent_does_not_know_what_was_said() {
        let mut history = history();
        history.begin(TURN, "a", spoken("secret"), true);
        history.commit(TURN, None);
        let before = history.view();
        history.carry(Carry::Fresh);
        assert!(history.request(TurnKey::Say(1)).is_empty());
        assert_eq!(told(history.log()), ["User: secret"]);
        history.restore(&before);
        assert_eq!(told(&history.request(TurnKey::Say(1))), ["User: secret"]);
    }
}
