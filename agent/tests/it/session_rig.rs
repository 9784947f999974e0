//! A whole session in simulated time, with a recogniser, a voice and a room that cost nothing: the
//! n-th thing the caller says is the n-th line, a word for each quarter of a second of sound.
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::tool::{RunContext, Tool, ToolDefinition, ToolError, ToolOutput};
use duologue_agent::{Agent, AgentSession, Handoff, SessionConfig, SessionEvent, SessionEvents, SimpleAgent};
use duologue_eval::SimulatedSession;
use duologue_eval::{Rule, Script, ScriptedLlm};
use duologue_models::{Cancel, Error, SpeakOptions, Speech, Stt, SttStream, Transcript, Tts, WordMark};
use duologue_pipeline::conversation::{AgentTurn, Event};
use duologue_pipeline::endpoint::{Exchange, Flow, Rates};
use duologue_pipeline::{Builder, Events, PipelineConfig};
use duologue_vad::Vad;
use serde_json::{Value, json};

pub const RATE: u32 = 16_000;
/// One word each.
const WORD: usize = 4_000;

pub struct Level;

impl Vad for Level {
    fn frame_len(&self) -> usize {
        512
    }
    fn predict(&mut self, frame: &[f32]) -> Result<f32, duologue_vad::Error> {
        Ok(f32::from(u8::from(frame.iter().any(|s| s.abs() > 0.1))))
    }
    fn reset(&mut self) {}
}

/// What the caller says, in order.
pub type Lines = Arc<Mutex<VecDeque<String>>>;

pub struct Listener(pub Lines);

struct Hearing {
    lines: Lines,
    line: Vec<String>,
    loud: usize,
}

impl Stt for Listener {
    fn stream(&self) -> Result<Box<dyn SttStream>, Error> {
        Ok(Box::new(Hearing { lines: Arc::clone(&self.0), line: Vec::new(), loud: 0 }))
    }
    fn name(&self) -> &str {
        "listener"
    }
}

impl SttStream for Hearing {
    fn push(&mut self, samples: &[f32]) -> Result<(), Error> {
        let loud = samples.iter().filter(|s| s.abs() > 0.1).count();
        if self.loud == 0 && loud > 0 {
            let line = self.lines.lock().unwrap().pop_front().unwrap_or_else(|| "and again".into());
            self.line = line.split_whitespace().map(str::to_owned).collect();
        }
        self.loud += loud;
        Ok(())
    }
    fn partial(&self) -> Transcript {
        let words = self.loud.div_ceil(WORD).min(self.line.len());
        Transcript { text: self.line[..words].join(" "), ..Transcript::default() }
    }
    fn finish(&mut self) -> Result<Transcript, Error> {
        Ok(self.partial())
    }
    fn reset(&mut self) {
        (self.loud, self.line) = (0, Vec::new());
    }
}

/// Speaks each word as a quarter of a second of sound.
pub struct Voice {
    voices: Vec<String>,
    /// Texts with the voice that spoke them.
    pub spoken: Arc<Mutex<Vec<(String, String)>>>,
}

impl Voice {
    pub fn new(spoken: Arc<Mutex<Vec<(String, String)>>>) -> Self {
        Self { voices: vec!["one".into(), "two".into()], spoken }
    }
}

impl Tts for Voice {
    fn sample_rate(&self) -> u32 {
        RATE
    }
    fn voices(&self) -> &[String] {
        &self.voices
    }
    fn name(&self) -> &str {
        "voice"
    }
    fn speak(&self, text: &str, options: &SpeakOptions, _: &Cancel) -> Result<Speech, Error> {
        self.spoken.lock().unwrap().push((options.voice.clone(), text.to_owned()));
        let mut speech = Speech::default();
        for word in text.split_whitespace() {
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            let at = speech.samples.len();
            speech.samples.extend(std::iter::repeat_n(0.3, WORD - 400));
            speech.samples.extend(std::iter::repeat_n(0.0, 400));
            speech.marks.push(WordMark { source: start..start + word.len(), samples: at..at + WORD - 400 });
        }
        Ok(speech)
    }
}

/// A room without echo: the caller sounds when told to.
pub struct Room {
    /// First sample and length of what the caller says.
    pub calls: Vec<(u64, u64)>,
    pub at: u64,
    pub audible: bool,
}

impl Exchange for Room {
    fn rates(&self) -> Rates {
        Rates { capture: RATE, playback: RATE }
    }
    fn exchange(&mut self, played: &[f32], captured: &mut [f32]) -> Result<Flow, duologue_pipeline::Error> {
        self.audible = played.iter().any(|s| s.abs() > 0.001);
        for sample in captured.iter_mut() {
            let sounds = self.calls.iter().any(|(from, length)| (*from..from + length).contains(&self.at));
            *sample = match sounds {
                true if self.at.is_multiple_of(2) => 0.5,
                true => -0.5,
                false => 0.0,
            };
            self.at += 1;
        }
        Ok(Flow::Continue)
    }
}

/// A tool that takes a while, and tells how often it began and ended.
#[derive(Clone)]
pub struct Work {
    pub name: &'static str,
    pub effect: bool,
    pub takes: Duration,
    pub begun: Arc<AtomicUsize>,
    pub ended: Arc<AtomicUsize>,
}

impl Work {
    pub fn new(name: &'static str, effect: bool, ms: u64) -> Self {
        let takes = Duration::from_millis(ms);
        Self { name, effect, takes, begun: Arc::default(), ended: Arc::default() }
    }
}

pub fn definition(name: &str, effect: bool) -> ToolDefinition {
    ToolDefinition {
        name: name.into(),
        description: name.into(),
        parameters: json!({ "type": "object", "properties": {} }),
        effect,
        time_limit: Duration::from_secs(60),
        output_limit: 4_096,
    }
}

#[async_trait]
impl Tool<()> for Work {
    fn definition(&self) -> ToolDefinition {
        definition(self.name, self.effect)
    }
    async fn call(&self, _: RunContext<()>, _: Value) -> Result<ToolOutput<()>, ToolError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        self.ended.fetch_add(1, Ordering::SeqCst);
        Ok(ToolOutput::Text(format!("{} is done", self.name)))
    }
}

/// A tool that hands over to an agent that greets.
pub struct HandOver;

#[async_trait]
impl Tool<()> for HandOver {
    fn definition(&self) -> ToolDefinition {
        definition("transfer", false)
    }
    async fn call(&self, _: RunContext<()>, _: Value) -> Result<ToolOutput<()>, ToolError> {
        tokio::time::sleep(Duration::from_millis(80)).await;
        Ok(ToolOutput::Handoff(Handoff::to(billing()).message("transferring")))
    }
}

pub fn billing() -> impl Agent {
    SimpleAgent::new("You bill.").id("billing").greeting("Billing here, how can I help you today?")
}

/// Tells stories; counts (an effect); looks (none); transfers.
pub fn script() -> Script {
    Script::new()
        .pace(Duration::from_millis(180), 25.0)
        .rule(Rule::user("*count*").say("Let me count that for you.").call("count", json!({})))
        .rule(Rule::user("*look*").say("Let me look that up.").call("look", json!({})))
        .rule(Rule::user("*transfer*").say("I will transfer you.").call("transfer", json!({})))
        .rule(Rule::result_of("count").say("It has been counted, and that is that."))
        .rule(Rule::result_of("look").say("I have looked, and it is as you say."))
        .rule(
            Rule::any().say("This is a rather long answer. It has two sentences, or even three. Yes, three."),
        )
}

pub struct Rig {
    pub told: SimulatedSession<Room>,
    pub events: Events,
    pub session_events: SessionEvents,
    pub count: Work,
    pub look: Work,
    pub spoken: Arc<Mutex<Vec<(String, String)>>>,
    pub heard: Vec<AgentTurn>,
    pub user_turns: Vec<String>,
    pub seen: Vec<SessionEvent>,
}

pub fn config() -> SessionConfig {
    SessionConfig::default()
}

impl Rig {
    /// The caller says `calls`: when (ms), how long (ms), what.
    pub fn new(calls: &[(u64, u64, &str)]) -> Self {
        Self::with(calls, ScriptedLlm::new(script()), config())
    }

    pub fn with(calls: &[(u64, u64, &str)], llm: ScriptedLlm, config: SessionConfig) -> Self {
        let (count, look) = (Work::new("count", true, 700), Work::new("look", false, 700));
        let agent =
            SimpleAgent::new("You talk.").id("talker").tool(count.clone()).tool(look.clone()).tool(HandOver);
        let rig = Self::of(calls, llm, config, agent);
        Self { count, look, ..rig }
    }

    pub fn of(
        calls: &[(u64, u64, &str)],
        llm: ScriptedLlm,
        config: SessionConfig,
        agent: impl Agent,
    ) -> Self {
        let lines: Lines = Arc::new(Mutex::new(calls.iter().map(|call| call.2.to_owned()).collect()));
        let per_ms = u64::from(RATE) / 1_000;
        let calls = calls.iter().map(|(at, length, _)| (at * per_ms, length * per_ms)).collect();
        let spoken = Arc::default();
        let voice = Voice::new(Arc::clone(&spoken));
        let mut settings = PipelineConfig::default();
        settings.ear.echo.enabled = false;
        let pipeline =
            Builder::new(Arc::new(Listener(lines)), Arc::new(voice), Box::new(Level)).config(settings);
        let session = AgentSession::builder(()).llm(llm).config(config).build().unwrap();
        let session_events = session.events();
        let room = Room { calls, at: 0, audible: false };
        let mut told = SimulatedSession::start(session, agent, pipeline, room).unwrap();
        let events = told.simulation().events();
        let (count, look) = (Work::new("count", true, 0), Work::new("look", false, 0));
        Self {
            told,
            events,
            session_events,
            count,
            look,
            spoken,
            heard: Vec::new(),
            user_turns: Vec::new(),
            seen: Vec::new(),
        }
    }

    pub fn session(&self) -> AgentSession {
        self.told.session().clone()
    }

    pub fn run_ms(&mut self, ms: u64) {
        for _ in 0..ms / 10 {
            self.step();
        }
    }

    pub fn step(&mut self) {
        self.told.step().unwrap();
        while let Some(stamped) = self.events.try_next() {
            match stamped.event {
                Event::AgentTurn(turn) => self.heard.push(turn),
                Event::UserTurn { text, .. } => self.user_turns.push(text),
                _ => {}
            }
        }
        while let Some(event) = self.session_events.try_next() {
            self.seen.push(event);
        }
    }

    /// Steps until `done`; fails after two minutes.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        for _ in 0..12_000 {
            self.step();
            if done(self) {
                return;
            }
        }
        panic!("{what} did not come to pass: {:#?}", self.told_history());
    }

    pub fn history(&self) -> Vec<ChatItem> {
        self.told.session().history().items().to_vec()
    }

    /// The history, a line each.
    pub fn told_history(&self) -> Vec<String> {
        self.history().iter().map(line).collect()
    }

    pub fn is_audible(&mut self) -> bool {
        self.told.simulation().exchange().audible
    }

    /// What must hold of every conversation that has come to rest.
    pub fn check(&mut self) {
        let told = self.told_history();
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let heard: Vec<String> = self.heard.iter().flat_map(|turn| words(&turn.heard)).collect();
        let history = self.history();
        let said: Vec<String> = history.iter().filter_map(ChatItem::spoken).flat_map(words).collect();
        assert_eq!(sorted(&said), sorted(&heard), "history is not what was heard: {told:#?}");
        let asked: Vec<&str> = history
            .iter()
            .filter_map(|item| match &item.content {
                ChatContent::Message { role: Role::User, text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(asked, self.user_turns, "a user turn is lost or out of order: {told:#?}");
        let mut calls = Vec::new();
        for item in &history {
            match &item.content {
                ChatContent::ToolCall { call_id, .. } => calls.push(call_id.clone()),
                ChatContent::ToolResult { call_id, .. } => {
                    let at = calls.iter().position(|known| known == call_id);
                    calls.remove(at.unwrap_or_else(|| panic!("a result without a call: {told:#?}")));
                }
                _ => {}
            }
        }
        assert!(calls.is_empty(), "calls without a result: {told:#?}");
        let counted = history
            .iter()
            .filter(|item| {
                matches!(&item.content, ChatContent::ToolResult { name, output, .. }
                if name == "count" && output == "count is done")
            })
            .count();
        let (begun, ended) =
            (self.count.begun.load(Ordering::SeqCst), self.count.ended.load(Ordering::SeqCst));
        assert_eq!((begun, ended), (counted, counted), "an effect is not what history says: {told:#?}");
    }

    /// Closes the session; nothing may sound afterwards.
    pub fn close(&mut self) {
        self.told.close().unwrap();
        self.run_ms(50);
        for _ in 0..200 {
            self.step();
            assert!(!self.is_audible(), "it speaks after it was closed");
        }
        while let Some(stamped) = self.events.try_next() {
            if let Event::AgentTurn(turn) = stamped.event {
                self.heard.push(turn);
            }
        }
    }
}

fn sorted(words: &[String]) -> Vec<&String> {
    let mut words: Vec<&String> = words.iter().collect();
    words.sort();
    words
}

pub fn line(item: &ChatItem) -> String {
    match &item.content {
        ChatContent::Message { role, text, interrupted } => {
            format!("{role:?}: {text}{}", if *interrupted { " …" } else { "" })
        }
        ChatContent::ToolCall { name, .. } => format!("call {name}"),
        ChatContent::ToolResult { name, output, .. } => format!("{name}: {output}"),
        ChatContent::Handoff { to, .. } => format!("to {to}"),
        other => format!("{other:?}"),
    }
}
