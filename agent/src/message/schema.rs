//! The messages as JSON schemas.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{
    AgentText, Control, DataMessage, ErrorMessage, Handoff, MAX_NAME, Status, TodoList, ToolCall, ToolResult,
    TranscriptMessage, UserText, VERSION,
};

/// The JSON schema (2020-12) of each message with its envelope, by `type`.
///
/// ```
/// let schemas = duologue_agent::message::schemas();
/// let required = &schemas["user_text"]["properties"]["data"]["required"];
/// assert_eq!(required, &serde_json::json!(["text"]));
/// ```
pub fn schemas() -> BTreeMap<&'static str, Value> {
    [
        schema::<TranscriptMessage>("transcript"),
        schema::<AgentText>("agent_text"),
        schema::<UserText>("user_text"),
        schema::<Status>("status"),
        schema::<TodoList>("todo"),
        schema::<Control>("control"),
        schema::<ErrorMessage>("error"),
        schema::<DataMessage>("data"),
        schema::<ToolCall>("tool_call"),
        schema::<ToolResult>("tool_result"),
        schema::<Handoff>("handoff"),
    ]
    .into()
}

fn schema<T: JsonSchema>(name: &'static str) -> (&'static str, Value) {
    // Inlined: the data's definitions would otherwise be sought at the envelope's root.
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut data = settings.into_generator().into_root_schema_for::<T>();
    data.remove("$schema");
    let envelope = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "type": "object",
        "properties": {
            "v": { "const": VERSION },
            "id": { "type": "string", "minLength": 1, "maxLength": MAX_NAME },
            "timestamp": { "type": "string", "format": "date-time" },
            "type": { "const": name },
            "data": data,
        },
        "required": ["type", "data"],
    });
    (name, envelope)
}
