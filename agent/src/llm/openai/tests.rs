//! The whole way from bytes to events, without a network.

use std::convert::Infallible;

use futures_util::{FutureExt, StreamExt, stream};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::assembly::Assembly;
use super::{OpenAiConfig, request, transport};
use crate::chat::{ChatContent, ChatItem, Role};
use crate::llm::{LlmErrorKind, LlmEvent, LlmRequest, ToolCall};

/// What comes of the bytes: text, reasoning, calls, and whether it failed.
fn understood(parts: Vec<Vec<u8>>) -> (String, String, Vec<ToolCall>, Option<LlmErrorKind>) {
    let config = OpenAiConfig::new("http://localhost/v1", "m");
    let body = stream::iter(parts.into_iter().map(Ok::<_, Infallible>));
    let mut chunks = transport::chunks(body, transport::Teller::new(&config), 1 << 20);
    let mut assembly = Assembly::new(1 << 16, false);
    let (mut text, mut reasoning, mut calls, mut error) = (String::new(), String::new(), Vec::new(), None);
    let mut events = Vec::new();
    while let Some(chunk) = chunks.next().now_or_never().expect("nothing is waited for") {
        match chunk.map_err(|failure| failure.error.kind()).and_then(|c| assembly.push(c).map_err(|e| e.0)) {
            Ok(more) => events.extend(more),
            Err(kind) => {
                error = Some(kind);
                break;
            }
        }
    }
    match assembly.end() {
        Ok(more) => events.extend(more),
        Err(problem) => error = error.or(Some(problem.0)),
    }
    for event in events {
        match event {
            LlmEvent::Text(part) => text.push_str(&part),
            LlmEvent::Reasoning(part) => reasoning.push_str(&part),
            LlmEvent::ToolCall(call) => calls.push(call),
            LlmEvent::Usage(_) => {}
        }
    }
    (text, reasoning, calls, error)
}

fn sse(deltas: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for delta in deltas {
        let chunk = json!({ "choices": [{ "index": 0, "delta": delta }], "usage": null });
        bytes.extend(format!("data: {chunk}\n\n").into_bytes());
    }
    bytes.extend(
        b"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
    );
    bytes
}

fn cut(bytes: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let (mut parts, mut at, mut cut) = (Vec::new(), 0, cuts.iter().cycle());
    while at < bytes.len() {
        let end = (at + cut.next().unwrap()).min(bytes.len());
        parts.push(bytes[at..end].to_vec());
        at = end;
    }
    parts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn where_the_network_cuts_does_not_matter(
        words in prop::collection::vec("[ a-zé€]{0,6}|<think>|</think>", 0..12),
        arguments in prop::collection::vec("[ \"{}a-z:€]{0,6}", 0..6),
        cuts in prop::collection::vec(1_usize..40, 1..12),
    ) {
        let mut deltas: Vec<Value> = words.iter().map(|word| json!({ "content": word })).collect();
        deltas.push(json!({ "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "f", "arguments": "" } }] }));
        for fragment in &arguments {
            deltas.push(json!({ "tool_calls": [{ "index": 0, "function": { "arguments": fragment } }] }));
        }
        let bytes = sse(&deltas);
        let whole = understood(vec![bytes.clone()]);
        prop_assert_eq!(&whole.3, &None);
        prop_assert_eq!(whole.2.len(), 1);
        let joined = arguments.concat();
        prop_assert_eq!(&whole.2[0].arguments, if joined.trim().is_empty() { "{}" } else { &joined });
        prop_assert!(!whole.0.contains("<think>"));
        prop_assert_eq!(understood(cut(&bytes, &cuts)), whole);
    }

    #[test]
    fn no_bytes_whatever_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        lines in prop::collection::vec("data: ?[\\[{}\\]\":,a-z0-9 ]{0,40}", 0..6),
    ) {
        let mut all = lines.join("\n\n").into_bytes();
        all.extend(b"\n\n");
        all.extend(bytes);
        let (_, _, calls, _) = understood(vec![all]);
        prop_assert!(calls.iter().all(|call| !call.id.is_empty() && !call.name.is_empty()));
    }
}

#[test]
fn a_letter_or_a_call_is_not_torn_between_packets() {
    let call = |id: &str, text: &str| json!({ "tool_calls": [{ "index": 0, "id": id, "function": { "name": "f", "arguments": text } }] });
    let bytes = sse(&[json!({ "content": "Größe: 3 €" }), call("a", "{\"ü\": \"€"), call("", "5\"}")]);
    for at in 1..bytes.len() {
        let (text, _, calls, error) = understood(vec![bytes[..at].to_vec(), bytes[at..].to_vec()]);
        assert_eq!((text.as_str(), error), ("Größe: 3 €", None), "cut at {at}");
        assert_eq!(calls[0].arguments, "{\"ü\": \"€5\"}", "cut at {at}");
    }
}

fn calls(deltas: &[Value]) -> Vec<(String, String)> {
    let (_, _, calls, error) = understood(vec![sse(deltas)]);
    assert_eq!(error, None);
    assert!(calls.iter().all(|call| !call.id.is_empty()), "{calls:?}");
    calls.into_iter().map(|call| (call.name, call.arguments)).collect()
}

fn pair(name: &str, arguments: &str) -> (String, String) {
    (name.into(), arguments.into())
}

#[test]
fn fragments_of_two_calls_are_not_mixed() {
    let part = |index: u64, text: &str| json!({ "tool_calls": [{ "index": index, "function": { "arguments": text } }] });
    let start = |index: u64, id: &str, name: &str| json!({ "tool_calls": [{ "index": index, "id": id, "function": { "name": name } }] });
    let deltas = [
        start(0, "a", "f"),
        start(1, "b", "g"),
        part(1, "{\"y\""),
        part(0, "{\"x\""),
        part(0, ":1}"),
        part(1, ":2}"),
    ];
    assert_eq!(calls(&deltas), [pair("f", "{\"x\":1}"), pair("g", "{\"y\":2}")]);
}

#[test]
fn a_call_that_is_whole_is_not_held_back_until_the_end() {
    let start = |index: u64, arguments: &str| {
        json!({ "choices": [{ "delta": { "tool_calls": [
        { "index": index, "id": index.to_string(), "function": { "name": "f", "arguments": arguments } }] } }] })
    };
    let mut assembly = Assembly::new(1_000, false);
    let mut given = |chunk| {
        let events = assembly.push(chunk).unwrap();
        events
            .into_iter()
            .filter_map(|event| match event {
                LlmEvent::ToolCall(call) => Some((call.id, call.arguments)),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let call = |id: &str, arguments: &str| (id.to_owned(), arguments.to_owned());
    assert_eq!(given(start(0, r#"{"a": 1}"#)), []);
    assert_eq!(given(start(1, r#"{"b": "#)), [call("0", r#"{"a": 1}"#)]);
    // The second is not whole yet; the third must not overtake it.
    assert_eq!(given(start(2, "{}")), []);
    assert_eq!(given(start(3, "")), []);
    assert_eq!(given(start(1, "2}")), []);
    assert_eq!(given(start(4, "")), [call("1", r#"{"b": 2}"#), call("2", "{}")]);
    assert_eq!(
        given(json!({ "choices": [{ "delta": {}, "finish_reason": "tool_calls" }] })),
        [call("3", "{}"), call("4", "{}")]
    );
}

#[test]
fn calls_without_index_or_id_are_not_one_call() {
    let whole = |name: &str| json!({ "function": { "name": name, "arguments": { "x": 1 } } });
    let together = json!({ "tool_calls": [whole("f"), whole("f")] });
    assert_eq!(calls(&[together]), [pair("f", "{\"x\":1}"), pair("f", "{\"x\":1}")]);
    let zero = |id: &str| json!({ "tool_calls": [{ "index": 0, "id": id, "function": { "name": "f", "arguments": "{}" } }] });
    assert_eq!(calls(&[zero("a"), zero("b")]), [pair("f", "{}"), pair("f", "{}")]);
    let null = json!({ "content": null, "tool_calls": [{ "id": null, "index": null, "function": { "name": "f", "arguments": null } }] });
    assert_eq!(calls(&[null]), [pair("f", "{}")]);
}

fn item(content: ChatContent) -> ChatItem {
    ChatItem::new("test", content)
}

fn message(role: Role, text: &str) -> ChatItem {
    item(ChatContent::Message { role, text: text.into(), interrupted: false })
}

fn call(id: &str, arguments: &str) -> ChatItem {
    item(ChatContent::ToolCall { call_id: id.into(), name: "f".into(), arguments: arguments.into() })
}

fn result(id: &str, output: &str) -> ChatItem {
    item(ChatContent::ToolResult {
        call_id: id.into(),
        name: "f".into(),
        output: output.into(),
        is_error: false,
    })
}

#[test]
fn a_history_does_not_break_strict_servers() {
    let request = LlmRequest {
        instructions: "Be brief.".into(),
        items: vec![
            message(Role::System, "It is noon."),
            message(Role::User, "one"),
            message(Role::User, "two"),
            message(Role::Assistant, ""),
            message(Role::Assistant, "Let me see."),
            call("a", "{\"x\": 1}"),
            call("b", "{\"x\": "),
            message(Role::System, "The bell rang."),
            result("b", "second"),
            result("a", "first"),
            call("c", "{}"),
            result("orphan", "lost"),
        ],
        ..LlmRequest::default()
    };
    let body = request::body(&request, &OpenAiConfig::new("http://localhost/v1", "m"));
    let function = |arguments: &str| json!({ "name": "f", "arguments": arguments });
    let expected = json!([
        { "role": "system", "content": "Be brief.\n\nIt is noon." },
        { "role": "user", "content": "one\ntwo" },
        { "role": "assistant", "content": "Let me see.", "tool_calls": [
            { "id": "a", "type": "function", "function": function("{\"x\": 1}") },
            { "id": "b", "type": "function", "function": function("{}") } ] },
        { "role": "tool", "tool_call_id": "a", "content": "first" },
        { "role": "tool", "tool_call_id": "b", "content": "second" },
        { "role": "user", "content": "(Note: The bell rang.)" },
        { "role": "assistant", "content": null, "tool_calls": [
            { "id": "c", "type": "function", "function": function("{}") } ] },
        { "role": "tool", "tool_call_id": "c", "content": "The call was stopped; there is no result." },
    ]);
    assert_eq!(body["messages"], expected);
}

#[test]
fn only_a_closed_schema_is_called_strict() {
    let config = OpenAiConfig::new("http://localhost/v1", "m");
    let strict = |schema: Value| {
        let request = LlmRequest { response_schema: Some(schema), ..LlmRequest::default() };
        request::body(&request, &config)["response_format"]["json_schema"]["strict"].clone()
    };
    let open = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let mut closed = open.clone();
    closed["required"] = json!(["a"]);
    closed["additionalProperties"] = json!(false);
    assert_eq!(strict(open), Value::Null);
    assert_eq!(strict(closed), true);
}
