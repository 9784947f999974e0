//! JSON schemas of arguments, and arguments of JSON.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::ToolError;

/// Most bytes of a schema that an error about arguments quotes.
const HINT_LIMIT: usize = 2048;

/// The schema of `T`, a struct of arguments, as a model is told: self-contained, and without what
/// costs a small model tokens and tells it nothing (titles, Rust's number formats).
///
/// ```
/// #[derive(schemars::JsonSchema, serde::Deserialize)]
/// struct Arguments {
///     /// In minutes.
///     minutes: u8,
/// }
/// let schema = duologue_agent::tool::parameters::<Arguments>();
/// assert_eq!(schema["properties"]["minutes"]["description"], "In minutes.");
/// assert_eq!(schema["properties"]["minutes"]["maximum"], 255);
/// ```
pub fn parameters<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(tidy).transform(&mut schema);
    let mut schema = schema.to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("title");
        object.remove("description");
        object.entry("type").or_insert_with(|| Value::from("object"));
        object.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    }
    schema
}

fn tidy(schema: &mut Schema) {
    let number = |kind: &Value| kind == "integer" || kind == "number";
    let is_number = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(number),
        Some(kind) => number(kind),
        None => false,
    };
    if is_number {
        schema.remove("format");
    }
}

/// The arguments as `T`.
///
/// # Errors
/// A visible error that names the argument and quotes the schema, so that the model can correct it.
pub fn parse_arguments<T: DeserializeOwned + JsonSchema>(arguments: Value) -> Result<T, ToolError> {
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!("`{path}`: ") };
        ToolError::new(format!(
            "the arguments do not fit: {place}{}; they are {}",
            error.inner(),
            hint(&parameters::<T>())
        ))
    })
}

/// The model's text as an object; no text at all is an object without arguments.
///
/// # Errors
/// What the model is told, with `schema`.
pub(super) fn parse_object(text: &str, schema: &Value) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_str(text) {
        Ok(Value::Null) => Ok(Value::Object(Map::new())),
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err(format!("the arguments must be a JSON object; they are {}", hint(schema))),
        Err(error) => Err(format!(
            "the arguments are not valid JSON ({error}); they are a JSON object: {}",
            hint(schema)
        )),
    }
}

fn hint(schema: &Value) -> String {
    let mut text = schema.to_string();
    if text.len() > HINT_LIMIT {
        text.truncate(text.floor_char_boundary(HINT_LIMIT));
        text.push('…');
    }
    text
}
