//! Patterns: their notation, and the graph that utterances are compared with.
//!
//! | notation | means |
//! |---|---|
//! | `turn on` | these words |
//! | `[please]` | words that may be missing |
//! | `(on\|off)` | one of these |
//! | `light[s]` | a word with or without an ending |
//! | `{room}`, `{length:duration}` | a slot, by name and type |
//!
//! Invariant: a graph's edges lead from lower to higher states, its last state is its end, and every
//! way through it meets a word or a slot.

use super::words::words;

/// Most characters of a pattern, states of its graph, and brackets in brackets.
const MAX_LENGTH: usize = 1000;
const MAX_STATES: usize = 500;
const MAX_DEPTH: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Word(String),
    /// Name and type; without a type, the type has the slot's name.
    Slot(String, Option<String>),
    All(Vec<Node>),
    OneOf(Vec<Node>),
    Maybe(Box<Node>),
}

/// What stands on an edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Nothing,
    Word(String),
    Slot(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub to: usize,
    pub label: Label,
}

/// Edges by the state that they leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Graph {
    pub states: Vec<Vec<Edge>>,
}

/// A pattern, or what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Node, String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("is longer than {MAX_LENGTH} characters; split it into several"));
    }
    let mut parser = Parser { rest: text, depth: 0 };
    let node = parser.choice()?;
    if let Some(c) = parser.rest.chars().next() {
        return Err(format!("has a {c} without its partner; remove it"));
    }
    if may_be_empty(&node) {
        return Err("fits silence; let at least one word or slot stand outside of [ ]".into());
    }
    Ok(node)
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    /// Sequences parted by `|`, up to a closing bracket or the end.
    fn choice(&mut self) -> Result<Node, String> {
        let mut ways = vec![self.sequence()?];
        while self.rest.starts_with('|') {
            self.rest = &self.rest[1..];
            ways.push(self.sequence()?);
        }
        Ok(if ways.len() == 1 { ways.remove(0) } else { Node::OneOf(ways) })
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let mut nodes = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.chars().next() {
                None | Some('|' | ')' | ']') => return Ok(Node::All(nodes)),
                Some('(') => nodes.push(self.bracketed(')')?),
                Some('[') => nodes.push(Node::Maybe(Box::new(self.bracketed(']')?))),
                Some('{') => nodes.push(self.slot()?),
                Some('}') => return Err("has a } without {; remove it".into()),
                Some(_) => nodes.push(self.word()?),
            }
        }
    }

    fn bracketed(&mut self, close: char) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("has more than {MAX_DEPTH} brackets in each other; write several patterns"));
        }
        self.rest = &self.rest[1..];
        let node = self.choice()?;
        self.rest = self.rest.strip_prefix(close).ok_or_else(|| format!("lacks a {close}; add it"))?;
        self.depth -= 1;
        Ok(node)
    }

    fn slot(&mut self) -> Result<Node, String> {
        let end = self.rest.find('}').ok_or("lacks a }; add it")?;
        let inside = &self.rest[1..end];
        self.rest = &self.rest[end + 1..];
        let (name, kind) = match inside.split_once(':') {
            Some((name, kind)) => (name.trim(), Some(kind.trim())),
            None => (inside.trim(), None),
        };
        let is_name =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name(name) || !kind.is_none_or(is_name) {
            return Err(format!(
                "has a slot {{{inside}}}; write {{name}} or {{name:type}}, in letters, digits and _"
            ));
        }
        Ok(Node::Slot(name.to_owned(), kind.map(str::to_owned)))
    }

    fn word(&mut self) -> Result<Node, String> {
        let end =
            self.rest.find(|c: char| c.is_whitespace() || "()[]{}|".contains(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        let plain = sequence_of(word);
        let Some(inside) = self.rest.strip_prefix('[') else { return Ok(plain) };
        let ending = inside.split(']').next().unwrap_or_default();
        if ending.is_empty() || !ending.chars().all(char::is_alphanumeric) {
            return Err(format!(
                "has {word}[…; an ending is letters, like light[s]: else put a blank before ["
            ));
        }
        self.rest = inside[ending.len()..].strip_prefix(']').ok_or("lacks a ]; add it")?;
        Ok(Node::OneOf(vec![plain, sequence_of(&format!("{word}{ending}"))]))
    }
}

fn sequence_of(word: &str) -> Node {
    let mut nodes: Vec<Node> = words(word).into_iter().map(Node::Word).collect();
    if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) }
}

fn may_be_empty(node: &Node) -> bool {
    match node {
        Node::Word(_) | Node::Slot(..) => false,
        Node::All(nodes) => nodes.iter().all(may_be_empty),
        Node::OneOf(ways) => ways.iter().any(may_be_empty),
        Node::Maybe(_) => true,
    }
}

impl Node {
    /// Calls `visit` for every word and slot.
    pub(super) fn each(&self, visit: &mut dyn FnMut(&Node)) {
        match self {
            Self::Word(_) | Self::Slot(..) => visit(self),
            Self::All(nodes) | Self::OneOf(nodes) => nodes.iter().for_each(|node| node.each(visit)),
            Self::Maybe(node) => node.each(visit),
        }
    }

    /// Its graph, or what is wrong with it.
    pub(super) fn graph(&self) -> Result<Graph, String> {
        let mut graph = Graph { states: vec![Vec::new()] };
        graph.add(self, 0);
        if graph.states.len() > MAX_STATES {
            return Err("is too large; split it into several".into());
        }
        Ok(graph)
    }
}

impl Graph {
    fn edge(&mut self, from: usize, label: Label) -> usize {
        let to = self.states.len();
        self.states.push(Vec::new());
        self.states[from].push(Edge { to, label });
        to
    }

    /// Adds `node` behind the state `from`; returns the state behind it.
    fn add(&mut self, node: &Node, from: usize) -> usize {
        match node {
            Node::Word(word) => self.edge(from, Label::Word(word.clone())),
            Node::Slot(name, _) => self.edge(from, Label::Slot(name.clone())),
            Node::All(nodes) => nodes.iter().fold(from, |from, node| self.add(node, from)),
            Node::OneOf(ways) => {
                let ends: Vec<usize> = ways.iter().map(|way| self.add(way, from)).collect();
                self.join(&ends)
            }
            Node::Maybe(node) => {
                let end = self.add(node, from);
                self.join(&[from, end])
            }
        }
    }

    fn join(&mut self, ends: &[usize]) -> usize {
        let to = self.states.len();
        self.states.push(Vec::new());
        for &end in ends {
            self.states[end].push(Edge { to, label: Label::Nothing });
        }
        to
    }
}
