//! Routing, whatever the model does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use duologue_agent::ErrorKind;
use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::llm::{Llm, LlmError, LlmErrorKind, LlmEvent, LlmRequest, LlmStream};
use duologue_triage::{DecideError, Fallback, Priority, Route, RoutePath, Router, RouterBuilder};
use futures_util::StreamExt;
use futures_util::stream;

/// What the model does when it is asked.
#[derive(Clone)]
enum Act {
    Say(&'static str),
    Fail(LlmErrorKind),
    Hang,
    Babble,
}

/// A model that does one thing after the other, and remembers what it was asked.
struct Script {
    acts: Mutex<Vec<Act>>,
    asked: Mutex<Vec<LlmRequest>>,
}

impl Script {
    fn new(acts: &[Act]) -> Arc<Self> {
        Arc::new(Self { acts: Mutex::new(acts.to_vec()), asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<LlmRequest> {
        self.asked.lock().unwrap().clone()
    }
}

impl Llm for Script {
    fn name(&self) -> &str {
        "script"
    }

    fn stream(&self, request: LlmRequest) -> LlmStream {
        self.asked.lock().unwrap().push(request);
        match self.acts.lock().unwrap().remove(0) {
            // In pieces, as models write, with thoughts between them.
            Act::Say(text) => {
                let pieces = text
                    .chars()
                    .flat_map(|c| [Ok(LlmEvent::Text(c.to_string())), Ok(LlmEvent::Reasoning("{}".into()))]);
                Box::pin(stream::iter(pieces.collect::<Vec<_>>()))
            }
            Act::Fail(kind) => Box::pin(stream::iter([Err(LlmError::new(kind, "broken"))])),
            Act::Hang => Box::pin(stream::pending()),
            Act::Babble => Box::pin(stream::repeat_with(|| Ok(LlmEvent::Text("{\"a\":".into()))).boxed()),
        }
    }
}

const GOOD: &str = r#"{"category":"billing","priority":"high","reason":"a refund","agent":"billing-agent"}"#;

fn routes() -> RouterBuilder {
    Router::builder()
        .route(
            Route::new("billing", "billing-agent")
                .about("invoices, refunds")
                .keywords(["invoice", "money back"])
                .priority(Priority::High),
        )
        .route(Route::new("technical", "tech-agent").about("what does not work").keywords(["broken"]))
        .route(Route::new("general", "concierge").about("everything else"))
}

fn router(model: &Arc<Script>) -> Router {
    routes().llm(model.clone()).time_limit(Duration::from_secs(5)).build().unwrap()
}

#[tokio::test]
async fn a_good_answer_is_not_overruled_by_a_keyword() {
    let model = Script::new(&[Act::Say(GOOD)]);
    let routed = router(&model).route(&[], "My screen is broken, I want a refund.").await;
    assert_eq!(routed.path, RoutePath::Model);
    assert_eq!(routed.decision.agent, "billing-agent");
    assert_eq!(routed.decision.priority, Priority::High);
    assert_eq!(routed.decision.reason, "a refund");
}

#[tokio::test]
async fn loose_json_is_not_a_failure() {
    for answer in [
        "```json\n{\"category\": \"Billing\", \"priority\": \"HIGH\", \"reason\": \"\", \"agent\": \"\"}\n```",
        "Sure. {category: 'billing', priority: 'High', reason: 'x', agent: 'billing-agent',} Bye.",
        "<think>{\"category\":\"general\"}</think>{\"category\":\" billing \",\"priority\":\"high\"}",
    ] {
        let model = Script::new(&[Act::Say(answer)]);
        let routed = router(&model).route(&[], "Hello.").await;
        assert_eq!(routed.path, RoutePath::Model, "{answer}");
        assert_eq!(routed.decision.category, "billing", "{answer}");
        assert_eq!(routed.decision.agent, "billing-agent", "{answer}");
        assert_eq!(routed.decision.priority, Priority::High, "{answer}");
    }
}

#[tokio::test]
async fn an_unreadable_answer_is_sent_back_once_with_what_is_wrong() {
    for (bad, problem) in [
        ("I think billing.", "no JSON object"),
        (r#"{"category":"sales","agent":"x"}"#, "billing, technical, general"),
        (r#"{"category":"billing","priority":"soonish"}"#, "priority"),
    ] {
        let model = Script::new(&[Act::Say(bad), Act::Say(GOOD)]);
        let routed = router(&model).route(&[], "Hello.").await;
        assert_eq!(routed.path, RoutePath::ModelRepaired, "{bad}");
        assert_eq!(routed.decision.category, "billing", "{bad}");
        let again = &model.asked()[1].items;
        let texts: Vec<_> = again
            .iter()
            .map(|item| match &item.content {
                ChatContent::Message { role, text, .. } => (*role, text.as_str()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(texts[1], (Role::Assistant, bad));
        assert!(texts[2].1.contains(problem), "{:?} does not say {problem:?}", texts[2]);
    }
}

#[tokio::test]
async fn a_model_that_never_makes_sense_does_not_stop_the_routing() {
    let model = Script::new(&[Act::Say("no"), Act::Say("still no")]);
    let routed = router(&model).route(&[], "I want my MONEY back!").await;
    assert_eq!(routed.decision.category, "billing");
    assert_eq!(routed.decision.priority, Priority::High);
    let RoutePath::Keyword { keyword, why: Fallback::Failed(DecideError::Unreadable { answer, .. }) } =
        routed.path
    else {
        panic!("{:?}", routed.path)
    };
    assert_eq!((keyword.as_str(), answer.as_str()), ("money back", "still no"));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_hangs_or_babbles_does_not_stop_the_routing() {
    type Check = fn(&DecideError) -> bool;
    let cases: [(&[Act], Check); 4] = [
        (&[Act::Fail(LlmErrorKind::Unreachable)], |why| matches!(why, DecideError::Model(_))),
        (&[Act::Say("no"), Act::Fail(LlmErrorKind::Server)], |why| matches!(why, DecideError::Model(_))),
        (&[Act::Hang], |why| matches!(why, DecideError::TimedOut(_))),
        (&[Act::Babble, Act::Babble], |why| matches!(why, DecideError::Unreadable { .. })),
    ];
    for (acts, expected) in cases {
        let model = Script::new(acts);
        let routed = router(&model).route(&[], "Good morning.").await;
        assert_eq!(routed.decision.agent, "concierge");
        let RoutePath::Default { why: Fallback::Failed(why) } = &routed.path else {
            panic!("{:?}", routed.path)
        };
        assert!(expected(why), "{why}");
    }
}

#[tokio::test]
async fn without_a_model_the_rules_decide_and_say_so() {
    let router = routes().default_route("technical").build().unwrap();
    let routed = router.route(&[], "An INVOICE, please, my radio is broken.").await;
    let path = RoutePath::Keyword { keyword: "invoice".into(), why: Fallback::NoModel };
    assert_eq!((routed.decision.category.as_str(), &routed.path), ("billing", &path));
    let routed = router.route(&[], "the invoices").await;
    assert_eq!(routed.path, RoutePath::Default { why: Fallback::NoModel });
    assert_eq!(routed.decision.agent, "tech-agent");
}

#[tokio::test]
async fn the_model_is_not_asked_without_schema_categories_and_conversation() {
    let model = Script::new(&[Act::Say(GOOD)]);
    let call = ChatContent::ToolCall { call_id: "c".into(), name: "n".into(), arguments: "{}".into() };
    let said = ChatContent::Message { role: Role::User, text: "Before.".into(), interrupted: false };
    let items = [ChatItem::new("a", said), ChatItem::new("a", call)];
    router(&model).route(&items, "Now.").await;
    let asked = model.asked().remove(0);
    let schema = asked.response_schema.unwrap();
    assert_eq!(
        schema["properties"]["category"]["enum"],
        serde_json::json!(["billing", "general", "technical"])
    );
    assert_eq!(schema["additionalProperties"], false);
    assert!(!schema.to_string().contains("$ref"), "{schema}");
    assert!(asked.instructions.contains("- billing (agent billing-agent): invoices, refunds"));
    assert!(asked.instructions.contains(&schema.to_string()), "servers that heed no schema need it in words");
    assert_eq!(asked.items.len(), 2, "a tool call without its result is refused by servers");
}

#[test]
fn a_wrong_router_is_not_built() {
    let wrong = |builder: RouterBuilder, says: &str| {
        let error = builder.build().err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(says), "{error}");
    };
    wrong(Router::builder(), "no routes");
    wrong(routes().default_route("sales"), "\"sales\"");
    wrong(routes().route(Route::new("", "x")), "route 3");
    wrong(routes().route(Route::new("general", "concierge")), "two routes");
}
