//! What slots hold.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};

use super::clock::{spoken_time, time};
use super::number::{duration, number, spoken_duration};
use super::words::{Lexicon, Likeness, is_unknown};

/// What a slot takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SlotType {
    /// "twenty five": a number.
    Number,
    /// "an hour and a half": seconds.
    Duration,
    /// "half past three": "15:30".
    Time,
    /// Any words.
    Text,
    /// One of these: a value and the words for it.
    OneOf(Vec<(String, Vec<Vec<String>>)>),
}

/// What a slot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotValue {
    /// A number.
    Number(f64),
    /// Seconds.
    Duration(f64),
    /// Hour (0–23) and minute.
    Time(u32, u32),
    /// One of a list, by its own name.
    Choice(String),
    /// Words as they were said.
    Text(String),
}

impl SlotValue {
    /// As a tool's argument: numbers and seconds are numbers, times are "HH:MM".
    pub fn to_json(&self) -> Value {
        match self {
            Self::Number(number) | Self::Duration(number) => json_number(*number),
            Self::Time(hour, minute) => json!(format!("{hour:02}:{minute:02}")),
            Self::Choice(text) | Self::Text(text) => json!(text),
        }
    }

    /// For people.
    pub fn spoken(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Duration(seconds) => spoken_duration(*seconds),
            Self::Time(hour, minute) => spoken_time((*hour, *minute)),
            Self::Choice(text) | Self::Text(text) => text.clone(),
        }
    }
}

fn json_number(number: f64) -> Value {
    // Exact up to 2^53; every number that is heard is far below.
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return json!(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// A reading of some words: how many it takes, what they mean, and how surely (`0.0..=1.0`).
pub(super) type Reading = (usize, SlotValue, f64);

impl SlotType {
    pub(super) fn weight(&self) -> f64 {
        if *self == Self::Text { 0.4 } else { 1.0 }
    }

    /// What the beginning of `words` may mean.
    pub(super) fn read(&self, words: &[String], lexicon: &Lexicon) -> Vec<Reading> {
        let sure = |(used, value)| (used, value, 1.0);
        match self {
            Self::Number => {
                number(words).map(|(used, n)| sure((used, SlotValue::Number(n)))).into_iter().collect()
            }
            Self::Duration => {
                duration(words).map(|(used, s)| sure((used, SlotValue::Duration(s)))).into_iter().collect()
            }
            Self::Time => {
                time(words).map(|(used, (h, m))| sure((used, SlotValue::Time(h, m)))).into_iter().collect()
            }
            Self::Text => (1..=words.len())
                .take_while(|end| !is_unknown(&words[end - 1]))
                .map(|end| sure((end, SlotValue::Text(words[..end].join(" ")))))
                .collect(),
            Self::OneOf(values) => values
                .iter()
                .flat_map(|(value, names)| names.iter().map(move |name| (value, name)))
                .filter_map(|(value, name)| {
                    let sureness = alike(name, words, lexicon)?;
                    Some((name.len(), SlotValue::Choice(value.clone()), sureness))
                })
                .collect(),
        }
    }
}

fn alike(name: &[String], words: &[String], lexicon: &Lexicon) -> Option<f64> {
    let heard = words.get(..name.len())?;
    let mut sureness = 1.0;
    for (wanted, heard) in name.iter().zip(heard) {
        match lexicon.likeness(wanted, heard) {
            Likeness::Same => {}
            Likeness::Near => sureness = 0.7,
            Likeness::Unknown | Likeness::Different => return None,
        }
    }
    (!name.is_empty()).then_some(sureness)
}
