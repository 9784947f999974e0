//! How well an utterance fits a pattern, and what its slots hold then.
//!
//! The best way of both through each other is found by dynamic programming over pairs of word and
//! state. Each step may match, or leave out a word of either side at a price. The score is what
//! matched by what matched and what it cost: 1 for a perfect fit, 0 for none.

use std::collections::{BTreeMap, HashMap};

use super::pattern::{Edge, Graph, Label};
use super::value::{SlotType, SlotValue};
use super::words::{Lexicon, Likeness, weight};

/// Most words of an utterance that are looked at.
pub(super) const MAX_WORDS: usize = 64;
/// What a slot costs that can be asked for later.
const ASKABLE: f64 = 0.5;

/// What an intent's slots take.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Slots {
    pub types: HashMap<String, SlotType>,
    /// Those that may be missing: they are asked for, or have a value by themselves.
    pub askable: Vec<String>,
}

/// How an utterance fits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fit {
    /// `0.0..=1.0`.
    pub score: f64,
    /// How much was matched: of two perfect fits, the one that says more is meant.
    pub matched: f64,
    pub slots: BTreeMap<String, SlotValue>,
}

#[derive(Clone)]
struct Cell {
    matched: f64,
    cost: f64,
    from: usize,
    filled: Option<(String, SlotValue)>,
}

struct Table<'a> {
    words: &'a [String],
    graph: &'a Graph,
    cells: Vec<Option<Cell>>,
}

/// The best fit of `words` to `graph`.
pub(super) fn fit(words: &[String], graph: &Graph, slots: &Slots, lexicon: &Lexicon) -> Fit {
    let words = &words[..words.len().min(MAX_WORDS)];
    let states = graph.states.len();
    let mut table = Table { words, graph, cells: vec![None; (words.len() + 1) * states] };
    table.cells[0] = Some(Cell { matched: 0.0, cost: 0.0, from: 0, filled: None });
    for at in 0..=words.len() {
        for state in 0..states {
            if table.cells[at * states + state].is_some() {
                table.leave(at, state, slots, lexicon);
            }
        }
    }
    table.outcome()
}

impl Table<'_> {
    fn leave(&mut self, at: usize, state: usize, slots: &Slots, lexicon: &Lexicon) {
        let here = (at, state);
        if let Some(word) = self.words.get(at) {
            self.step(here, (at + 1, state), 0.0, lexicon.cost_of_extra(word), None);
        }
        let graph = self.graph;
        for Edge { to, label } in &graph.states[state] {
            match label {
                Label::Nothing => self.step(here, (at, *to), 0.0, 0.0, None),
                Label::Word(wanted) => self.word(here, *to, wanted, lexicon),
                Label::Slot(name) => self.slot(here, *to, name, slots, lexicon),
            }
        }
    }

    fn word(&mut self, here: (usize, usize), to: usize, wanted: &str, lexicon: &Lexicon) {
        let worth = weight(wanted);
        self.step(here, (here.0, to), 0.0, worth, None);
        let Some(heard) = self.words.get(here.0) else { return };
        let share = match lexicon.likeness(wanted, heard) {
            Likeness::Same => 1.0,
            Likeness::Near => 0.7,
            Likeness::Unknown => 0.4,
            Likeness::Different => return,
        };
        self.step(here, (here.0 + 1, to), worth * share, worth * (1.0 - share), None);
    }

    fn slot(&mut self, here: (usize, usize), to: usize, name: &str, slots: &Slots, lexicon: &Lexicon) {
        if slots.askable.iter().any(|askable| askable == name) {
            self.step(here, (here.0, to), 0.0, ASKABLE, None);
        }
        let Some(kind) = slots.types.get(name) else { return };
        let (worth, words) = (kind.weight(), self.words);
        for (used, value, sureness) in kind.read(&words[here.0..], lexicon) {
            let filled = Some((name.to_owned(), value));
            self.step(here, (here.0 + used, to), worth * sureness, worth * (1.0 - sureness), filled);
        }
    }

    fn step(
        &mut self,
        (at, state): (usize, usize),
        to: (usize, usize),
        matched: f64,
        cost: f64,
        filled: Option<(String, SlotValue)>,
    ) {
        let states = self.graph.states.len();
        let from = at * states + state;
        let Some(before) = &self.cells[from] else { return };
        let cell = Cell { matched: before.matched + matched, cost: before.cost + cost, from, filled };
        let target = &mut self.cells[to.0 * states + to.1];
        let gain = |cell: &Cell| cell.matched - cell.cost;
        if target.as_ref().is_none_or(|old| gain(&cell) > gain(old)) {
            *target = Some(cell);
        }
    }

    fn outcome(self) -> Fit {
        let mut at = self.cells.len() - 1;
        let Some(end) = self.cells[at].as_ref().filter(|end| end.matched > 0.0) else {
            return Fit::default();
        };
        let (matched, score) = (end.matched, end.matched / (end.matched + end.cost));
        let mut slots = BTreeMap::new();
        while let Some(cell) = self.cells[at].as_ref().filter(|_| at > 0) {
            if let Some((name, value)) = &cell.filled {
                // The last mention counts: "ten, no, twenty minutes".
                slots.entry(name.clone()).or_insert_with(|| value.clone());
            }
            at = cell.from;
        }
        Fit { score, matched, slots }
    }
}
