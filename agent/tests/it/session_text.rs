//! Sessions without audio: runs, tools, hand-offs, tasks, stores.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use duologue_agent::chat::{ChatContent, ChatItem};
use duologue_agent::llm::{Llm, LlmEvent, LlmRequest, LlmStream, ToolCall, Usage};
use duologue_agent::store::{HistoryQuery, HistoryStore, MemoryStore, StoredMessage};
use duologue_agent::task::{AgentTask, Completion, TaskGroup};
use duologue_agent::tool::{FnTool, RunContext, Tool, ToolDefinition, ToolError, ToolOutput};
use duologue_agent::{
    Agent, AgentSession, Carry, Error, ErrorKind, Handoff, SessionConfig, SessionEvent, SimpleAgent,
    TurnDecision,
};
use duologue_eval::{Rule, Script, ScriptedLlm};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

type Run =
    Arc<dyn Fn(RunContext<()>, Value) -> futures_util::future::BoxFuture<'static, Outcome> + Send + Sync>;
type Outcome = Result<ToolOutput<()>, ToolError>;

/// A tool out of a closure.
struct Does(&'static str, Run);

fn does<F, R>(name: &'static str, run: F) -> Does
where
    F: Fn(RunContext<()>, Value) -> R + Send + Sync + 'static,
    R: Future<Output = Outcome> + Send + 'static,
{
    Does(name, Arc::new(move |context, arguments| Box::pin(run(context, arguments))))
}

#[async_trait]
impl Tool<()> for Does {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: self.0.into(),
            description: self.0.into(),
            parameters: json!({ "type": "object" }),
            effect: true,
            time_limit: Duration::from_secs(3_600),
            output_limit: 1_000,
        }
    }
    async fn call(&self, context: RunContext<()>, arguments: Value) -> Outcome {
        (self.1)(context, arguments).await
    }
}

fn text(text: &str) -> Outcome {
    Ok(ToolOutput::Text(text.into()))
}

async fn session(script: Script, agent: impl Agent) -> AgentSession {
    let session = AgentSession::builder(()).llm(ScriptedLlm::new(script)).build().unwrap();
    session.start_text(agent).await.unwrap();
    session
}

fn told(session: &AgentSession) -> Vec<String> {
    let line = |item: &ChatItem| match &item.content {
        ChatContent::Message { role, text, .. } => format!("{role:?}: {text}"),
        ChatContent::ToolCall { name, .. } => format!("call {name}"),
        ChatContent::ToolResult { name, output, .. } => format!("{name}: {output}"),
        ChatContent::Handoff { to, .. } => format!("to {to}"),
        other => format!("{other:?}"),
    };
    session.history().items().iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_not_left_out_of_the_answer() {
    let script = Script::new()
        .rule(Rule::user("*weather*").say("Let me see.").call("weather", json!({ "city": "Lublin" })))
        .rule(Rule::result_of("weather").say("It is {result}."));
    let weather = does("weather", |context, arguments| async move {
        context.session().say("Looking out of the window.").unwrap();
        text(&format!("sunny in {}", arguments["city"].as_str().unwrap()))
    });
    let session = session(script, SimpleAgent::new("You know the weather.").tool(weather)).await;
    let result = session.run("What is the weather?").await.unwrap();
    assert_eq!(result.text(), "Let me see. Looking out of the window. It is sunny in Lublin.");
    assert_eq!(
        told(&session),
        [
            "User: What is the weather?",
            "Assistant: Let me see.",
            "call weather",
            "Assistant: Looking out of the window.",
            "weather: sunny in Lublin",
            "Assistant: It is sunny in Lublin.",
        ]
    );
    session.close().await;
    session.close().await;
    assert_eq!(session.run("still there?").await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_next_agent_does_not_know_what_it_must_not() {
    let llm = ScriptedLlm::new(
        Script::new()
            .rule(Rule::user("*secret*").call("transfer", json!({})))
            .rule(Rule::any().say("I know nothing.")),
    );
    let transfer = does("transfer", |_, _| async {
        let next = SimpleAgent::new("You are new.").id("newcomer");
        Ok(ToolOutput::Handoff(Handoff::to(next).carry(Carry::Fresh)))
    });
    let session = AgentSession::builder(()).llm(llm.clone()).build().unwrap();
    session.start_text(SimpleAgent::new("You know.").tool(transfer)).await.unwrap();
    session.run("my secret is 42").await.unwrap();
    assert_eq!(session.current_agent().unwrap().id(), "newcomer");
    let request = llm.requests().pop().unwrap();
    assert_eq!(request.instructions, "You are new.");
    assert!(!format!("{:?}", request.items).contains("42"), "{:?}", request.items);
    assert!(told(&session).contains(&"User: my secret is 42".to_owned()));
}

/// Answers itself, declines, or rewrites.
struct Gate;

#[async_trait]
impl Agent for Gate {
    fn instructions(&self) -> String {
        "You echo.".into()
    }
    async fn on_user_turn(&self, _: &AgentSession, text: &mut String) -> Result<TurnDecision, Error> {
        match text.as_str() {
            "answer" => Ok(TurnDecision::Answer("I answer myself.".into())),
            "decline" => Ok(TurnDecision::Decline),
            "fail" => Err(Error::new(ErrorKind::Tool, "no idea")),
            _ => {
                text.push_str(", please");
                Ok(TurnDecision::Generate)
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_does_not_end_the_session() {
    let session = session(Script::new().rule(Rule::any().say("You said {user}.")), Gate).await;
    assert_eq!(session.run("answer").await.unwrap().text(), "I answer myself.");
    assert_eq!(session.run("decline").await.unwrap().text(), "");
    let failed = session.run("fail").await.unwrap();
    assert!(failed.events.iter().any(|event| matches!(event, SessionEvent::Error { .. })));
    assert_eq!(failed.text(), "You said fail.");
    assert_eq!(session.run("tea").await.unwrap().text(), "You said tea, please.");
}

/// Ends with what the user says.
fn ask(question: &'static str) -> impl Fn(Completion<String>) -> SimpleAgent {
    move |done| {
        let give = does("give", move |_, arguments| {
            let given = done.complete(arguments["value"].as_str().unwrap_or_default().to_owned());
            async move { text(if given { "noted" } else { "too late" }) }
        });
        SimpleAgent::new("You ask.").id(question).greeting(question).tool(give)
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_asks_the_user_does_not_block_the_conversation() {
    let script = Script::new()
        .rule(Rule::user("*table*").call("book", json!({})))
        .rule(Rule::user("my name is {name}").call("give", json!({ "value": "{name}" })))
        .rule(Rule::result_of("book").say("{result}"));
    let book = does("book", |context, _| async move {
        let name = context.session().run_task(AgentTask::new(ask("What is your name?"))).await;
        text(&format!("A table for {}.", name.unwrap()))
    });
    let session = session(script, SimpleAgent::new("You book.").id("host").tool(book)).await;
    assert_eq!(session.run("a table please").await.unwrap().text(), "What is your name?");
    assert_eq!(session.current_agent().unwrap().id(), "What is your name?");
    assert_eq!(session.run("my name is Ada").await.unwrap().text(), "A table for Ada.");
    assert_eq!(session.current_agent().unwrap().id(), "host");
}

/// A booking whose tool may take three seconds, and asks the user in the middle.
fn hasty_booking(after: Duration) -> SimpleAgent {
    let book = move |context: RunContext, _: NoArguments| async move {
        let name = context.session().run_task(AgentTask::new(ask("What is your name?"))).await?;
        tokio::time::sleep(after).await;
        Ok::<_, ToolError>(format!("A table for {name}."))
    };
    let book = FnTool::new("book", "Books a table.", book).effect().time_limit(Duration::from_secs(3));
    SimpleAgent::new("You book.").id("host").tool(book)
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct NoArguments {}

#[tokio::test(start_paused = true)]
async fn the_users_time_is_not_the_tools() {
    for (after, answer) in [(2, "A table for Ada."), (4, "`book` failed: it did not finish within 3s")] {
        let script = Script::new()
            .rule(Rule::user("*table*").call("book", json!({})))
            .rule(Rule::user("my name is {name}").call("give", json!({ "value": "{name}" })))
            .rule(Rule::result_of("book").say("{result}"));
        let session = session(script, hasty_booking(Duration::from_secs(after))).await;
        assert_eq!(session.run("a table please").await.unwrap().text(), "What is your name?");
        // The user thinks for longer than the tool may take.
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(session.run("my name is Ada").await.unwrap().text(), answer);
    }
}

/// Calls `book` in the middle of what it says; afterwards it says what came of it.
struct Talkative;

impl Llm for Talkative {
    fn name(&self) -> &str {
        "talkative"
    }
    fn stream(&self, request: LlmRequest) -> LlmStream {
        let said = |text: &str| Ok(LlmEvent::Text(text.into()));
        let call = |name: &str, arguments: &str| {
            let call = ToolCall { id: name.into(), name: name.into(), arguments: arguments.into() };
            Ok(LlmEvent::ToolCall(call))
        };
        match request.items.last().map(|item| &item.content) {
            Some(ChatContent::ToolResult { output, .. }) => stream::iter([said(output)]).boxed(),
            Some(ChatContent::Message { text, .. }) if text.contains("table") => {
                let begun = stream::iter([said("I book tables."), call("book", "{}")]);
                let rest = stream::once(async move {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    said(" I need a name for it.")
                });
                begun.chain(rest).boxed()
            }
            _ => stream::iter([call("give", r#"{"value": "Ada"}"#)]).boxed(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_is_not_talked_over_by_the_model_that_began_it() {
    let session = AgentSession::builder(()).llm(Talkative).build().unwrap();
    session.start_text(hasty_booking(Duration::ZERO)).await.unwrap();
    let asked = session.run("a table please").await.unwrap();
    assert_eq!(asked.text(), "I book tables. I need a name for it. What is your name?");
    assert_eq!(session.run("Ada").await.unwrap().text(), "A table for Ada.");
}

#[tokio::test(start_paused = true)]
async fn two_tasks_of_one_step_do_not_talk_at_the_same_time() {
    let script = Script::new()
        .rule(Rule::user("*table*").call("book", json!({})).call("order", json!({})))
        .rule(Rule::user("it is {value}").call("give", json!({ "value": "{value}" })))
        .rule(Rule::result_of("order").say("{result}"))
        .rule(Rule::result_of("book").say("{result}"));
    let asks = |name, question| {
        does(name, move |context, _| async move {
            text(&context.session().run_task(AgentTask::new(ask(question))).await.unwrap())
        })
    };
    let host = SimpleAgent::new("You serve.").id("host");
    let host = host.tool(asks("book", "Your name?")).tool(asks("order", "Your dish?"));
    let session = session(script, host).await;
    assert_eq!(session.run("a table with a dish please").await.unwrap().text(), "Your name?");
    assert_eq!(session.run("it is Ada").await.unwrap().text(), "Your dish?");
    assert_eq!(session.current_agent().unwrap().id(), "Your dish?");
    session.run("it is soup").await.unwrap();
    assert_eq!(session.current_agent().unwrap().id(), "host");
    let told = told(&session);
    assert!(told.contains(&"book: Ada".into()) && told.contains(&"order: soup".into()), "{told:#?}");
}

/// Calls `look`, and is done a minute later.
struct Slow;

impl Llm for Slow {
    fn name(&self) -> &str {
        "slow"
    }
    fn stream(&self, request: LlmRequest) -> LlmStream {
        let answered =
            matches!(request.items.last().map(|item| &item.content), Some(ChatContent::ToolResult { .. }));
        if answered {
            return stream::iter([Ok(LlmEvent::Text("Seen.".into()))]).boxed();
        }
        let (id, name, arguments) = ("1".into(), "look".into(), "{}".into());
        let call = stream::iter([Ok(LlmEvent::ToolCall(ToolCall { id, name, arguments }))]);
        let rest = stream::once(async {
            // Within the limit between two tokens.
            tokio::time::sleep(Duration::from_secs(5)).await;
            Ok(LlmEvent::Usage(Usage::default()))
        });
        call.chain(rest).boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_wait_for_the_end_of_the_answer() {
    let begun = Arc::new(Mutex::new(None));
    let (asked, told) = (tokio::time::Instant::now(), Arc::clone(&begun));
    let look = move |_: RunContext, _: NoArguments| {
        *told.lock().unwrap() = Some(asked.elapsed());
        async { "It is there." }
    };
    let agent = SimpleAgent::new("You look.").tool(FnTool::new("look", "Looks.", look));
    let session = AgentSession::builder(()).llm(Slow).build().unwrap();
    session.start_text(agent).await.unwrap();
    assert_eq!(session.run("look").await.unwrap().text(), "Seen.");
    assert!(asked.elapsed() >= Duration::from_secs(5), "the answer was not waited for");
    let begun = begun.lock().unwrap().expect("it was called");
    assert!(begun < Duration::from_secs(1), "it began after {begun:?}");
}

#[tokio::test(start_paused = true)]
async fn a_group_can_go_back() {
    let script = Script::new()
        .rule(Rule::user("*begin*").call("intake", json!({})))
        .rule(Rule::user("change my name").call("revisit_task", json!({ "task": "name" })))
        .rule(Rule::user("it is {value}").call("give", json!({ "value": "{value}" })))
        .rule(Rule::result_of("intake").say("{result}"));
    let intake = does("intake", |context, _| async move {
        let group = TaskGroup::new().task("name", "Asks for the name", ask("Your name?")).task(
            "town",
            "Asks for the town",
            ask("Your town?"),
        );
        let results = context.session().run_task_group(group).await.unwrap();
        let get = |name: &str| results.get::<String>(name).unwrap();
        text(&format!("{} of {}.", get("name"), get("town")))
    });
    let session = session(script, SimpleAgent::new("You take in.").tool(intake)).await;
    assert_eq!(session.run("let us begin").await.unwrap().text(), "Your name?");
    assert_eq!(session.run("it is Ida").await.unwrap().text(), "Your town?");
    assert_eq!(session.run("change my name").await.unwrap().text(), "Your name?");
    assert_eq!(session.run("it is Ada").await.unwrap().text(), "Your town?");
    assert_eq!(session.run("it is Lublin").await.unwrap().text(), "Ada of Lublin.");
}

#[derive(Clone, Default)]
struct Shelf {
    kept: Arc<Mutex<Vec<StoredMessage>>>,
    failing: Arc<AtomicUsize>,
}

impl HistoryStore for Shelf {
    fn append(&self, _: &str, message: &StoredMessage) -> Result<(), Error> {
        if self.failing.load(Ordering::SeqCst) > 0 {
            return Err(Error::new(ErrorKind::Store, "the disk is full"));
        }
        self.kept.lock().unwrap().push(message.clone());
        Ok(())
    }
    fn chat_history(&self, _: &str, _: HistoryQuery) -> Result<Vec<StoredMessage>, Error> {
        Ok(self.kept.lock().unwrap().clone())
    }
    fn list_sessions(&self, _: usize) -> Result<Vec<duologue_agent::store::SessionSummary>, Error> {
        Ok(Vec::new())
    }
    fn delete_session(&self, _: &str) -> Result<bool, Error> {
        Ok(false)
    }
    fn has_history(&self, _: &str) -> Result<bool, Error> {
        Ok(!self.kept.lock().unwrap().is_empty())
    }
}

#[tokio::test]
async fn a_session_that_is_resumed_knows_what_was_said() {
    let shelf = Shelf::default();
    let config = SessionConfig { session_id: "ada".into(), ..SessionConfig::default() };
    let script = Script::new().rule(Rule::any().say("Number {turn}."));
    for turn in 1..=2 {
        let session = AgentSession::builder(())
            .llm(ScriptedLlm::new(script.clone()))
            .store(shelf.clone())
            .config(config.clone())
            .build()
            .unwrap();
        session.start_text(SimpleAgent::new("You count.")).await.unwrap();
        assert_eq!(session.run("next").await.unwrap().text(), format!("Number {turn}."));
        session.close().await;
        assert_eq!(session.history().items().len(), 2 * turn);
    }
}

#[tokio::test]
async fn a_history_that_is_asked_for_does_not_miss_what_was_just_said() {
    for stored in [true, false] {
        let script = Script::new()
            .rule(Rule::user("*weather*").call("weather", json!({})))
            .rule(Rule::result_of("weather").say("It is {result}."));
        let agent = SimpleAgent::new("You know.").tool(does("weather", |_, _| async { text("sunny") }));
        let builder = AgentSession::builder(()).llm(ScriptedLlm::new(script));
        let builder = if stored { builder.store(MemoryStore::new()) } else { builder };
        let session = builder.build().unwrap();
        session.start_text(agent).await.unwrap();
        assert!(!session.has_history());
        session.run("What is the weather?").await.unwrap();
        assert!(session.has_history());
        let types = |messages: Vec<StoredMessage>| -> Vec<String> {
            messages.into_iter().map(|message| message.message_type).collect()
        };
        let said = session.get_chat_history(false, 100).await.unwrap();
        assert_eq!(said[1].content, "It is sunny.");
        assert_eq!(types(said), ["user_text", "agent_text"], "stored: {stored}");
        let all = session.get_chat_history(true, 500).await.unwrap();
        assert_eq!(types(all), ["user_text", "tool_call", "tool_result", "agent_text"], "stored: {stored}");
        assert_eq!(types(session.get_chat_history(false, 1).await.unwrap()), ["agent_text"]);
        for limit in [0, 501] {
            let error = session.get_chat_history(false, limit).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_does_not_stop_the_conversation() {
    let shelf = Shelf::default();
    shelf.failing.store(1, Ordering::SeqCst);
    let llm = ScriptedLlm::new(Script::new().rule(Rule::any().say("Still here.")));
    let session = AgentSession::builder(()).llm(llm).store(shelf).build().unwrap();
    let mut events = session.events();
    session.start_text(SimpleAgent::new("You talk.")).await.unwrap();
    assert_eq!(session.run("hello").await.unwrap().text(), "Still here.");
    session.close().await;
    let mut failures = 0;
    while let Some(event) = events.next().await {
        failures += usize::from(matches!(event, SessionEvent::Error { kind: ErrorKind::Store, .. }));
    }
    assert_eq!(failures, 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_agent_does_not_end_the_session() {
    struct Nervous;
    #[async_trait]
    impl Agent for Nervous {
        fn instructions(&self) -> String {
            "You tremble.".into()
        }
        async fn on_user_turn(&self, _: &AgentSession, text: &mut String) -> Result<TurnDecision, Error> {
            assert_ne!(text, "boo");
            Ok(TurnDecision::Generate)
        }
    }
    let session = session(Script::new().rule(Rule::any().say("Phew.")), Nervous).await;
    let frightened = session.run("boo").await.unwrap();
    assert!(frightened.events.iter().any(|event| matches!(event, SessionEvent::Error { .. })));
    assert_eq!(session.run("it is only me").await.unwrap().text(), "Phew.");
}
