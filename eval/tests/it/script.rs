//! A scripted model must do as its script says, in process and over HTTP alike.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::llm::{Llm, LlmErrorKind, LlmEvent, LlmRequest};
use duologue_eval::{Ending, Fault, Rule, Script, ScriptedLlm, ScriptedServer};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;

fn said(role: Role, text: &str) -> ChatItem {
    ChatItem::new("test", ChatContent::Message { role, text: text.into(), interrupted: false })
}

fn asking(text: &str) -> LlmRequest {
    LlmRequest { items: vec![said(Role::User, text)], ..LlmRequest::default() }
}

async fn events(llm: &ScriptedLlm, request: LlmRequest) -> Vec<Result<LlmEvent, LlmErrorKind>> {
    llm.stream(request).map(|event| event.map_err(|error| error.kind())).collect().await
}

fn text(events: &[Result<LlmEvent, LlmErrorKind>]) -> String {
    events
        .iter()
        .filter_map(|event| if let Ok(LlmEvent::Text(text)) = event { Some(text.as_str()) } else { None })
        .collect()
}

fn weather() -> Script {
    Script::new()
        .rule(Rule::user("* weather in {city}").call("get_weather", json!({ "city": "{city}" })))
        .rule(Rule::result_of("get_weather").say("They say {result}."))
        .rule(Rule::user("hello").turn(1).reasoning("a greeting").say("Hello there, you!"))
        .rule(Rule::user("hello").say("Hello again."))
}

#[tokio::test(start_paused = true)]
async fn a_tools_result_is_not_taken_for_the_users_question() {
    let llm = ScriptedLlm::new(weather());
    let mut request = asking("How is the weather in New York?");
    let first = events(&llm, request.clone()).await;
    let Some(Ok(LlmEvent::ToolCall(call))) = first.first() else { panic!("{first:?}") };
    assert_eq!((call.name.as_str(), call.arguments.as_str()), ("get_weather", r#"{"city":"New York"}"#));
    request.items.push(ChatItem::new(
        "test",
        ChatContent::ToolCall {
            call_id: call.id.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        },
    ));
    request.items.push(ChatItem::new(
        "test",
        ChatContent::ToolResult {
            call_id: call.id.clone(),
            name: call.name.clone(),
            output: "rain".into(),
            is_error: false,
        },
    ));
    assert_eq!(text(&events(&llm, request.clone()).await), "They say rain.");
    request.items.push(said(Role::User, "hello"));
    assert_eq!(text(&events(&llm, request).await), "Hello again.");
    assert_eq!(llm.requests().len(), 3);
}

#[tokio::test]
async fn a_question_without_a_rule_is_not_silence() {
    let llm = ScriptedLlm::new(weather());
    assert_eq!(text(&events(&llm, asking("who are you")).await), "The script has no rule for who are you");
}

#[tokio::test(start_paused = true)]
async fn tokens_do_not_come_before_their_time() {
    let llm = ScriptedLlm::new(weather().pace(Duration::from_millis(300), 10.0));
    let start = Instant::now();
    let mut stream = llm.stream(asking("hello"));
    let mut times = Vec::new();
    while let Some(Ok(event)) = stream.next().await {
        if !matches!(event, LlmEvent::Usage(_)) {
            times.push(start.elapsed().as_millis());
        }
    }
    // Tokio's clock is virtual here: "a", " greeting", "Hello", " there,", " you!".
    assert_eq!(times, [300, 400, 500, 600, 700]);
}

#[tokio::test(start_paused = true)]
async fn a_passing_fault_does_not_stay() {
    let fault = Fault::RateLimited { retry_after_ms: Some(1500) };
    let script = Script::new().rule(Rule::any().say("Well.").fault(fault).fault_times(2));
    let llm = ScriptedLlm::new(script);
    let limited = LlmErrorKind::RateLimited { retry_after: Some(Duration::from_millis(1500)) };
    assert_eq!(events(&llm, asking("a")).await, [Err(limited)]);
    assert_eq!(events(&llm, asking("a")).await, [Err(limited)]);
    assert_eq!(text(&events(&llm, asking("a")).await), "Well.");
}

#[tokio::test(start_paused = true)]
async fn a_stalled_model_is_not_silent_for_good() {
    let script = Script::new().rule(Rule::any().say("one two three").fault(Fault::Stall { after_tokens: 2 }));
    let llm = ScriptedLlm::new(script);
    let all = events(&llm, asking("a")).await;
    assert_eq!(text(&all), "one two");
    assert_eq!(all.last(), Some(&Err(LlmErrorKind::TimedOut)));
    assert_eq!(llm.cancelled(), 0);
    drop(llm.stream(asking("a")));
    assert_eq!(llm.cancelled(), 1);
}

#[tokio::test]
async fn a_misspelt_key_does_not_pass() {
    let error = Script::parse("[[rule]]\nusr = \"hello\"").unwrap_err();
    assert!(error.to_string().contains("usr"), "{error}");
}

/// The server's whole answer, byte for byte.
async fn raw(server: &ScriptedServer, body: Value) -> String {
    let address = server.base_url().replace("http://", "").replace("/v1", "");
    let body = body.to_string();
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(&address).unwrap();
        let length = body.len();
        write!(
            stream,
            "POST /v1/chat/completions HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = Vec::new();
        // A reset connection is one of the things that are tested.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    })
    .await
    .unwrap()
}

fn wire(text: &str, stream: bool) -> Value {
    json!({ "model": "m", "stream": stream, "messages": [
        { "role": "system", "content": "Be brief." }, { "role": "user", "content": text }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_does_not_differ_from_the_model_in_process() {
    let server = ScriptedServer::start(weather()).await.unwrap();
    let answer = raw(&server, wire("hello", true)).await;
    assert!(answer.contains("text/event-stream") && answer.contains(r#""content":" there,""#), "{answer}");
    assert!(
        answer.contains(r#""reasoning_content":" greeting""#) && answer.contains("data: [DONE]"),
        "{answer}"
    );
    let answer = raw(&server, wire("how is the weather in Rome", false)).await;
    assert!(answer.contains(r#"{\"city\":\"Rome\"}"#) && answer.contains("tool_calls"), "{answer}");
    let requests = server.requests();
    assert_eq!(requests[1].body["messages"][0]["content"], "Be brief.");
    assert!(requests.iter().all(|request| request.ending == Ending::Complete), "{requests:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_answer_is_not_finished_politely() {
    let script = Script::new()
        .rule(Rule::user("refuse").fault(Fault::Refuse))
        .rule(Rule::user("close").say("one two three").fault(Fault::Close { after_tokens: 2 }));
    let server = ScriptedServer::start(script).await.unwrap();
    assert_eq!(raw(&server, wire("refuse", true)).await, "");
    let answer = raw(&server, wire("close", true)).await;
    assert!(
        answer.contains(" two") && !answer.contains("three") && !answer.ends_with("0\r\n\r\n"),
        "{answer}"
    );
    assert!(server.requests().iter().all(|request| request.ending == Ending::Broken));
}
