//! The conversation as a model sees it.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{ChatContent, ChatItem, Role};
use crate::{Error, ErrorKind};

/// What a model is told of a call whose tool has not ended yet.
const STILL_RUNNING: &str = "The tool is still running; do not call it again for this.";
/// Tokens that an item costs beside its words: role, names, separators.
const ITEM_TOKENS: usize = 8;

/// Items, oldest first. An item that began before another stands before it, whenever it was added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChatContext {
    items: Vec<ChatItem>,
}

impl ChatContext {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `item` at the end.
    pub fn push(&mut self, item: ChatItem) {
        self.items.push(item);
    }

    /// Adds `item` where its id, which tells when it began, places it among the latest items; one
    /// that is there already is replaced.
    pub fn insert(&mut self, item: ChatItem) {
        if let Some(known) = self.items.iter_mut().rev().find(|known| known.id == item.id) {
            *known = item;
            return;
        }
        let later = self.items.iter().rev().take_while(|known| known.id > item.id).count();
        self.items.insert(self.items.len() - later, item);
    }

    /// Moves the item `id` directly before the item `next`, or to the end if that is none; never towards the
    /// front.
    pub(crate) fn defer(&mut self, id: &str, next: Option<&str>) {
        let place = |id: &str| self.items.iter().rposition(|item| item.id == id);
        let Some(from) = place(id) else { return };
        let to = next.map_or(Some(self.items.len()), place).unwrap_or(from);
        if from < to {
            self.items[from..to].rotate_left(1);
        }
    }

    /// All items, oldest first.
    pub fn items(&self) -> &[ChatItem] {
        &self.items
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Forgets all but the latest `count` items; calls and results that lose their counterpart go
    /// too, notes of the system stay.
    pub fn truncate(&mut self, count: usize) {
        let drop = self.items.len().saturating_sub(count);
        let mut index = 0;
        self.items.retain(|item| {
            index += 1;
            index > drop || is_note(item)
        });
        self.drop_halves();
    }

    /// Adds what `other` holds and this does not, each where it belongs.
    pub fn merge(&mut self, other: &Self) {
        for item in &other.items {
            if !self.items.iter().any(|known| known.id == item.id) {
                self.insert(item.clone());
            }
        }
    }

    /// As a model may be given it: each result directly after its call, none without the other, no
    /// statuses, and of the oldest so much left out that at most `tokens` remain. Notes of the system
    /// and what the user said last are always kept.
    #[must_use]
    pub fn for_model(&self, tokens: usize) -> Self {
        let groups = self.groups();
        let last_user = groups.iter().rposition(|group| is_by_user(&group[0]));
        let mut left = tokens;
        let mut keep = vec![false; groups.len()];
        for (index, group) in groups.iter().enumerate() {
            if is_note(&group[0]) || Some(index) == last_user {
                keep[index] = true;
                left = left.saturating_sub(cost(group));
            }
        }
        for (index, group) in groups.iter().enumerate().rev().filter(|(_, group)| !is_note(&group[0])) {
            if keep[index] {
                continue;
            }
            let Some(rest) = left.checked_sub(cost(group)) else { break };
            left = rest;
            keep[index] = true;
        }
        let kept = groups.into_iter().zip(keep).filter_map(|(group, keep)| keep.then_some(group));
        Self { items: kept.flatten().collect() }
    }

    /// What it costs of a model's context, by [`estimate_tokens`].
    pub fn tokens(&self) -> usize {
        cost(&self.items)
    }

    /// As JSON text, an array of items.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] never happens for items of this crate.
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| invalid(&error))
    }

    /// Out of what [`ChatContext::to_json`] wrote.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] names what could not be understood.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        serde_json::from_str(json).map_err(|error| invalid(&error))
    }

    /// What must stay together, in order. Calls of one step, made together, stay together, calls first,
    /// then results; they stand where the last result came, so that a model sees last what it is to
    /// answer. What a tool let be said or asked meanwhile stands before.
    fn groups(&self) -> Vec<Vec<ChatItem>> {
        let mut results: HashMap<&str, usize> = HashMap::new();
        for (index, item) in self.items.iter().enumerate() {
            if let ChatContent::ToolResult { call_id, .. } = &item.content {
                results.insert(call_id, index);
            }
        }
        let mut groups: Vec<(usize, Vec<ChatItem>)> = Vec::new();
        let mut in_calls = false;
        for (index, item) in self.items.iter().enumerate() {
            match &item.content {
                ChatContent::ToolCall { call_id, name, .. } => {
                    let found = results.remove(call_id.as_str());
                    let result =
                        found.map_or_else(|| pending(item, call_id, name), |at| self.items[at].clone());
                    let at = found.unwrap_or(index);
                    match groups.last_mut().filter(|_| in_calls) {
                        Some((place, group)) => {
                            *place = at.max(*place);
                            let calls = group.len() / 2;
                            group.insert(calls, item.clone());
                            group.push(result);
                        }
                        None => groups.push((at, vec![item.clone(), result])),
                    }
                    in_calls = true;
                }
                ChatContent::ToolResult { .. } => in_calls = false,
                ChatContent::Status { .. } => {}
                _ => {
                    in_calls = false;
                    groups.push((index, vec![item.clone()]));
                }
            }
        }
        groups.sort_by_key(|(place, _)| *place);
        groups.into_iter().map(|(_, group)| group).collect()
    }

    fn drop_halves(&mut self) {
        let call = |item: &ChatItem| match &item.content {
            ChatContent::ToolCall { call_id, .. } => Some(call_id.clone()),
            _ => None,
        };
        let calls: HashSet<String> = self.items.iter().filter_map(call).collect();
        self.items.retain(|item| match &item.content {
            ChatContent::ToolResult { call_id, .. } => calls.contains(call_id),
            _ => true,
        });
    }
}

impl FromIterator<ChatItem> for ChatContext {
    fn from_iter<I: IntoIterator<Item = ChatItem>>(items: I) -> Self {
        Self { items: items.into_iter().collect() }
    }
}

/// How many tokens `text` is at most, cheaply: a third of its ASCII characters and one and a half for
/// each other one. English is nearer to a quarter with the usual tokenizers; Chinese nearer to one.
pub fn estimate_tokens(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let other = text.chars().count() - ascii;
    (2 * ascii + 9 * other).div_ceil(6)
}

fn cost(items: &[ChatItem]) -> usize {
    let words = |item: &ChatItem| match &item.content {
        ChatContent::Message { text, .. } => estimate_tokens(text),
        ChatContent::Overheard { speaker, name, text } => {
            estimate_tokens(text) + estimate_tokens(if name.is_empty() { speaker } else { name })
        }
        ChatContent::ToolCall { call_id, name, arguments } => {
            estimate_tokens(call_id) + estimate_tokens(name) + estimate_tokens(arguments)
        }
        ChatContent::ToolResult { call_id, output, .. } => estimate_tokens(call_id) + estimate_tokens(output),
        ChatContent::Handoff { .. } => ITEM_TOKENS,
        ChatContent::Status { .. } => 0,
    };
    items.iter().map(|item| words(item) + ITEM_TOKENS).sum()
}

fn is_note(item: &ChatItem) -> bool {
    matches!(item.content, ChatContent::Message { role: Role::System, .. })
}

fn is_by_user(item: &ChatItem) -> bool {
    matches!(item.content, ChatContent::Message { role: Role::User, .. })
}

fn pending(call: &ChatItem, call_id: &str, name: &str) -> ChatItem {
    let content = ChatContent::ToolResult {
        call_id: call_id.to_owned(),
        name: name.to_owned(),
        output: STILL_RUNNING.to_owned(),
        is_error: false,
    };
    ChatItem { id: format!("{}-pending", call.id), content, ..call.clone() }
}

fn invalid(error: &serde_json::Error) -> Error {
    Error::new(ErrorKind::Invalid, format!("the chat history is not an array of chat items: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(role: Role, text: &str) -> ChatItem {
        ChatItem::new("a", ChatContent::Message { role, text: text.into(), interrupted: false })
    }

    fn call(id: &str) -> ChatItem {
        let content =
            ChatContent::ToolCall { call_id: id.into(), name: "look".into(), arguments: "{}".into() };
        ChatItem::new("a", content)
    }

    fn result(id: &str) -> ChatItem {
        let content = ChatContent::ToolResult {
            call_id: id.into(),
            name: "look".into(),
            output: "seen".into(),
            is_error: false,
        };
        ChatItem::new("a", content)
    }

    fn kinds(context: &ChatContext) -> String {
        let kind = |item: &ChatItem| match &item.content {
            ChatContent::Message { role: Role::System, .. } => 's',
            ChatContent::Message { role: Role::User, .. } => 'u',
            ChatContent::Message { .. } => 'a',
            ChatContent::ToolCall { .. } => 'c',
            ChatContent::ToolResult { .. } => 'r',
            _ => '?',
        };
        context.items().iter().map(kind).collect()
    }

    #[test]
    fn a_late_result_is_not_parted_from_its_call() {
        let mut context = ChatContext::new();
        for item in [message(Role::User, "one"), call("1"), message(Role::User, "two"), result("1")] {
            context.push(item);
        }
        assert_eq!(kinds(&context.for_model(10_000)), "uucr");
    }

    #[test]
    fn what_a_tool_says_does_not_hide_its_result() {
        let context: ChatContext =
            [message(Role::User, "u"), call("1"), message(Role::Assistant, "wait"), result("1")]
                .into_iter()
                .collect();
        assert_eq!(kinds(&context.for_model(10_000)), "uacr");
    }

    #[test]
    fn a_call_without_a_result_is_not_shown_without_one() {
        let context: ChatContext = [message(Role::User, "one"), call("1"), call("2"), result("2")]
            .into_iter()
            .chain([result("lost")])
            .collect();
        assert_eq!(kinds(&context.for_model(10_000)), "uccrr");
    }

    #[test]
    fn a_budget_does_not_split_a_pair_nor_lose_the_question() {
        let context: ChatContext = [
            message(Role::System, "be kind"),
            message(Role::User, &"old ".repeat(50)),
            call("1"),
            result("1"),
            message(Role::Assistant, "well"),
            message(Role::User, &"question ".repeat(50)),
        ]
        .into_iter()
        .collect();
        for budget in 0..600 {
            let fits = context.for_model(budget);
            let kinds = kinds(&fits);
            assert!(kinds.starts_with('s') && kinds.ends_with('u'), "{kinds}");
            assert_eq!(kinds.contains('c'), kinds.contains('r'), "{kinds}");
            let must = cost(&[context.items()[0].clone(), context.items()[5].clone()]);
            assert!(fits.tokens() <= budget.max(must), "{budget}: {}", fits.tokens());
        }
        assert_eq!(kinds(&context.for_model(1_000)), "sucrau");
    }

    #[test]
    fn truncating_leaves_no_result_without_its_call() {
        let mut context: ChatContext =
            [message(Role::System, "s"), call("1"), result("1"), message(Role::User, "u")]
                .into_iter()
                .collect();
        context.truncate(2);
        assert_eq!(kinds(&context), "su");
    }

    #[test]
    fn an_item_that_began_earlier_does_not_come_later() {
        let (first, second, third) =
            (message(Role::User, "1"), message(Role::Assistant, "2"), message(Role::User, "3"));
        let mut context = ChatContext::new();
        for item in [&first, &third, &second] {
            context.insert((*item).clone());
        }
        assert_eq!(context.items(), [first, second, third]);
    }

    #[test]
    fn json_does_not_lose_an_item() {
        let context: ChatContext =
            [message(Role::User, "żółw"), call("1"), result("1")].into_iter().collect();
        assert_eq!(ChatContext::from_json(&context.to_json().unwrap()).unwrap(), context);
        assert_eq!(ChatContext::from_json("{").unwrap_err().kind(), ErrorKind::Invalid);
    }
}
