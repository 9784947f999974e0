//! The TOML file of intents, checked and compiled.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::matcher::Slots;
use super::number::vocabulary;
use super::pattern::{self, Graph, Node};
use super::template;
use super::value::SlotType;
use super::words::{FILLERS, Lexicon, words};

/// Small words before the answer to a question for a slot.
const LEAD_IN: &str = "[make it|it is|let us say|about] [for|in|at|to|on] [the|a|an]";

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Definition {
    pub threshold: f64,
    pub margin: f64,
    greeting: Lines,
    fallback: Lines,
    unsure: Lines,
    failed: Lines,
    fillers: Vec<String>,
    #[serde(rename = "slot")]
    slots: BTreeMap<String, SlotDefinition>,
    #[serde(rename = "intent")]
    intents: Vec<IntentDefinition>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "OneOrMore")]
pub(super) struct Lines(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl From<OneOrMore> for Lines {
    fn from(lines: OneOrMore) -> Self {
        match lines {
            OneOrMore::One(line) => Self(vec![line]),
            OneOrMore::More(lines) => Self(lines),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SlotDefinition {
    #[serde(rename = "type")]
    kind: Option<String>,
    values: Option<Values>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a list of values, or a table of values with lists of synonyms")]
enum Values {
    List(Vec<String>),
    Table(BTreeMap<String, Vec<String>>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct IntentDefinition {
    name: String,
    patterns: Vec<String>,
    say: Lines,
    call: Option<String>,
    arguments: Option<Map<String, Value>>,
    ask: BTreeMap<String, String>,
    failed: Lines,
}

impl Default for Definition {
    fn default() -> Self {
        Self {
            threshold: 0.65,
            margin: 0.1,
            greeting: Lines::default(),
            fallback: OneOrMore::One("Sorry, I did not understand that.".into()).into(),
            unsure: Lines::default(),
            failed: OneOrMore::One("Sorry, that did not work.".into()).into(),
            fillers: Vec::new(),
            slots: BTreeMap::new(),
            intents: Vec::new(),
        }
    }
}

/// All that is known, ready to compare.
#[derive(Debug)]
pub(super) struct Compiled {
    pub threshold: f64,
    pub margin: f64,
    pub greeting: Vec<String>,
    pub fallback: Vec<String>,
    pub unsure: Vec<String>,
    pub lexicon: Lexicon,
    pub intents: Vec<Intent>,
}

#[derive(Debug)]
pub(super) struct Intent {
    pub name: String,
    pub graphs: Vec<Graph>,
    pub slots: Slots,
    /// Slots that it needs, their questions, and what an answer looks like.
    pub questions: Vec<Question>,
    pub say: Vec<String>,
    pub failed: Vec<String>,
    pub call: Option<String>,
    pub arguments: Option<Map<String, Value>>,
}

#[derive(Debug)]
pub(super) struct Question {
    pub slot: String,
    pub text: String,
    pub answer: Graph,
}

impl Definition {
    /// Checked and compiled, or what is wrong, beginning with the key.
    pub(super) fn compile(self) -> Result<Compiled, String> {
        for (key, value) in [("threshold", self.threshold), ("margin", self.margin)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(format!("{key}: {value} must be 0 to 1"));
            }
        }
        if self.intents.is_empty() {
            return Err("intent: there is none; add [[intent]] with name, patterns and say or call".into());
        }
        for (key, lines) in
            [("greeting", &self.greeting), ("fallback", &self.fallback), ("unsure", &self.unsure)]
        {
            check_lines(key, lines, Some(&[]))?;
        }
        if self.fallback.0.is_empty() {
            return Err("fallback: there is none; say something when nothing fits".into());
        }
        let types = self.slot_types()?;
        let fillers = FILLERS.iter().map(|word| (*word).to_owned());
        let mut lexicon = Lexicon::new(fillers.chain(self.fillers.iter().flat_map(|text| words(text))));
        vocabulary().for_each(|word| lexicon.learn(word));
        let mut intents: Vec<Intent> = Vec::new();
        for (at, definition) in self.intents.into_iter().enumerate() {
            let name = definition.name.clone();
            let place =
                if name.is_empty() { format!("intent {}", at + 1) } else { format!("intent {name:?}") };
            if name.is_empty() || intents.iter().any(|other| other.name == name) {
                return Err(format!("{place}: name: give each intent a name of its own"));
            }
            let intent = definition
                .compile(&types, &self.failed, &mut lexicon)
                .map_err(|problem| format!("{place}: {problem}"))?;
            intents.push(intent);
        }
        let unsure = if self.unsure.0.is_empty() { self.fallback.0.clone() } else { self.unsure.0 };
        Ok(Compiled {
            threshold: self.threshold,
            margin: self.margin,
            greeting: self.greeting.0,
            fallback: self.fallback.0,
            unsure,
            lexicon,
            intents,
        })
    }

    fn slot_types(&self) -> Result<HashMap<String, SlotType>, String> {
        let mut types = HashMap::from([
            ("number".to_owned(), SlotType::Number),
            ("duration".to_owned(), SlotType::Duration),
            ("time".to_owned(), SlotType::Time),
            ("text".to_owned(), SlotType::Text),
        ]);
        let built_in = types.clone();
        for (name, slot) in &self.slots {
            let kind = match (&slot.kind, &slot.values) {
                (Some(kind), None) => built_in.get(kind).cloned().ok_or_else(|| {
                    format!("slot {name:?}: type {kind:?} is unknown; use number, duration, time or text, or give values")
                })?,
                (None, Some(values)) => one_of(values).map_err(|problem| format!("slot {name:?}: values: {problem}"))?,
                _ => return Err(format!("slot {name:?}: give it either a type or values")),
            };
            types.insert(name.clone(), kind);
        }
        Ok(types)
    }
}

fn one_of(values: &Values) -> Result<SlotType, String> {
    let named: Vec<(String, Vec<Vec<String>>)> = match values {
        Values::List(list) => list.iter().map(|value| (value.clone(), vec![words(value)])).collect(),
        Values::Table(table) => table
            .iter()
            .map(|(value, synonyms)| {
                let names = std::iter::once(value).chain(synonyms).map(|name| words(name)).collect();
                (value.clone(), names)
            })
            .collect(),
    };
    if named.is_empty() {
        return Err("there is none; add some".into());
    }
    match named.iter().find(|(_, names)| names.iter().any(Vec::is_empty)) {
        Some((value, _)) => Err(format!("{value:?} or a synonym of it has no letters; correct or remove it")),
        None => Ok(SlotType::OneOf(named)),
    }
}

fn check_lines(key: &str, lines: &Lines, known: Option<&[&str]>) -> Result<(), String> {
    for line in &lines.0 {
        let names = template::names(line).map_err(|problem| format!("{key}: {problem}"))?;
        let unknown = |name: &&str| known.is_some_and(|known| !known.contains(name));
        if let Some(name) = names.into_iter().find(unknown) {
            return Err(format!(
                "{key}: {line:?} has a blank {{{name}}}, but no pattern has such a slot; correct it"
            ));
        }
    }
    Ok(())
}

impl IntentDefinition {
    fn compile(
        self,
        types: &HashMap<String, SlotType>,
        failed: &Lines,
        lexicon: &mut Lexicon,
    ) -> Result<Intent, String> {
        if self.patterns.is_empty() {
            return Err("patterns: there is none; add what people say".into());
        }
        if self.call.is_none() && self.say.0.is_empty() {
            return Err("it does nothing; add say, or call with the name of a tool".into());
        }
        let mut slots = Slots { askable: self.ask.keys().cloned().collect(), ..Slots::default() };
        let mut graphs = Vec::new();
        for pattern in &self.patterns {
            let found = |problem: String| format!("patterns: {pattern:?} {problem}");
            let node = pattern::parse(pattern).map_err(found)?;
            learn(&node, types, &mut slots, lexicon).map_err(found)?;
            graphs.push(node.graph().map_err(found)?);
        }
        let known: Vec<&str> = slots.types.keys().map(String::as_str).collect();
        // A tool's result may have any fields.
        check_lines("say", &self.say, self.call.is_none().then_some(&known))?;
        check_lines("failed", &self.failed, None)?;
        for text in self.arguments.iter().flat_map(Map::values).filter_map(Value::as_str) {
            check_lines("arguments", &Lines(vec![text.to_owned()]), Some(&known))?;
        }
        if self.arguments.is_some() && self.call.is_none() {
            return Err("arguments: there is no call; name the tool in call".into());
        }
        let mut questions = Vec::new();
        for (slot, text) in &self.ask {
            if !slots.types.contains_key(slot) {
                return Err(format!("ask: no pattern has a slot {slot:?}; correct its name"));
            }
            check_lines("ask", &Lines(vec![text.clone()]), Some(&known))?;
            let answer = pattern::parse(&format!("{LEAD_IN} {{{slot}}}")).and_then(|node| node.graph())?;
            questions.push(Question { slot: slot.clone(), text: text.clone(), answer });
        }
        Ok(Intent {
            name: self.name,
            graphs,
            slots,
            questions,
            say: self.say.0,
            failed: if self.failed.0.is_empty() { failed.0.clone() } else { self.failed.0 },
            call: self.call,
            arguments: self.arguments,
        })
    }
}

/// Learns a pattern's words and the types of its slots.
fn learn(
    node: &Node,
    types: &HashMap<String, SlotType>,
    slots: &mut Slots,
    lexicon: &mut Lexicon,
) -> Result<(), String> {
    let mut problem = None;
    node.each(&mut |node| match node {
        Node::Word(word) => lexicon.learn(word),
        Node::Slot(name, kind) => {
            let kind = kind.as_ref().unwrap_or(name);
            let Some(kind_of) = types.get(kind) else {
                problem = Some(format!(
                    "has a slot of unknown type {kind:?}; use number, duration, time, text, or add [slot.{kind}]"
                ));
                return;
            };
            if let SlotType::OneOf(values) = kind_of {
                values.iter().flat_map(|(_, names)| names.iter().flatten()).for_each(|word| lexicon.learn(word));
            }
            let before = slots.types.insert(name.clone(), kind_of.clone());
            if before.is_some_and(|before| before != *kind_of) {
                problem = Some(format!("gives the slot {name:?} another type than before; use another name"));
            }
        }
        _ => {}
    });
    problem.map_or(Ok(()), Err)
}
