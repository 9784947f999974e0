//! Several tasks in a row, each of which the user may come back to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{AgentTask, Completion};
use crate::agent::{Agent, AudioStream, Overrides, TextStream, TranscriptStream, TurnDecision};
use crate::message::DataMessage;
use crate::session::{AgentSession, Participant, Recogniser};
use crate::tool::{
    DEFAULT_OUTPUT_LIMIT, DEFAULT_TIME_LIMIT, RunContext, Tool, ToolDefinition, ToolError, ToolOutput,
    Toolset,
};
use crate::{Error, ErrorKind};

/// Name of the tool by which the model goes back.
const REVISIT: &str = "revisit_task";
/// How many tasks one group may run in all, with those gone back to.
const MAX_RUNS: usize = 64;

type Make<U> = Box<dyn Fn(Completion<Value>) -> Arc<dyn Agent<U>> + Send + Sync>;

struct Entry<U: Send + Sync + 'static> {
    name: String,
    description: String,
    make: Make<U>,
}

/// Tasks in a row. From the second on the model has a tool, `revisit_task`, to go back to an earlier
/// one when the user wants to change what they said; the group then goes on where it was.
///
/// ```
/// use duologue_agent::SimpleAgent;
/// use duologue_agent::task::{Completion, TaskGroup};
///
/// let group: TaskGroup = TaskGroup::new()
///     .task("name", "Asks for the name", |_: Completion<String>| SimpleAgent::new("Ask for the name."))
///     .task("age", "Asks for the age", |_: Completion<u8>| SimpleAgent::new("Ask for the age."));
/// assert_eq!(group.names(), ["name", "age"]);
/// ```
pub struct TaskGroup<U: Send + Sync + 'static = ()> {
    entries: Vec<Entry<U>>,
}

/// What the tasks of a group found out, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskResults(BTreeMap<String, Value>);

impl TaskResults {
    /// What the task `name` found out.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if there was no such task, or its result is no `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let value = self.0.get(name).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, format!("there was no task `{name}` in the group"))
        })?;
        serde_json::from_value(value.clone()).map_err(|error| {
            Error::new(ErrorKind::Invalid, format!("the result of `{name}` is of another type: {error}"))
        })
    }
}

impl<U: Send + Sync + 'static> Default for TaskGroup<U> {
    fn default() -> Self {
        Self::new()
    }
}

impl<U: Send + Sync + 'static> TaskGroup<U> {
    /// No tasks.
    pub fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// One more task; `agent` is called again if the user comes back to it. `description` tells the
    /// model what it is about.
    #[must_use]
    pub fn task<T: Serialize + 'static, A: Agent<U>>(
        mut self,
        name: impl Into<String>,
        description: impl Into<String>,
        agent: impl Fn(Completion<T>) -> A + Send + Sync + 'static,
    ) -> Self {
        let make = Box::new(move |done: Completion<Value>| -> Arc<dyn Agent<U>> {
            Arc::new(agent(Completion::new(move |result: Result<T, Error>| {
                (done.deliver)(result.and_then(|value| {
                    serde_json::to_value(value).map_err(|error| {
                        Error::new(ErrorKind::Invalid, format!("the task's result is not JSON: {error}"))
                    })
                }))
            })))
        });
        self.entries.push(Entry { name: name.into(), description: description.into(), make });
        self
    }

    /// The tasks' names, in order.
    pub fn names(&self) -> Vec<&str> {
        self.entries.iter().map(|entry| entry.name.as_str()).collect()
    }
}

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// Runs the tasks of `group` in order; the agent before comes back afterwards.
    ///
    /// # Errors
    /// As [`AgentSession::run_task`]; the first task that fails ends the group.
    pub async fn run_task_group(&self, group: TaskGroup<U>) -> Result<TaskResults, Error> {
        let mut results = BTreeMap::new();
        for _ in 0..MAX_RUNS {
            let next = group.entries.iter().position(|entry| !results.contains_key(&entry.name));
            let Some(next) = next else { return Ok(TaskResults(results)) };
            let (entry, earlier) = (&group.entries[next], &group.entries[..next]);
            let back: Arc<Mutex<Option<String>>> = Arc::default();
            let task = AgentTask::of_shared(|done: Completion<Value>| {
                let agent = (entry.make)(done.clone());
                let revisit = Revisit {
                    tasks: earlier.iter().map(|e| (e.name.clone(), e.description.clone())).collect(),
                    back: Arc::clone(&back),
                    done,
                };
                match earlier.is_empty() {
                    true => agent,
                    false => Arc::new(Extended { agent, extra: Toolset::new().with(revisit) }),
                }
            });
            let value = self.run_task(task).await?;
            let back = back.lock().unwrap_or_else(PoisonError::into_inner).take();
            match back {
                Some(name) => drop(results.remove(&name)),
                None => drop(results.insert(entry.name.clone(), value)),
            }
        }
        let message = format!("the tasks were gone back to {MAX_RUNS} times; the group was given up");
        Err(Error::new(ErrorKind::Tool, message))
    }
}

struct Revisit {
    tasks: Vec<(String, String)>,
    back: Arc<Mutex<Option<String>>>,
    done: Completion<Value>,
}

#[async_trait]
impl<U: Send + Sync + 'static> Tool<U> for Revisit {
    fn definition(&self) -> ToolDefinition {
        let names: Vec<&str> = self.tasks.iter().map(|(name, _)| name.as_str()).collect();
        let list: Vec<String> = self.tasks.iter().map(|(name, what)| format!("{name}: {what}")).collect();
        ToolDefinition {
            name: REVISIT.into(),
            description: format!(
                "Goes back to an earlier task when the user wants to change what they said there. {}",
                list.join("; ")
            ),
            parameters: json!({
                "type": "object",
                "properties": { "task": { "type": "string", "enum": names } },
                "required": ["task"],
                "additionalProperties": false,
            }),
            effect: true,
            time_limit: DEFAULT_TIME_LIMIT,
            output_limit: DEFAULT_OUTPUT_LIMIT,
        }
    }

    async fn call(&self, _: RunContext<U>, arguments: Value) -> Result<ToolOutput<U>, ToolError> {
        let wanted = arguments["task"].as_str().unwrap_or_default();
        if !self.tasks.iter().any(|(name, _)| name == wanted) {
            return Err(ToolError::new(format!("there is no earlier task `{wanted}`")));
        }
        *self.back.lock().unwrap_or_else(PoisonError::into_inner) = Some(wanted.to_owned());
        self.done.complete(Value::Null);
        Ok(ToolOutput::Text(format!("going back to {wanted}")))
    }
}

/// An agent with more tools.
struct Extended<U: Send + Sync + 'static> {
    agent: Arc<dyn Agent<U>>,
    extra: Toolset<U>,
}

#[async_trait]
impl<U: Send + Sync + 'static> Agent<U> for Extended<U> {
    fn instructions(&self) -> String {
        self.agent.instructions()
    }

    fn id(&self) -> String {
        self.agent.id()
    }

    fn tools(&self) -> Toolset<U> {
        let mut tools = self.agent.tools();
        for definition in self.extra.definitions() {
            self.extra.get(&definition.name).into_iter().for_each(|tool| tools.add_shared(tool));
        }
        tools
    }

    fn overrides(&self) -> Overrides {
        self.agent.overrides()
    }

    async fn on_enter(&self, session: &AgentSession<U>) -> Result<(), Error> {
        self.agent.on_enter(session).await
    }

    async fn on_exit(&self, session: &AgentSession<U>) -> Result<(), Error> {
        self.agent.on_exit(session).await
    }

    async fn on_user_turn(
        &self,
        session: &AgentSession<U>,
        text: &mut String,
    ) -> Result<TurnDecision, Error> {
        self.agent.on_user_turn(session, text).await
    }

    async fn on_transcript(&self, session: &AgentSession<U>, text: &str, is_final: bool) {
        self.agent.on_transcript(session, text, is_final).await;
    }

    async fn on_overheard(
        &self,
        session: &AgentSession<U>,
        speaker: &Participant,
        text: &str,
        is_final: bool,
    ) {
        self.agent.on_overheard(session, speaker, text, is_final).await;
    }

    async fn on_data_message(&self, session: &AgentSession<U>, message: &DataMessage) -> Result<(), Error> {
        self.agent.on_data_message(session, message).await
    }

    async fn on_participant_joined(&self, session: &AgentSession<U>, participant: &Participant) {
        self.agent.on_participant_joined(session, participant).await;
    }

    async fn on_participant_left(&self, session: &AgentSession<U>, participant: &Participant) {
        self.agent.on_participant_left(session, participant).await;
    }

    fn stt_node(&self, audio: AudioStream, recogniser: Recogniser) -> TranscriptStream {
        self.agent.stt_node(audio, recogniser)
    }

    fn llm_node(&self, text: TextStream) -> TextStream {
        self.agent.llm_node(text)
    }

    fn tts_node(&self, text: TextStream) -> TextStream {
        self.agent.tts_node(text)
    }

    fn transcription_node(&self, text: TextStream) -> TextStream {
        self.agent.transcription_node(text)
    }
}
