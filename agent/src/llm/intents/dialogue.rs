//! What is meant and what comes next, from the conversation alone.
//!
//! Nothing is remembered between answers: the latest turns are gone through again each time, so that
//! a conversation that was cut, restored or handed over goes on where it was.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::definition::{Compiled, Intent, Question};
use super::matcher::{Fit, fit};
use super::template::{fill, pick};
use super::value::{SlotType, SlotValue};
use super::words::words;
use crate::chat::{ChatContent, ChatItem, Role};

/// How many of the user's latest messages are gone through.
const REMEMBERED: usize = 12;
/// How often a question is asked before it is given up.
const MAX_ASKED: u32 = 2;
/// From this score on, another intent wins over an answer in any words.
const PLAINLY: f64 = 0.9;
/// Two fits whose matched parts differ by this much are told apart by it.
const MORE_SPECIFIC: f64 = 0.4;

/// An intent and what is known of its slots.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Meant {
    pub intent: usize,
    pub slots: BTreeMap<String, SlotValue>,
}

/// A question that waits for its answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pending {
    meant: Meant,
    question: usize,
    asked: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Decision {
    Act(Meant),
    Ask(Pending),
    Unsure,
    Fallback,
}

/// Where a conversation stands.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// What the last message of the user, if it came last, leads to.
    pub decision: Option<Decision>,
    /// What was meant when a tool was called last.
    pub acted: Option<Meant>,
    /// How many messages of the user were gone through.
    pub turns: usize,
}

impl Compiled {
    /// Intents by how well they fit, best first.
    pub(super) fn rank(&self, words: &[String]) -> Vec<(usize, Fit)> {
        let fits = self.intents.iter().enumerate().filter_map(|(at, intent)| {
            let fits = intent.graphs.iter().map(|graph| fit(words, graph, &intent.slots, &self.lexicon));
            fits.max_by(better).map(|fit| (at, fit))
        });
        let mut ranked: Vec<(usize, Fit)> = fits.collect();
        ranked.sort_by(|(_, a), (_, b)| better(b, a));
        ranked
    }

    /// Where the conversation `items` stands.
    pub(super) fn standing(&self, items: &[ChatItem]) -> Standing {
        let is_user =
            |item: &&ChatItem| matches!(item.content, ChatContent::Message { role: Role::User, .. });
        let start = items.len() - items.iter().rev().take_while(not_more_than(REMEMBERED, is_user)).count();
        let mut standing = Standing { turns: items.iter().filter(is_user).count(), ..Standing::default() };
        let mut pending: Option<Pending> = None;
        for item in &items[start..] {
            match &item.content {
                ChatContent::Message { role: Role::User, text, .. } => {
                    let decision = self.decide(text, pending.take());
                    match &decision {
                        Decision::Ask(asked) => pending = Some(asked.clone()),
                        Decision::Act(meant) => standing.acted = Some(meant.clone()),
                        Decision::Unsure | Decision::Fallback => {}
                    }
                    standing.decision = Some(decision);
                }
                ChatContent::Message { role: Role::Assistant, text, .. } => {
                    pending = pending.filter(|pending| self.is_question(pending, text));
                    standing.decision = None;
                }
                ChatContent::ToolCall { .. } | ChatContent::ToolResult { .. } => standing.decision = None,
                _ => {}
            }
        }
        standing
    }

    pub(super) fn question(&self, pending: &Pending) -> Option<String> {
        let question = self.intents.get(pending.meant.intent)?.questions.get(pending.question)?;
        fill(&question.text, &|name| pending.meant.slots.get(name).map(SlotValue::spoken))
    }

    /// Whether `text` is what was heard of the question.
    fn is_question(&self, pending: &Pending, text: &str) -> bool {
        self.question(pending).is_some_and(|question| words(&question).starts_with(&words(text)))
    }

    fn decide(&self, text: &str, pending: Option<Pending>) -> Decision {
        let words = words(text);
        let ranked = self.rank(&words);
        let best = ranked.first().filter(|(_, fit)| fit.score >= self.threshold);
        if let Some(pending) = pending {
            if let Some(answered) = self.answered(&pending, &words, best.map_or(0.0, |(_, fit)| fit.score)) {
                return self.complete(answered);
            }
            if best.is_none() && pending.asked < MAX_ASKED {
                return Decision::Ask(Pending { asked: pending.asked + 1, ..pending });
            }
        }
        let Some((intent, fit)) = best else { return Decision::Fallback };
        let rivals = ranked[1..].iter().take_while(|(_, rival)| fit.score - rival.score < self.margin);
        let mut rivals = rivals.filter(|(_, rival)| rival.score >= self.threshold);
        if rivals.any(|(_, rival)| (fit.matched - rival.matched).abs() < MORE_SPECIFIC) {
            return Decision::Unsure;
        }
        self.complete(Meant { intent: *intent, slots: fit.slots.clone() })
    }

    /// What is meant if `words` answer the question, and no intent by itself fits better.
    fn answered(&self, pending: &Pending, words: &[String], best: f64) -> Option<Meant> {
        let intent = self.intents.get(pending.meant.intent)?;
        let Question { slot, answer, .. } = intent.questions.get(pending.question)?;
        let fit = fit(words, answer, &intent.slots, &self.lexicon);
        let any_words = intent.slots.types.get(slot) == Some(&SlotType::Text);
        if fit.score < self.threshold || best > fit.score || (any_words && best >= PLAINLY) {
            return None;
        }
        let mut meant = pending.meant.clone();
        meant.slots.insert(slot.clone(), fit.slots.get(slot)?.clone());
        Some(meant)
    }

    fn complete(&self, meant: Meant) -> Decision {
        let questions = self.intents.get(meant.intent).map_or(&[][..], |intent| &intent.questions);
        match questions.iter().position(|question| !meant.slots.contains_key(&question.slot)) {
            Some(question) => Decision::Ask(Pending { meant, question, asked: 1 }),
            None => Decision::Act(meant),
        }
    }
}

/// Takes items until `most` of them satisfy `counts`.
fn not_more_than<'a>(
    most: usize,
    counts: impl Fn(&&'a ChatItem) -> bool,
) -> impl FnMut(&&'a ChatItem) -> bool {
    let mut left = most;
    move |item| {
        let go_on = left > 0;
        left -= usize::from(go_on && counts(item));
        go_on
    }
}

fn better(a: &Fit, b: &Fit) -> std::cmp::Ordering {
    a.score.total_cmp(&b.score).then(a.matched.total_cmp(&b.matched))
}

impl Meant {
    /// A tool's arguments, as JSON text.
    pub(super) fn arguments(&self, intent: &Intent) -> String {
        let arguments = match &intent.arguments {
            None => self.slots.iter().map(|(name, value)| (name.clone(), value.to_json())).collect(),
            Some(template) => template
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), self.argument(value)?)))
                .collect(),
        };
        Value::Object(arguments).to_string()
    }

    /// One argument; none, if it needs a slot that is empty.
    fn argument(&self, template: &Value) -> Option<Value> {
        match template {
            Value::String(text) => {
                let slot = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                match slot.filter(|slot| !slot.contains(['{', ':'])) {
                    Some(slot) => self.slots.get(slot.trim()).map(SlotValue::to_json),
                    None => {
                        fill(text, &|name| self.slots.get(name).map(SlotValue::spoken)).map(Value::String)
                    }
                }
            }
            Value::Object(fields) => {
                let fields: Map<String, Value> = fields
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), self.argument(value)?)))
                    .collect();
                Some(Value::Object(fields))
            }
            other => Some(other.clone()),
        }
    }

    /// An answer without a tool.
    pub(super) fn answer(&self, intent: &Intent, turn: usize) -> Option<String> {
        pick(&intent.say, turn, &|name| self.slots.get(name).map(SlotValue::spoken))
    }
}
