//! What a data packet from the room means. No room, no session.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use duologue_agent::message::{DataMessage, Envelope, MAX_NAME, Message};
use serde_json::{Value, json};

/// Topic of typed text in old frontends, which new ones send along with `lk.chat`.
const LEGACY_CHAT: &str = "lk-chat-topic";
/// Topic of a packet that names none.
const NO_TOPIC: &str = "data";

/// What is to be done about a data packet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Incoming {
    /// The session takes it.
    Message(Message),
    /// Somebody typed.
    Typed(String),
    /// It is refused with this answer.
    Refused(Box<Envelope>),
    /// It is for somebody else.
    Ignored,
}

/// What the packet `payload` about `topic` means, sent by `from`.
pub(super) fn read(payload: &[u8], topic: Option<&str>, from: Option<&str>) -> Incoming {
    let topic = topic.filter(|topic| !topic.is_empty());
    if topic == Some(LEGACY_CHAT) {
        return typed(payload);
    }
    if topic.is_some_and(|topic| topic.starts_with("lk.") || topic.starts_with("lk-")) {
        return Incoming::Ignored;
    }
    let value = serde_json::from_slice::<Value>(payload);
    if let Ok(Value::Object(fields)) = &value
        && fields.get("type").is_some_and(Value::is_string)
    {
        return envelope(payload, from);
    }
    let content = value.unwrap_or_else(|_| match std::str::from_utf8(payload) {
        Ok(text) => text.into(),
        Err(_) => json!({ "base64": BASE64.encode(payload) }),
    });
    let topic = topic.filter(|topic| topic.len() <= MAX_NAME).unwrap_or(NO_TOPIC);
    Incoming::Message(Message::Data(DataMessage {
        topic: topic.into(),
        payload: content,
        from: from.map(str::to_owned),
    }))
}

fn envelope(payload: &[u8], from: Option<&str>) -> Incoming {
    match Envelope::parse(payload) {
        // Another agent's words in the same room are not ours to answer.
        Ok(Envelope { message: Message::Error(_), .. }) => Incoming::Ignored,
        Ok(Envelope { message: Message::Data(data), .. }) => {
            // Who sent it is what the room says.
            Incoming::Message(Message::Data(DataMessage { from: from.map(str::to_owned), ..data }))
        }
        Ok(Envelope { message, .. }) => Incoming::Message(message),
        Err(error) => Incoming::Refused(Box::new(Envelope::error_for(&error))),
    }
}

fn typed(payload: &[u8]) -> Incoming {
    let Ok(chat) = serde_json::from_slice::<Value>(payload) else { return Incoming::Ignored };
    // It comes as a text stream as well.
    if chat["ignoreLegacy"] == true {
        return Incoming::Ignored;
    }
    match chat["message"].as_str().map(str::trim) {
        Some(text) if !text.is_empty() => Incoming::Typed(text.to_owned()),
        _ => Incoming::Ignored,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_agent::message::{Control, ControlAction, UserText};
    use proptest::prelude::*;

    #[test]
    fn a_frontends_envelope_is_not_taken_for_data() {
        let typed = read(br#"{"type":"user_text","data":{"text":"hi"}}"#, Some("duologue"), Some("ada"));
        assert_eq!(typed, Incoming::Message(Message::UserText(UserText::new("hi"))));
        let end = read(br#"{"type":"session_end"}"#, None, Some("ada"));
        assert_eq!(end, Incoming::Message(Message::Control(Control::new(ControlAction::End))));
    }

    #[test]
    fn a_wrong_envelope_is_answered_with_its_field() {
        let Incoming::Refused(answer) = read(br#"{"id":"7","type":"user_text","data":{}}"#, None, None)
        else {
            panic!("not refused");
        };
        let value = answer.to_value();
        assert_eq!((&value["data"]["field"], &value["data"]["reply_to"]), (&json!("data.text"), &json!("7")));
    }

    #[test]
    fn an_error_is_not_answered_with_an_error() {
        let error = Envelope::from(duologue_agent::message::ErrorMessage::internal("no")).to_json();
        assert_eq!(read(error.as_bytes(), None, Some("other-agent")), Incoming::Ignored);
    }

    #[test]
    fn data_of_any_kind_reaches_the_agent_with_its_sender() {
        let data = |payload: &[u8], topic| match read(payload, topic, Some("ada")) {
            Incoming::Message(Message::Data(data)) => (data.topic, data.payload, data.from),
            other => panic!("no data: {other:?}"),
        };
        let ada = Some("ada".to_owned());
        assert_eq!(data(b"{\"x\":1}", Some("game")), ("game".into(), json!({"x": 1}), ada.clone()));
        assert_eq!(data(b"hello", None), ("data".into(), json!("hello"), ada.clone()));
        assert_eq!(data(&[0xff, 0xfe], None), ("data".into(), json!({"base64": "//4="}), ada));
        let forged = br#"{"type":"data","data":{"topic":"t","payload":1,"from":"root"}}"#;
        assert_eq!(data(forged, None).2.as_deref(), Some("ada"));
    }

    #[test]
    fn typed_text_is_not_taken_twice() {
        let old = br#"{"id":"1","timestamp":1,"message":"hello"}"#;
        assert_eq!(read(old, Some("lk-chat-topic"), None), Incoming::Typed("hello".into()));
        let both = br#"{"id":"1","timestamp":1,"message":"hello","ignoreLegacy":true}"#;
        assert_eq!(read(both, Some("lk-chat-topic"), None), Incoming::Ignored);
    }

    proptest! {
        #[test]
        fn any_packet_is_understood_or_refused(payload in prop::collection::vec(any::<u8>(), 0..300), topic in ".{0,200}") {
            if let Incoming::Message(message) = read(&payload, Some(&topic), None) {
                Envelope::new(message).check().map_err(|error| TestCaseError::fail(error.to_string()))?;
            }
        }
    }
}
