//! Events that more than one place sends.

use serde_json::{Value, json};

use super::Event;

/// An event that says nothing but its type.
pub(super) fn bare(kind: &str) -> Event {
    Event::new(kind, Value::Null)
}

/// The sound has ended without a wake word.
pub(super) fn not_detected(context: Option<&Value>) -> Event {
    let data = context.map_or(Value::Null, |context| json!({ "context": context }));
    Event::new("not-detected", data)
}
