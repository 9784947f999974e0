//! One message of the protocol, and how it is written: [`Event`].
//!
//! ```text
//! {"type": "audio-chunk", "version": "1.10.2", "data_length": 43, "payload_length": 2048}⏎
//! {"rate": 16000, "width": 2, "channels": 1}          data_length bytes of JSON
//! 00 00 01 00 …                                       payload_length bytes
//! ```

use serde_json::{Map, Value, json};

/// Version of the protocol's library that this was written against; nobody's behaviour depends on it.
const VERSION: &str = "1.10.2";

/// One message: its type, its data, and bytes that belong to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// What it is: `describe`, `audio-chunk`, …
    pub kind: String,
    /// What it says.
    pub data: Map<String, Value>,
    /// Sound, for a chunk of it; otherwise empty.
    pub payload: Vec<u8>,
}

impl Event {
    /// An event of type `kind`. What is no JSON object has no data in it.
    ///
    /// ```
    /// use duologue_server::wyoming::Event;
    /// use serde_json::json;
    ///
    /// let event = Event::new("ping", json!({ "text": "hello" }));
    /// assert_eq!(event.data["text"], "hello");
    /// ```
    pub fn new(kind: &str, data: Value) -> Self {
        let data = match data {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        Self { kind: kind.to_owned(), data, payload: Vec::new() }
    }

    /// The same with these bytes.
    #[must_use]
    pub fn with_payload(mut self, payload: Vec<u8>) -> Self {
        self.payload = payload;
        self
    }

    /// As it goes over the wire. Data stands behind the line, where the protocol's own library puts it.
    pub fn encode(&self) -> Vec<u8> {
        let data = if self.data.is_empty() { Vec::new() } else { bytes(&self.data) };
        let mut head = Map::new();
        head.insert("type".into(), json!(self.kind));
        head.insert("version".into(), json!(VERSION));
        if !data.is_empty() {
            head.insert("data_length".into(), json!(data.len()));
        }
        if !self.payload.is_empty() {
            head.insert("payload_length".into(), json!(self.payload.len()));
        }
        let mut encoded = bytes(&head);
        encoded.push(b'\n');
        encoded.extend(data);
        encoded.extend_from_slice(&self.payload);
        encoded
    }
}

fn bytes(object: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(object).expect("invariant: an object with text for keys is JSON")
}
