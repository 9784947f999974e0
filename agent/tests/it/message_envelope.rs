//! What is accepted from frontends, what is refused, and how it is answered.

use chrono::{DateTime, Utc};
use duologue_agent::message::{
    AgentText, Control, ControlAction, DataMessage, Envelope, ErrorCode, ErrorMessage, Handoff, MAX_BYTES,
    MAX_TEXT, Message, Status, StatusState, ToolCall, ToolResult, TranscriptMessage, UserText, schemas,
};
use duologue_agent::todo::{TodoList, TodoStatus};
use duologue_agent::{Error, ErrorKind};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

fn refused(json: &str) -> (ErrorCode, String, String) {
    let error = Envelope::parse(json.as_bytes()).expect_err(json);
    (error.code(), error.field().to_owned(), error.to_string())
}

#[test]
fn a_refused_message_is_not_answered_without_field_and_remedy() {
    use ErrorCode::{InvalidField, MissingField, NotJson, UnknownType, UnsupportedVersion};
    let long_id = "i".repeat(129);
    let long_text = "t".repeat(MAX_TEXT + 1);
    let cases = [
        ("", NotJson, "", "send one JSON object"),
        ("{\"type\":", NotJson, "", "send one JSON object"),
        ("[1,2]", NotJson, "", "object"),
        ("{}", MissingField, "type", "add it"),
        (r#"{"type":7,"data":{}}"#, InvalidField, "type", "text"),
        (r#"{"type":"teleport","data":{}}"#, UnknownType, "type", "user_text"),
        (r#"{"v":2,"type":"user_text","data":{"text":"a"}}"#, UnsupportedVersion, "v", "version 1"),
        (r#"{"v":"1","type":"user_text","data":{"text":"a"}}"#, UnsupportedVersion, "v", "version 1"),
        (r#"{"type":"user_text"}"#, MissingField, "data", "add it"),
        (r#"{"type":"status","data":[]}"#, InvalidField, "data", "object"),
        (r#"{"type":"user_text","data":{}}"#, MissingField, "data.text", "add it"),
        (r#"{"type":"user_text","data":{"text":"  "}}"#, InvalidField, "data.text", "empty"),
        (r#"{"type":"user_text","data":{"text":5}}"#, InvalidField, "data.text", "string"),
        (r#"{"type":"control","data":{"action":"dance"}}"#, InvalidField, "data.action", "interrupt"),
        (
            r#"{"type":"control","data":{"action":"end","deadline_ms":-1}}"#,
            InvalidField,
            "data.deadline_ms",
            "u32",
        ),
        (r#"{"type":"status","data":{"state":"idle","percent":101}}"#, InvalidField, "data.percent", "100"),
        (r#"{"type":"data","data":{"topic":""}}"#, InvalidField, "data.topic", "empty"),
        (
            r#"{"type":"todo","data":{"items":[{"id":"a"}]}}"#,
            MissingField,
            "data.items[0].description",
            "add it",
        ),
        (
            r#"{"type":"todo","data":{"items":[{"id":"a","description":""},{"id":"a","description":""}]}}"#,
            InvalidField,
            "data.items[1].id",
            "taken",
        ),
        (
            r#"{"timestamp":"yesterday","type":"user_text","data":{"text":"a"}}"#,
            InvalidField,
            "timestamp",
            "ISO",
        ),
        (r#"{"id":"","type":"user_text","data":{"text":"a"}}"#, InvalidField, "id", "1 to 128"),
        (r#"{"id":5,"type":"user_text","data":{"text":"a"}}"#, InvalidField, "id", "1 to 128"),
    ];
    for (json, code, field, remedy) in cases {
        let (given_code, given_field, text) = refused(json);
        assert_eq!((given_code, given_field.as_str()), (code, field), "{json}: {text}");
        assert!(text.contains(remedy), "{json}: {text:?} does not say {remedy:?}");
    }
    let json = json!({"id": long_id, "type": "user_text", "data": {"text": "a"}}).to_string();
    assert_eq!(refused(&json).1, "id");
    let json = json!({"type": "user_text", "data": {"text": long_text}}).to_string();
    assert_eq!(refused(&json).1, "data.text");
    assert_eq!(refused(&" ".repeat(MAX_BYTES + 1)).0, ErrorCode::TooLarge);
}

#[test]
fn an_answer_does_not_lose_which_message_it_answers() {
    let error = Envelope::parse(br#"{"id":"m7","type":"user_text","data":{}}"#).unwrap_err();
    let answer = Envelope::error_for(&error);
    let Message::Error(message) = &answer.message else { panic!("not an error") };
    assert_eq!(message.reply_to.as_deref(), Some("m7"));
    assert_eq!(message.field.as_deref(), Some("data.text"));
    assert!(message.recoverable);
    answer.check().unwrap();
    let error = Error::from(error);
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("data.text"));
}

#[test]
fn an_answer_to_an_endless_wrong_value_is_not_endless() {
    let long = "x".repeat(MAX_TEXT);
    for json in [
        json!({"type": long, "data": {}}),
        json!({"v": long, "type": "user_text", "data": {}}),
        json!({"timestamp": long, "type": "user_text", "data": {}}),
        json!({"type": "control", "data": {"action": long}}),
        json!({"type": "todo", "data": {"items": [{"id": "a", "description": "", "status": long}]}}),
    ] {
        let answer = Envelope::error_for(&Envelope::from_value(json).unwrap_err());
        answer.check().unwrap();
        assert!(answer.to_json().len() < 2_000);
    }
}

#[test]
fn stella_frontends_are_not_refused() {
    let parse = |json: &str| Envelope::parse(json.as_bytes()).expect(json).message;
    let typed = UserText { participant_id: Some("ada".into()), ..UserText::new("hi") };
    assert_eq!(parse(r#"{"type":"user_text","data":"hi","participant_id":"ada"}"#), Message::UserText(typed));
    let typed =
        UserText { correlation_id: Some("c".into()), transcript_id: Some("t".into()), ..UserText::new("hi") };
    let json = r#"{"type":"user_text","transcript_id":"t","data":{"text":"hi","correlation_id":"c"}}"#;
    assert_eq!(parse(json), Message::UserText(typed));
    let end = Control {
        reason: Some("done".into()),
        deadline_ms: Some(30_000),
        ..Control::new(ControlAction::End)
    };
    let json = r#"{"type":"session_end","reason":"done","deadline_ms":30000}"#;
    assert_eq!(parse(json), Message::Control(end));
    let mute = Message::Control(Control::new(ControlAction::Mute));
    assert_eq!(parse(r#"{"type":"audio_stream_mute"}"#), mute);
    let tap = DataMessage { topic: "tap".into(), payload: json!({"event": "tap", "x": 3}), from: None };
    assert_eq!(parse(r#"{"type":"client_event","data":{"event":"tap","x":3}}"#), Message::Data(tap));
    assert_eq!(refused(r#"{"type":"client_event","data":{"event":5}}"#).1, "data.topic");
    // A time without zone, as Python writes it.
    let envelope = Envelope::parse(br#"{"type":"interrupt","timestamp":"2026-01-31T12:00:00.25"}"#).unwrap();
    assert_eq!(envelope.timestamp, "2026-01-31T12:00:00.25Z".parse::<DateTime<Utc>>().unwrap());
}

#[test]
fn stella_frontends_are_not_told_what_they_cannot_show() {
    let say = |envelope: Envelope| envelope.to_stella();
    let spoken = TranscriptMessage { speaker_id: Some("ada".into()), ..TranscriptMessage::new("hi") };
    let said = say(spoken.into());
    assert_eq!((&said["type"], &said["data"]["source"]), (&json!("transcript"), &json!("user_speech")));
    assert_eq!(said["data"]["participant_id"], "ada");
    let answer = AgentText { transcript_id: Some("t".into()), ..AgentText::new("hello") };
    let said = say(answer.into());
    assert_eq!(said["data"]["transcript_id"], "t");
    assert_eq!(said["data"]["is_final"], true);
    let said = say(UserText::new("typed").into());
    assert_eq!((&said["type"], &said["data"]["source"]), (&json!("transcript"), &json!("user_text")));
    let said = say(Status::new(StatusState::Thinking).text("Looking it up").into());
    assert_eq!(said["type"], "debug");
    assert_eq!(said["data"]["content"], "thinking: Looking it up");
    let said = say(Status::new(StatusState::Interrupted).into());
    assert_eq!((&said["type"], &said["data"]["state"]), (&json!("agent_playback"), &json!("interrupted")));
    let said = say(ErrorMessage::internal("the model is gone").into());
    assert_eq!(said["data"]["level"], "error");
    let said = say(Control::new(ControlAction::End).into());
    assert_eq!(said["type"], "session_ended");

    let mut list = TodoList::new().title("Intake");
    list.add("name", "Ask the name").unwrap();
    list.add("birth", "Ask the birth date").unwrap();
    list.complete_task("name").unwrap();
    list.start_task("birth").unwrap();
    let said = say(list.into());
    assert_eq!(said["type"], "progress_update");
    let group = &said["data"]["groups"][0];
    assert_eq!(group["label"], "Intake");
    assert_eq!(group["status"], "in_progress");
    assert_eq!(
        group["items"][0],
        json!({"id":"name","label":"Ask the name","status":"completed","required":true})
    );
    assert_eq!(said["data"]["current_item_id"], "birth");
    assert_eq!(said["data"]["progress_percentage"], 50.0);
}

/// One of each type, every field filled.
fn samples() -> Vec<Message> {
    let some = |text: &str| Some(text.to_owned());
    let mut list = TodoList::new().title("t").parallel(true);
    list.add("a", "A").unwrap();
    list.update_todo("a", TodoStatus::Skipped).unwrap();
    vec![
        Message::Transcript(TranscriptMessage {
            text: "t".into(),
            is_final: false,
            transcript_id: some("i"),
            speaker_id: some("s"),
            speaker_name: some("S"),
            discarded: true,
        }),
        Message::AgentText(AgentText {
            text: "t".into(),
            is_final: false,
            transcript_id: some("i"),
            agent_id: some("a"),
            agent_name: some("A"),
        }),
        Message::UserText(UserText {
            text: "t".into(),
            correlation_id: some("c"),
            transcript_id: some("i"),
            participant_id: some("p"),
        }),
        Message::Status(Status::new(StatusState::Processing).text("t").percent(5)),
        Message::Todo(list),
        Message::Control(Control { action: ControlAction::End, reason: some("r"), deadline_ms: Some(5) }),
        Message::Error(ErrorMessage {
            field: some("f"),
            reply_to: some("r"),
            recoverable: false,
            ..ErrorMessage::internal("m")
        }),
        Message::Data(DataMessage { topic: "t".into(), payload: json!([1]), from: some("f") }),
        Message::ToolCall(ToolCall { call_id: "c".into(), name: "n".into(), arguments: "{".into() }),
        Message::ToolResult(ToolResult {
            call_id: "c".into(),
            name: "n".into(),
            output: "o".into(),
            is_error: true,
        }),
        Message::Handoff(Handoff { from: some("a"), to: "b".into() }),
    ]
}

#[test]
fn no_message_or_field_lacks_its_schema() {
    let schemas = schemas();
    let samples = samples();
    assert_eq!(schemas.len(), samples.len());
    for message in samples {
        let schema = &schemas[message.type_name()];
        let value = Envelope::new(message).to_value();
        let described = |of: &Value, fields: &Value| {
            for (field, _) in fields.as_object().unwrap() {
                assert!(of["properties"].get(field).is_some(), "{}: {field}", value["type"]);
            }
        };
        described(schema, &value);
        let data = &schema["properties"]["data"];
        described(data, &value["data"]);
        assert_eq!(data["properties"].as_object().unwrap().len(), value["data"].as_object().unwrap().len());
        assert!(!schema.to_string().contains("$ref"), "{schema}");
        // What the schema requires, the parser requires.
        for field in data["required"].as_array().into_iter().flatten() {
            let mut value = value.clone();
            value["data"].as_object_mut().unwrap().remove(field.as_str().unwrap());
            let error = Envelope::from_value(value).unwrap_err();
            assert_eq!(error.field(), format!("data.{}", field.as_str().unwrap()));
        }
    }
}

#[test]
fn an_unknown_field_of_a_newer_frontend_is_not_refused() {
    for message in samples() {
        let mut value = Envelope::new(message.clone()).to_value();
        value["later"] = json!(1);
        value["data"]["later"] = json!({"a": 1});
        assert_eq!(Envelope::from_value(value).unwrap().message, message);
    }
}

fn name() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|mut name| {
        name.truncate(name.floor_char_boundary(128));
        name
    })
}

fn filled_name() -> impl Strategy<Value = String> {
    name().prop_filter("filled", |name| !name.is_empty())
}

fn message() -> impl Strategy<Value = Message> {
    let text = any::<String>;
    let maybe = || option::of(name());
    let state = prop_oneof![
        Just(StatusState::Idle),
        Just(StatusState::Listening),
        Just(StatusState::Speaking),
        Just(StatusState::Escalated)
    ];
    let action = prop_oneof![
        Just(ControlAction::Interrupt),
        Just(ControlAction::Mute),
        Just(ControlAction::Unmute),
        Just(ControlAction::End)
    ];
    let items = proptest::collection::btree_map(filled_name(), (name(), 0..3_u8), 0..8);
    prop_oneof![
        (text(), any::<bool>(), maybe(), maybe(), maybe(), any::<bool>()).prop_map(
            |(text, is_final, transcript_id, speaker_id, speaker_name, discarded)| {
                Message::Transcript(TranscriptMessage {
                    text,
                    is_final,
                    transcript_id,
                    speaker_id,
                    speaker_name,
                    discarded,
                })
            }
        ),
        (text(), any::<bool>(), maybe(), maybe(), maybe()).prop_map(
            |(text, is_final, transcript_id, agent_id, agent_name)| {
                Message::AgentText(AgentText { text, is_final, transcript_id, agent_id, agent_name })
            }
        ),
        (text(), maybe(), maybe(), maybe())
            .prop_filter("filled", |(text, ..)| !text.trim().is_empty())
            .prop_map(|(text, correlation_id, transcript_id, participant_id)| {
                Message::UserText(UserText { text, correlation_id, transcript_id, participant_id })
            }),
        (state, option::of(text()), option::of(0..=100_u8))
            .prop_map(|(state, text, percent)| Message::Status(Status { state, text, percent })),
        (items, maybe(), any::<bool>()).prop_map(|(items, title, parallel)| {
            let mut list = TodoList::new().parallel(parallel);
            if let Some(title) = title {
                list = list.title(title);
            }
            let statuses = [TodoStatus::Pending, TodoStatus::InProgress, TodoStatus::Completed];
            for (id, (description, status)) in items {
                list.add(&id, description).unwrap();
                // Refused where another one is in progress: that is a valid list too.
                let _ = list.update_todo(&id, statuses[usize::from(status)]);
            }
            Message::Todo(list)
        }),
        (action, maybe(), option::of(0..=600_000_u32)).prop_map(|(action, reason, deadline_ms)| {
            Message::Control(Control { action, reason, deadline_ms })
        }),
        (text(), maybe(), maybe(), any::<bool>()).prop_map(|(message, field, reply_to, recoverable)| {
            Message::Error(ErrorMessage { field, reply_to, recoverable, ..ErrorMessage::internal(message) })
        }),
        (filled_name(), text(), any::<i64>(), maybe()).prop_map(|(topic, text, number, from)| {
            Message::Data(DataMessage { topic, payload: json!({"a": [text, number, null]}), from })
        }),
        (name(), name(), text()).prop_map(|(call_id, name, arguments)| Message::ToolCall(ToolCall {
            call_id,
            name,
            arguments
        })),
        (name(), name(), text(), any::<bool>()).prop_map(|(call_id, name, output, is_error)| {
            Message::ToolResult(ToolResult { call_id, name, output, is_error })
        }),
        (maybe(), filled_name()).prop_map(|(from, to)| Message::Handoff(Handoff { from, to })),
    ]
}

proptest! {
    #[test]
    fn no_valid_envelope_is_changed_on_its_way(
        message in message(),
        id in filled_name(),
        seconds in 0..4_000_000_000_i64,
        nanos in 0..1_000_000_000_u32,
    ) {
        let timestamp = DateTime::from_timestamp(seconds, nanos).unwrap();
        let envelope = Envelope { id, timestamp, message };
        prop_assert!(envelope.check().is_ok());
        prop_assert_eq!(&Envelope::parse(envelope.to_json().as_bytes()).unwrap(), &envelope);
        let by_serde: Envelope = serde_json::from_str(&serde_json::to_string(&envelope).unwrap()).unwrap();
        prop_assert_eq!(&by_serde, &envelope);
        envelope.to_stella();
        envelope.message.readable();
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Envelope::parse(&bytes);
    }

    #[test]
    fn no_mangled_message_panics_or_is_answered_with_what_is_refused(
        message in message(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = Envelope::new(message).to_json().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        match Envelope::parse(&bytes) {
            Ok(envelope) => prop_assert!(envelope.check().is_ok()),
            Err(error) => prop_assert!(Envelope::error_for(&error).check().is_ok()),
        }
    }

    #[test]
    fn no_json_of_the_wrong_shape_panics(
        name in "transcript|agent_text|user_text|status|todo|control|error|data|client_event|session_end",
        field in "text|state|items|action|topic|event|code|message",
        value in prop_oneof![Just(json!(null)), Just(json!(-1.5)), Just(json!([{}])), Just(json!({"a": []}))],
    ) {
        let json = json!({"type": name, "data": {field: value}});
        if let Err(error) = Envelope::from_value(json) {
            prop_assert!(!error.field().is_empty());
        }
    }
}
