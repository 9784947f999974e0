//! The client of OpenAI-compatible servers, against a real HTTP server that behaves badly.

use std::time::Duration;

use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::llm::openai::{OpenAi, OpenAiConfig};
use duologue_agent::llm::{Llm, LlmError, LlmErrorKind, LlmEvent, LlmRequest, ToolCall};
use duologue_agent::tool::ToolDefinition;
use duologue_eval::{Ending, Fault, Quirks, ReasoningField, Rule, Script, ScriptedServer, UsageField};
use futures_util::StreamExt;
use serde_json::json;
use tokio::time::timeout;

/// Longer than anything here takes; a test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(60);
const KEY: &str = "sk-very-secret";

fn asking(text: &str) -> LlmRequest {
    let content = ChatContent::Message { role: Role::User, text: text.into(), interrupted: false };
    LlmRequest {
        instructions: "Be brief.".into(),
        items: vec![ChatItem::new("test", content)],
        ..LlmRequest::default()
    }
}

fn config(server: &ScriptedServer) -> OpenAiConfig {
    OpenAiConfig::new(server.base_url(), "scripted").api_key(KEY)
}

/// Everything that came of an answer.
#[derive(Debug, Default)]
struct Came {
    text: String,
    reasoning: String,
    calls: Vec<ToolCall>,
    usage: usize,
    error: Option<LlmError>,
}

impl Came {
    fn kind(&self) -> Option<LlmErrorKind> {
        self.error.as_ref().map(LlmError::kind)
    }

    fn message(&self) -> String {
        self.error.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

async fn answer(config: OpenAiConfig, request: LlmRequest) -> Came {
    let llm = OpenAi::new(config).unwrap();
    let mut stream = llm.stream(request);
    let mut came = Came::default();
    let read = async {
        while let Some(event) = stream.next().await {
            assert!(came.error.is_none(), "something came after an error: {event:?}");
            match event {
                Ok(LlmEvent::Text(text)) => came.text.push_str(&text),
                Ok(LlmEvent::Reasoning(text)) => came.reasoning.push_str(&text),
                Ok(LlmEvent::ToolCall(call)) => came.calls.push(call),
                Ok(LlmEvent::Usage(_)) => came.usage += 1,
                Ok(_) => {}
                Err(error) => came.error = Some(error),
            }
        }
    };
    timeout(PATIENCE, read).await.expect("the answer ends");
    came
}

/// The answer to one rule, and the server that gave it.
async fn ask(rule: Rule, change: impl FnOnce(&mut OpenAiConfig)) -> (Came, ScriptedServer) {
    let server = ScriptedServer::start(Script::new().rule(rule)).await.unwrap();
    let mut config = config(&server);
    change(&mut config);
    let came = answer(config, asking("hello")).await;
    (came, server)
}

fn as_it_is(_: &mut OpenAiConfig) {}

#[tokio::test]
async fn what_was_asked_does_not_get_lost_on_the_way() {
    let script = Script::saying("Hello there.").api_key(KEY);
    let server = ScriptedServer::start(script).await.unwrap();
    let mut request = asking("hello");
    request.tools.push(ToolDefinition {
        name: "look".into(),
        description: "Looks.".into(),
        parameters: json!({ "type": "object" }),
        effect: false,
        time_limit: Duration::from_secs(1),
        output_limit: 10,
    });
    request.response_schema = Some(json!({ "type": "object" }));
    let mut config = config(&server).temperature(0.5).max_tokens(64);
    config.extra.insert("seed".into(), json!(7));
    let came = answer(config, request).await;
    assert_eq!((came.text.as_str(), came.usage, came.kind()), ("Hello there.", 1, None));
    let body = &server.requests()[0].body;
    assert_eq!(body["messages"][0], json!({ "role": "system", "content": "Be brief." }));
    assert_eq!(body["tools"][0]["function"]["name"], "look");
    assert_eq!(body["response_format"]["json_schema"]["schema"], json!({ "type": "object" }));
    assert_eq!(
        (&body["seed"], &body["max_tokens"], &body["temperature"]),
        (&json!(7), &json!(64), &json!(0.5))
    );
    assert_eq!(server.requests()[0].ending, Ending::Complete);
}

#[tokio::test]
async fn no_quirk_of_a_server_changes_the_answer() {
    let plain = Quirks::default();
    let quirks = [
        plain,
        Quirks { reasoning: ReasoningField::Reasoning, usage: UsageField::Null, ..plain },
        Quirks {
            reasoning: ReasoningField::ThinkTags,
            fragment_bytes: 3,
            usage: UsageField::Absent,
            ..plain
        },
        Quirks { reasoning: ReasoningField::ThinkTags, fragment_bytes: 1, crlf_and_comments: true, ..plain },
        Quirks { omit_call_ids: true, fragment_bytes: 2, ..plain },
        Quirks { omit_call_ids: true, omit_call_index: true, ..plain },
        Quirks { arguments_as_object: true, omit_call_index: true, ..plain },
        Quirks { omit_ending: true, ..plain },
    ];
    for quirks in quirks {
        let rule = Rule::any()
            .reasoning("The user greets me; I greet back.")
            .say("Hello there, dear friend.")
            .call("wave", json!({ "times": 3, "to": "ü \"x\"" }))
            .call("wave", json!({ "times": 4, "to": "you" }));
        let server = ScriptedServer::start(Script::new().rule(rule).quirks(quirks)).await.unwrap();
        let came = answer(config(&server), asking("hello")).await;
        assert_eq!(came.error, None, "{quirks:?}");
        assert_eq!(came.text, "Hello there, dear friend.", "{quirks:?}");
        assert_eq!(came.reasoning, "The user greets me; I greet back.", "{quirks:?}");
        let arguments: Vec<serde_json::Value> =
            came.calls.iter().map(|call| serde_json::from_str(&call.arguments).unwrap()).collect();
        assert_eq!(arguments, [json!({ "times": 3, "to": "ü \"x\"" }), json!({ "times": 4, "to": "you" })]);
        assert!(came.calls.iter().all(|call| call.name == "wave" && !call.id.is_empty()), "{quirks:?}");
        assert_ne!(came.calls[0].id, came.calls[1].id, "{quirks:?}");
    }
}

#[tokio::test]
async fn malformed_arguments_are_not_swallowed() {
    let (came, _server) = ask(Rule::any().call_raw("wave", "{\"times\": "), as_it_is).await;
    assert_eq!(came.calls[0].arguments, "{\"times\": ");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_the_remedy() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let came = answer(OpenAiConfig::new(&url, "qwen").retries(1), asking("hello")).await;
    assert_eq!(came.kind(), Some(LlmErrorKind::Unreachable));
    let message = came.message();
    assert!(message.contains(&url) && message.contains("qwen"), "{message}");
    assert!(message.contains("connection refused; is the server running?"), "{message}");
}

#[tokio::test]
async fn a_refused_key_is_neither_repeated_nor_shown() {
    let server = ScriptedServer::start(Script::saying("Hello.").api_key("another")).await.unwrap();
    let config = config(&server);
    assert!(!format!("{config:?}").contains(KEY));
    let came = answer(config, asking("hello")).await;
    assert_eq!(came.kind(), Some(LlmErrorKind::Unauthorized));
    assert!(came.message().contains("api_key") && !came.message().contains(KEY), "{}", came.message());
    assert_eq!(server.requests().len(), 1);
    assert_eq!(server.requests()[0].authorization.as_deref(), Some("Bearer sk-very-secret"));
}

#[tokio::test]
async fn without_a_key_no_header_is_sent() {
    let (came, server) = ask(Rule::any().say("Hello."), |config| config.api_key = None).await;
    assert_eq!((came.text.as_str(), &server.requests()[0].authorization), ("Hello.", &None));
}

#[tokio::test]
async fn a_passing_failure_does_not_cost_the_turn() {
    for fault in [Fault::ServerError, Fault::Refuse, Fault::RateLimited { retry_after_ms: None }] {
        let (came, server) =
            ask(Rule::any().say("Hello.").fault(fault.clone()).fault_times(2), as_it_is).await;
        assert_eq!((came.text.as_str(), came.kind()), ("Hello.", None), "{fault:?}");
        assert_eq!(server.requests().len(), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn a_lasting_failure_is_not_repeated_for_ever() {
    let (came, server) = ask(Rule::any().fault(Fault::ServerError), |config| config.retries = 1).await;
    assert_eq!((came.kind(), server.requests().len()), (Some(LlmErrorKind::Server), 2));
    assert!(came.message().contains("the model fell over"), "{}", came.message());
}

#[tokio::test]
async fn a_server_is_not_asked_again_before_it_wants_to_be() {
    let fault = Fault::RateLimited { retry_after_ms: Some(3_600_000) };
    let (came, server) = ask(Rule::any().fault(fault), as_it_is).await;
    let hour = Some(Duration::from_secs(3600));
    assert_eq!(came.kind(), Some(LlmErrorKind::RateLimited { retry_after: hour }));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_unknown_model_is_not_a_passing_failure() {
    let (came, server) = ask(Rule::any().fault(Fault::UnknownModel), as_it_is).await;
    assert_eq!((came.kind(), server.requests().len()), (Some(LlmErrorKind::Refused), 1));
    assert!(came.message().contains("/v1"), "{}", came.message());
}

#[tokio::test]
async fn what_was_said_is_not_said_twice() {
    let rule = Rule::any().say("one two three").fault(Fault::Close { after_tokens: 2 }).fault_times(1);
    let (came, server) = ask(rule, as_it_is).await;
    assert_eq!((came.text.as_str(), came.kind()), ("one two", Some(LlmErrorKind::Server)));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_that_breaks_before_its_first_word_is_asked_for_again() {
    let rule = Rule::any().say("one two three").fault(Fault::Close { after_tokens: 0 }).fault_times(1);
    let (came, server) = ask(rule, as_it_is).await;
    assert_eq!((came.text.as_str(), came.kind()), ("one two three", None));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_silent_server_does_not_hold_the_turn() {
    for (fault, text) in [
        (Fault::Hang, ""),
        (Fault::Stall { after_tokens: 0 }, ""),
        (Fault::Stall { after_tokens: 2 }, "one two"),
    ] {
        let (came, server) = ask(Rule::any().say("one two three").fault(fault.clone()), |config| {
            config.first_token = Duration::from_millis(400);
            config.between_tokens = Duration::from_millis(300);
        })
        .await;
        assert_eq!((came.text.as_str(), came.kind()), (text, Some(LlmErrorKind::TimedOut)), "{fault:?}");
        assert!(came.message().contains(if text.is_empty() { "first_token" } else { "between_tokens" }));
        let left = server.until(|requests| requests[0].ending == Ending::Disconnected);
        timeout(PATIENCE, left).await.expect("the connection is closed");
    }
}

#[tokio::test]
async fn a_trickle_does_not_go_on_for_ever() {
    let rule = Rule::any().say(&"word ".repeat(500)).pace(Duration::ZERO, 50.0);
    let (came, _server) = ask(rule, |config| config.total = Duration::from_millis(500)).await;
    assert_eq!(came.kind(), Some(LlmErrorKind::TimedOut));
    assert!(came.message().contains("total"), "{}", came.message());
}

#[tokio::test]
async fn what_is_not_understood_is_no_silence() {
    for fault in [Fault::MalformedJson { after_tokens: 1 }, Fault::MalformedStream { after_tokens: 1 }] {
        let (came, server) = ask(Rule::any().say("one two").fault(fault.clone()), as_it_is).await;
        assert_eq!((came.text.as_str(), came.kind()), ("one", Some(LlmErrorKind::Malformed)), "{fault:?}");
        assert_eq!(server.requests().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn an_endless_answer_does_not_fill_the_memory() {
    let (came, _server) = ask(Rule::any().say("blah ").flood(1_000_000), as_it_is).await;
    assert_eq!(came.kind(), Some(LlmErrorKind::TooLong));
    assert!(came.text.len() <= 256 * 1024, "{}", came.text.len());
}

#[tokio::test]
async fn a_withheld_answer_is_no_silence() {
    let (came, _server) = ask(Rule::any().finish("content_filter"), as_it_is).await;
    assert_eq!(came.kind(), Some(LlmErrorKind::Refused));
}

#[tokio::test]
async fn an_interrupted_answer_does_not_go_on_at_the_server() {
    let rule = Rule::any().say(&"word ".repeat(10_000)).pace(Duration::ZERO, 20.0);
    let server = ScriptedServer::start(Script::new().rule(rule)).await.unwrap();
    let llm = OpenAi::new(config(&server)).unwrap();
    // In the middle of an answer, and before its first token.
    let mut stream = llm.stream(asking("hello"));
    assert!(matches!(stream.next().await, Some(Ok(LlmEvent::Text(_)))));
    drop(stream);
    let gone = server.until(|requests| requests[0].ending == Ending::Disconnected);
    timeout(PATIENCE, gone).await.expect("the server notices");

    let server = ScriptedServer::start(Script::new().rule(Rule::any().fault(Fault::Hang))).await.unwrap();
    let llm = OpenAi::new(config(&server)).unwrap();
    let mut stream = llm.stream(asking("hello"));
    tokio::select! {
        event = stream.next() => panic!("{event:?}"),
        () = server.until(|requests| requests.len() == 1) => {}
    }
    drop(stream);
    let gone = server.until(|requests| requests[0].ending == Ending::Disconnected);
    timeout(PATIENCE, gone).await.expect("the server notices");
}

#[test]
fn a_wrong_setting_is_named() {
    let wrong = |change: fn(&mut OpenAiConfig)| {
        let mut config = OpenAiConfig::new("http://localhost:1/v1", "m");
        change(&mut config);
        OpenAi::new(config).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(wrong(|config| config.base_url.clear()).contains("base_url is missing"));
    assert!(wrong(|config| config.base_url = "localhost:1".into()).contains("http://"));
    assert!(wrong(|config| config.base_url = "http://u:p@localhost/v1".into()).contains("api_key"));
    assert!(wrong(|config| config.model.clear()).contains("DUOLOGUE_LLM__MODEL"));
    assert!(wrong(|config| config.api_key = Some("a\nb".into())).contains("api_key"));
    assert!(wrong(|config| config.temperature = Some(f32::NAN)).contains("temperature"));
    assert!(wrong(|config| config.total = Duration::ZERO).contains("total"));
    assert!(wrong(|config| _ = config.extra.insert("stream".into(), json!(false))).contains("stream"));
    let misspelt = toml::from_str::<OpenAiConfig>("basurl = \"x\"").unwrap_err();
    assert!(misspelt.to_string().contains("basurl"), "{misspelt}");
}

#[test]
fn a_key_does_not_go_to_a_server_it_was_not_meant_for() {
    let environment = |pairs: &'static [(&str, &str)]| {
        move |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    };
    let both = environment(&[("OPENAI_API_KEY", "k"), ("OPENAI_BASE_URL", "https://x/v1")]);
    let config = OpenAiConfig::default().with_environment(both).unwrap();
    assert_eq!((config.base_url.as_str(), config.api_key), ("https://x/v1", Some("k".into())));
    let config = OpenAiConfig::new("http://elsewhere/v1", "m").with_environment(both).unwrap();
    assert_eq!((config.base_url.as_str(), config.api_key), ("http://elsewhere/v1", None));
    let own = environment(&[
        ("OPENAI_API_KEY", "k"),
        ("DUOLOGUE_LLM__API_KEY", "own"),
        ("DUOLOGUE_LLM__BASE_URL", "http://y/v1"),
        ("DUOLOGUE_LLM__FIRST_TOKEN", "2.5"),
    ]);
    let config = OpenAiConfig::new("http://x/v1", "m").with_environment(own).unwrap();
    assert_eq!((config.base_url.as_str(), config.api_key), ("http://y/v1", Some("own".into())));
    assert_eq!(config.first_token, Duration::from_millis(2500));
    let bad = environment(&[("DUOLOGUE_LLM__RETRIES", "many")]);
    let error = OpenAiConfig::default().with_environment(bad).unwrap_err().to_string();
    assert!(error.contains("DUOLOGUE_LLM__RETRIES") && error.contains("many"), "{error}");
}
