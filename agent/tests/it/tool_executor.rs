//! A step's calls: whatever the model asks and the tools do, one outcome each, and the session goes
//! on. In simulated time, but where a tool blocks its thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use duologue_agent::llm::ToolCall;
use duologue_agent::tool::{
    CommitGate, Executor, FnTool, RunContext, Step, ToolError, ToolEvent, ToolOutcome, ToolReply, ToolStatus,
    Toolset,
};
use duologue_agent::{AgentSession, Handoff, SimpleAgent};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A conversation's worth of what an executor needs.
struct Bench {
    executor: Executor,
    events: Arc<Mutex<Vec<ToolEvent>>>,
    session: AgentSession<()>,
    tools: Toolset<()>,
    gate: CommitGate,
    cancelled: CancellationToken,
}

impl Bench {
    fn new(tools: impl IntoIterator<Item = FnTool<()>>) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&events);
        Self {
            executor: Executor::new().on_event(move |event| sink.lock().unwrap().push(event)),
            events,
            session: AgentSession::new(()),
            tools: tools.into_iter().fold(Toolset::new(), Toolset::with),
            gate: CommitGate::open(),
            cancelled: CancellationToken::new(),
        }
    }

    async fn run(&self, calls: &[(&str, &str, &str)]) -> Vec<ToolOutcome<()>> {
        let Self { session, tools, gate, cancelled, .. } = self;
        let calls = calls.iter().map(|(id, name, arguments)| call(id, name, arguments)).collect();
        self.executor.run(Step { session, tools, gate, cancelled }, calls).await
    }

    async fn one(&self, id: &str, name: &str, arguments: &str) -> ToolReply<()> {
        let mut outcomes = self.run(&[(id, name, arguments)]).await;
        assert_eq!(outcomes.len(), 1);
        outcomes.remove(0).reply
    }

    fn statuses(&self) -> Vec<ToolStatus> {
        let status = |event: &ToolEvent| match event {
            ToolEvent::Finished { status, .. } => Some(status.clone()),
            _ => None,
        };
        self.events.lock().unwrap().iter().filter_map(status).collect()
    }
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() }
}

fn tool<F, Fut>(name: &str, function: F) -> FnTool<()>
where
    F: Fn(RunContext<()>, Value) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: tool::Output> + Send + 'static,
{
    FnTool::with_schema(name, "For the test.", json!({"type": "object"}), function)
}

/// The bound of [`FnTool`] for sessions without userdata.
mod tool {
    pub trait Output: duologue_agent::tool::IntoToolOutput<()> {}
    impl<T: duologue_agent::tool::IntoToolOutput<()>> Output for T {}
}

fn echo(name: &str) -> FnTool<()> {
    tool(name, |_, arguments| async move { arguments })
}

/// A tool that counts how often it was begun and ended, and takes a second.
fn counted(name: &str) -> (FnTool<()>, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counters = (Arc::clone(&begun), Arc::clone(&ended));
    let counted = tool(name, move |_, _| {
        let (begun, ended) = counters.clone();
        async move {
            begun.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            ended.fetch_add(1, Ordering::SeqCst);
            "switched"
        }
    });
    (counted, begun, ended)
}

#[tokio::test]
async fn a_panicking_tool_does_not_end_the_session() {
    let bench = Bench::new([
        tool("panics", |_, arguments| async move {
            assert!(arguments.is_null(), "the secret is 1234");
        }),
        echo("echo"),
    ]);
    let outcomes = bench.run(&[("1", "panics", "{}"), ("2", "echo", "{}")]).await;
    assert_eq!(outcomes[0].reply.text(), "`panics` failed");
    assert!(outcomes[0].reply.is_error());
    assert_eq!(outcomes[1].reply.text(), "{}");
    assert_eq!(bench.one("3", "echo", "{}").await.text(), "{}");
    let failed = ToolStatus::Failed("it panicked: the secret is 1234".into());
    assert!(bench.statuses().contains(&failed), "{:?}", bench.statuses());
}

#[tokio::test(start_paused = true)]
async fn a_hanging_tool_does_not_hang_the_session() {
    let hangs = tool("hangs", |_, _| std::future::pending::<()>()).time_limit(Duration::from_secs(7));
    let bench = Bench::new([hangs, echo("echo")]);
    let outcomes = bench.run(&[("1", "hangs", ""), ("2", "echo", "")]).await;
    assert_eq!(outcomes[0].reply.text(), "`hangs` failed: it did not finish within 7s");
    assert_eq!(outcomes[0].duration, Duration::from_secs(7));
    assert_eq!(outcomes[1].reply.text(), "{}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_blocks_its_thread_does_not_hang_the_session() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let blocks = tool("blocks", move |_, _| {
        let _ = wait.lock().unwrap().recv();
        async {}
    });
    let bench = Bench::new([blocks.time_limit(Duration::from_millis(20)), echo("echo")]);
    assert!(bench.one("1", "blocks", "{}").await.text().contains("did not finish"));
    assert_eq!(bench.one("2", "echo", "{}").await.text(), "{}");
    drop(release);
}

#[tokio::test]
async fn ten_megabytes_do_not_reach_the_model() {
    let long = || "ß".repeat(5 * 1024 * 1024);
    let bench = Bench::new([
        tool("text", move |_, _| async move { long() }),
        tool("json", move |_, _| async move { json!({"long": long()}) }),
        tool("error", move |_, _| async move { Err::<(), _>(ToolError::new(long())) }),
    ]);
    let outcomes = bench.run(&[("1", "text", ""), ("2", "json", ""), ("3", "error", "")]).await;
    for outcome in outcomes {
        let text = outcome.reply.text();
        assert!(text.len() < 17 * 1024, "{} bytes", text.len());
        assert!(text.contains("[cut: these are 163"), "{}", &text[text.len() - 60..]);
        assert!(text.contains(" of 1048"), "{}", &text[text.len() - 60..]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_effect_runs_once() {
    let (light, begun, ended) = counted("light");
    let bench = Bench::new([light.effect()]);
    // Twice in one step, again after it, and again with the id in other hands.
    let outcomes = bench.run(&[("1", "light", "{}"), ("1", "light", "{}")]).await;
    assert!(outcomes.iter().all(|outcome| outcome.reply.text() == "switched"));
    assert_eq!(bench.one("1", "light", "{}").await.text(), "switched");
    assert!(bench.one("1", "light", r#"{"room": 2}"#).await.is_error());
    assert_eq!((begun.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (1, 1));
    assert_eq!(bench.one("2", "light", "{}").await.text(), "switched");
    assert_eq!(ended.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_failed_runs_once() {
    let times = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&times);
    let fails = tool("fails", move |_, _| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Err::<(), _>("half done") }
    });
    let bench = Bench::new([fails.effect()]);
    for _ in 0..2 {
        assert_eq!(bench.one("1", "fails", "{}").await.text(), "`fails` failed: half done");
    }
    assert_eq!(times.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_does_not_tear_an_effect_apart() {
    let (light, begun, ended) = counted("light");
    let (look, looked, seen) = counted("look");
    let bench = Bench::new([light.effect(), look]);
    let cancelled = bench.cancelled.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancelled.cancel();
    });
    let outcomes = bench.run(&[("1", "light", ""), ("2", "look", ""), ("3", "light", "")]).await;
    assert_eq!(outcomes[0].reply.text(), "switched");
    assert!(matches!(outcomes[1].reply, ToolReply::Dropped));
    assert_eq!(outcomes[1].duration, Duration::from_millis(300));
    assert_eq!(outcomes[2].reply.text(), "switched");
    assert_eq!((begun.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (2, 2));
    assert_eq!((looked.load(Ordering::SeqCst), seen.load(Ordering::SeqCst)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_step_does_not_tear_an_effect_apart() {
    let (light, begun, ended) = counted("light");
    let (look, looked, seen) = counted("look");
    let bench = Bench::new([light.effect(), look]);
    let step = bench.run(&[("1", "light", ""), ("2", "look", "")]);
    assert!(tokio::time::timeout(Duration::from_millis(300), step).await.is_err());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((begun.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (1, 1));
    assert_eq!((looked.load(Ordering::SeqCst), seen.load(Ordering::SeqCst)), (1, 0));
    assert_eq!(bench.statuses(), [ToolStatus::Dropped, ToolStatus::Done]);
    // Asked again: the effect's result is known, what was dropped may run.
    let outcomes = bench.run(&[("1", "light", ""), ("2", "look", "")]).await;
    assert!(outcomes.iter().all(|outcome| outcome.reply.text() == "switched"));
    assert_eq!((begun.load(Ordering::SeqCst), seen.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn no_effect_starts_after_an_interruption() {
    let (light, begun, _) = counted("light");
    let bench = Bench::new([light.effect(), echo("echo")]);
    bench.cancelled.cancel();
    let outcomes = bench.run(&[("1", "light", ""), ("2", "echo", "")]).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome.reply, ToolReply::Dropped)));
    assert_eq!(begun.load(Ordering::SeqCst), 0);
    assert_eq!(bench.events.lock().unwrap().len(), 2, "nothing started");
}

#[tokio::test(start_paused = true)]
async fn no_effect_happens_for_a_turn_that_is_taken_back() {
    let (light, begun, ended) = counted("light");
    let mut bench = Bench::new([light.effect(), echo("echo")]);
    let (committer, gate) = CommitGate::speculative();
    bench.gate = gate;
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(committer);
    });
    let outcomes = bench.run(&[("1", "light", ""), ("2", "echo", "")]).await;
    assert!(matches!(outcomes[0].reply, ToolReply::Dropped));
    assert_eq!(outcomes[1].reply.text(), "{}", "what has no effect need not wait");
    assert_eq!(begun.load(Ordering::SeqCst), 0);

    // The same call of the turn that then came.
    let (committer, gate) = CommitGate::speculative();
    bench.gate = gate;
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        committer.commit();
    });
    let outcomes = bench.run(&[("1", "light", "")]).await;
    assert_eq!(outcomes[0].duration, Duration::from_millis(1200));
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_turn_does_not_hang_the_session() {
    let (light, begun, _) = counted("light");
    let mut bench = Bench::new([light.effect()]);
    let (_committer, gate) = CommitGate::speculative();
    bench.gate = gate;
    assert!(matches!(bench.one("1", "light", "").await, ToolReply::Dropped));
    assert_eq!(begun.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn calls_do_not_wait_for_each_other() {
    let gate = Arc::new(Notify::new());
    let (opens, waits) = (Arc::clone(&gate), gate);
    let bench = Bench::new([
        tool("waits", move |_, _| {
            let waits = Arc::clone(&waits);
            async move {
                waits.notified().await;
                "waited"
            }
        }),
        tool("opens", move |_, _| {
            opens.notify_one();
            async { "opened" }
        }),
    ]);
    let outcomes = bench.run(&[("1", "waits", ""), ("2", "opens", "")]).await;
    let texts: Vec<_> = outcomes.iter().map(|outcome| outcome.reply.text().into_owned()).collect();
    assert_eq!(texts, ["waited", "opened"], "in the order of the calls");
}

#[tokio::test]
async fn an_unknown_tool_does_not_end_the_turn() {
    let bench = Bench::new([echo("echo"), echo("other")]);
    let reply = bench.one("1", "weather", "{}").await;
    assert!(reply.is_error());
    assert_eq!(reply.text(), "there is no tool `weather`; there are: echo, other");
    let long = "x".repeat(100_000);
    assert!(bench.one("2", &long, "{}").await.text().len() < 200);
    assert_eq!(Bench::new([]).one("1", "a", "").await.text(), "there is no tool `a`, nor any other");
}

#[tokio::test]
async fn malformed_arguments_do_not_end_the_turn() {
    let bench = Bench::new([echo("echo")]);
    let nested = "[".repeat(100_000);
    for arguments in ["{", "{\"a\":}", "[1]", "7", "\"text\"", "{} {}", "nul", &nested] {
        let reply = bench.one("1", "echo", arguments).await;
        assert!(reply.is_error(), "{arguments:.20}");
        assert!(reply.text().contains(r#"{"type":"object"}"#), "{}", reply.text());
    }
    for arguments in ["", "  ", "null", "{}"] {
        assert_eq!(bench.one(arguments, "echo", arguments).await.text(), "{}", "{arguments}");
    }
}

#[tokio::test]
async fn a_flood_of_calls_is_not_run() {
    let bench = Bench::new([echo("echo")]);
    let ids: Vec<_> = (0..1000).map(|id| id.to_string()).collect();
    let calls: Vec<_> = ids.iter().map(|id| (id.as_str(), "echo", "{}")).collect();
    let outcomes = bench.run(&calls).await;
    assert_eq!(outcomes.len(), 1000);
    assert_eq!(outcomes.iter().filter(|outcome| !outcome.reply.is_error()).count(), 16);
    assert!(outcomes[999].reply.text().contains("at most 16 calls"));
}

#[tokio::test]
async fn two_agents_do_not_take_over() {
    let to = |id: &'static str| {
        tool(id, move |_, _| async move { Handoff::to(SimpleAgent::<()>::new("You are.").id(id)) })
    };
    let bench = Bench::new([to("a"), to("b"), echo("echo")]);
    let outcomes = bench.run(&[("1", "echo", ""), ("2", "b", ""), ("3", "a", "")]).await;
    assert!(matches!(&outcomes[1].reply, ToolReply::Handoff(handoff) if handoff.agent.id() == "b"));
    assert_eq!(outcomes[1].reply.text(), "b takes over");
    assert!(outcomes[2].reply.is_error());
    assert!(bench.one("2", "b", "").await.is_error(), "once is enough");
}

#[tokio::test(start_paused = true)]
async fn no_event_is_missing() {
    let (light, ..) = counted("light");
    let bench = Bench::new([light.effect()]);
    bench.run(&[("1", "light", "")]).await;
    bench.run(&[("1", "light", ""), ("2", "none", "")]).await;
    let events = bench.events.lock().unwrap();
    let ToolEvent::Started { call, effect: true } = &events[0] else { panic!("{events:?}") };
    assert_eq!((call.id.as_str(), call.name.as_str()), ("1", "light"));
    let ToolEvent::Finished { status: ToolStatus::Done, duration, .. } = &events[1] else {
        panic!("{events:?}")
    };
    assert_eq!(*duration, Duration::from_secs(1));
    assert_eq!(events.len(), 4);
    let finished = |status: fn(&ToolStatus) -> bool| {
        events.iter().any(|event| matches!(event, ToolEvent::Finished { status: s, .. } if status(s)))
    };
    assert!(finished(|status| *status == ToolStatus::Repeated));
    assert!(finished(|status| matches!(status, ToolStatus::Failed(why) if why.contains("no tool"))));
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_told_that_the_user_interrupted() {
    let told = tool("told", |context, _| async move {
        context.cancelled().await;
        assert!(context.is_cancelled());
        context.call_id().to_owned()
    });
    let bench = Bench::new([told.effect()]);
    let cancelled = bench.cancelled.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        cancelled.cancel();
    });
    assert_eq!(bench.one("1", "told", "").await.text(), "1");
}

proptest! {
    /// Whatever a model writes: an outcome, in order, and no panic.
    #[test]
    fn no_call_breaks_the_executor(calls in prop::collection::vec(("[a-c]{0,2}", "echo|x|", ".{0,40}"), 0..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let bench = Bench::new([echo("echo")]);
        let asked: Vec<_> = calls.iter().map(|(id, name, text)| (&**id, &**name, &**text)).collect();
        let outcomes = runtime.block_on(bench.run(&asked));
        prop_assert_eq!(outcomes.len(), calls.len());
        for (outcome, (id, name, arguments)) in outcomes.iter().zip(&calls) {
            prop_assert_eq!(&outcome.call, &call(id, name, arguments));
        }
        prop_assert_eq!(bench.statuses().len(), calls.len());
    }
}
