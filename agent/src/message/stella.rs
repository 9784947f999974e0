//! The words of STELLA's frontends: they send and expect `{"type":…,"data":…}` without version, id
//! and time, and call some things otherwise.

use serde_json::{Map, Value, json};

use super::{ControlAction, Envelope, Message, StatusState, check};
use crate::todo::{TodoList, TodoStatus};

/// Rewrites what STELLA's frontends send; what they do not is left as it is.
pub(super) fn understand(fields: &mut Map<String, Value>) {
    let Some(name) = fields.get("type").and_then(Value::as_str) else { return };
    let control = |action: &str| Some(("control", json!({ "action": action })));
    let rewritten = match name {
        "user_text" => return lift_user_text(fields),
        "audio_stream_mute" => control("mute"),
        "audio_stream_unmute" => control("unmute"),
        "interrupt" => control("interrupt"),
        "session_end" => control("end"),
        "client_event" => client_event(fields),
        _ => None,
    };
    let Some((name, mut data)) = rewritten else { return };
    if name == "control" {
        for field in ["reason", "deadline_ms"] {
            if let Some(value) = fields.remove(field) {
                data[field] = value;
            }
        }
    }
    fields.insert("type".into(), name.into());
    fields.insert("data".into(), data);
}

/// The text may be `data` itself, and who typed it may stand beside `data`.
fn lift_user_text(fields: &mut Map<String, Value>) {
    if let Some(text @ Value::String(_)) = fields.get("data") {
        let text = text.clone();
        fields.insert("data".into(), json!({ "text": text }));
    }
    for name in ["participant_id", "transcript_id"] {
        let Some(value) = fields.get(name).filter(|value| value.is_string()).cloned() else { continue };
        if let Some(Value::Object(data)) = fields.get_mut("data") {
            data.entry(name).or_insert(value);
        }
    }
}

/// Something the user did on the device: its name is the topic.
fn client_event(fields: &Map<String, Value>) -> Option<(&'static str, Value)> {
    let data = fields.get("data")?;
    let event = data.get("event")?;
    Some(("data", json!({ "topic": event, "payload": data })))
}

/// What STELLA's frontends show for `envelope`.
pub(super) fn payload(envelope: &Envelope) -> Value {
    let mut payload = envelope.to_value();
    let (name, data) = match &envelope.message {
        Message::Transcript(transcript) => {
            payload["data"]["participant_id"] = json!(transcript.speaker_id);
            payload["data"]["source"] = "user_speech".into();
            return payload;
        }
        Message::AgentText(_) => {
            payload["data"]["source"] = "agent_response".into();
            return payload;
        }
        // They show what was typed when it comes back as a transcript.
        Message::UserText(typed) => (
            "transcript",
            json!({
                "text": typed.text, "is_final": true, "transcript_id": typed.transcript_id,
                "speaker_id": typed.participant_id, "speaker_name": typed.participant_id,
                "participant_id": typed.participant_id, "correlation_id": typed.correlation_id,
                "source": "user_text",
            }),
        ),
        Message::Status(status) => match status.state {
            StatusState::Speaking | StatusState::Interrupted => {
                ("agent_playback", json!({ "state": status.state, "text": status.text }))
            }
            _ => debug(envelope, "status", "info"),
        },
        Message::Todo(list) => ("progress_update", progress(list)),
        Message::Control(control) => match control.action {
            ControlAction::End => ("session_ended", json!({ "reason": control.reason })),
            ControlAction::Interrupt => ("agent_playback", json!({ "state": "interrupted" })),
            ControlAction::Mute => ("audio_stream_mute", json!({})),
            ControlAction::Unmute => ("audio_stream_unmute", json!({})),
        },
        Message::Error(_) => debug(envelope, "error", "error"),
        Message::Data(message) => ("agent_command", command(&message.topic, &message.payload)),
        Message::ToolCall(_) | Message::ToolResult(_) => debug(envelope, "tool", "info"),
        Message::Handoff(_) => debug(envelope, "handoff", "info"),
    };
    payload["type"] = name.into();
    payload["data"] = data;
    payload
}

fn debug(envelope: &Envelope, component: &str, level: &str) -> (&'static str, Value) {
    let metadata = envelope.to_value()["data"].take();
    let content = envelope.message.readable();
    let data = json!({ "content": content, "component": component, "level": level, "metadata": metadata });
    ("debug", data)
}

fn command(topic: &str, payload: &Value) -> Value {
    let mut data = match payload {
        Value::Object(_) => payload.clone(),
        other => json!({ "payload": other }),
    };
    data["command"] = topic.into();
    data
}

/// A list as one group of their task panel.
fn progress(list: &TodoList) -> Value {
    let (done, all) = check::progress(list);
    let status = match (done, list.current()) {
        (done, _) if done == all => TodoStatus::Completed,
        (0, None) => TodoStatus::Pending,
        _ => TodoStatus::InProgress,
    };
    let items: Vec<_> = list
        .items()
        .iter()
        .map(|item| json!({ "id": item.id, "label": item.description, "status": item.status, "required": true }))
        .collect();
    let percentage = if all == 0 { 0.0 } else { 100.0 * done as f64 / all as f64 };
    json!({
        "groups": [{
            "id": "todo", "label": list.title_text().unwrap_or("To do"),
            "execution_mode": if list.is_parallel() { "flexible" } else { "sequential" },
            "status": status, "items": items, "is_current": true,
        }],
        "current_group_id": "todo",
        "current_item_id": list.current().map(|item| &item.id),
        "progress_percentage": percentage,
        "elapsed_minutes": 0.0,
    })
}
