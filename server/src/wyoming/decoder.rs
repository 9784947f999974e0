//! Bytes to events: [`Decoder`].
//!
//! Invariants: any cut of the same bytes gives the same events; of each part of an event no more is kept than
//! [`Limits`] allow, and nothing is set aside for bytes that are only announced; after [`Malformed`] nothing more comes,
//! because nobody knows where the next event would begin.
//!
//! Life cycle: [`Decoder::new`] → [`Decoder::decode`] until it gives `None` → more bytes.
//!
//! ```
//! use duologue_server::wyoming::{Decoder, Limits};
//!
//! let mut decoder = Decoder::new(Limits::default());
//! let mut bytes = &b"{\"type\": \"ping\", \"data_length\": 14}\n{\"text\": \"hi\"}{\"type\""[..];
//! let ping = decoder.decode(&mut bytes)?.unwrap();
//! assert_eq!((ping.kind.as_str(), &ping.data["text"]), ("ping", &"hi".into()));
//! assert!(decoder.decode(&mut bytes)?.is_none() && bytes.is_empty());
//! # Ok::<(), duologue_server::wyoming::Malformed>(())
//! ```

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Event;

/// Most bytes of each part of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of the line.
    pub line: usize,
    /// Of the data behind it.
    pub data: usize,
    /// Of the payload.
    pub payload: usize,
}

impl Default for Limits {
    /// A line of 64 KiB, 256 KiB of data, 1 MiB of payload: clients send text of a few KiB and sound of 2 KiB.
    fn default() -> Self {
        Self { line: 64 << 10, data: 256 << 10, payload: 1 << 20 }
    }
}

/// The bytes are no event; the message says what is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

/// Takes bytes as they come and gives whole events.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    part: Part,
    /// What has come of the part.
    held: Vec<u8>,
}

/// The part of an event that comes next.
#[derive(Debug)]
enum Part {
    Line,
    Data { event: Event, length: usize, payload: usize },
    Payload { event: Event, length: usize },
    Broken(Malformed),
}

/// The line. A length that is negative, fractional or text is refused by its type.
#[derive(Deserialize)]
struct Head {
    r#type: String,
    #[serde(default)]
    data: Option<Map<String, Value>>,
    #[serde(default)]
    data_length: Option<u64>,
    #[serde(default)]
    payload_length: Option<u64>,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new(limits: Limits) -> Self {
        Self { limits, part: Part::Line, held: Vec::new() }
    }

    /// The next event; takes from `bytes` what belongs to it. `None` when more bytes are needed: all are taken then.
    ///
    /// # Errors
    /// [`Malformed`], and again at every later call.
    pub fn decode(&mut self, bytes: &mut &[u8]) -> Result<Option<Event>, Malformed> {
        let decoded = self.advance(bytes);
        if let Err(malformed) = &decoded {
            self.part = Part::Broken(malformed.clone());
            self.held = Vec::new();
        }
        decoded
    }

    fn advance(&mut self, bytes: &mut &[u8]) -> Result<Option<Event>, Malformed> {
        loop {
            match std::mem::replace(&mut self.part, Part::Line) {
                Part::Broken(malformed) => return Err(malformed),
                Part::Line => {
                    let Some(line) = self.line(bytes)? else { return Ok(None) };
                    self.part = self.begin(&line)?;
                }
                Part::Data { mut event, length, payload } => {
                    let Some(data) = self.take(length, bytes) else {
                        self.part = Part::Data { event, length, payload };
                        return Ok(None);
                    };
                    event.data.extend(object(&data)?);
                    self.part = Part::Payload { event, length: payload };
                }
                Part::Payload { mut event, length } => {
                    let Some(payload) = self.take(length, bytes) else {
                        self.part = Part::Payload { event, length };
                        return Ok(None);
                    };
                    event.payload = payload;
                    return Ok(Some(event));
                }
            }
        }
    }

    fn begin(&self, line: &[u8]) -> Result<Part, Malformed> {
        let head: Head = serde_json::from_slice(line)
            .map_err(|error| Malformed(format!("no event: {error}; send one JSON object a line")))?;
        let length = within("data_length", head.data_length, self.limits.data)?;
        let payload = within("payload_length", head.payload_length, self.limits.payload)?;
        let event = Event { kind: head.r#type, data: head.data.unwrap_or_default(), payload: Vec::new() };
        Ok(if length == 0 {
            Part::Payload { event, length: payload }
        } else {
            Part::Data { event, length, payload }
        })
    }

    /// A whole line, once its end has come.
    fn line(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let more = end.unwrap_or(bytes.len());
        if self.held.len() + more > self.limits.line {
            let most = self.limits.line;
            return Err(Malformed(format!(
                "a line of more than {most} bytes; put long text behind it as data"
            )));
        }
        self.held.extend_from_slice(&bytes[..more]);
        *bytes = &bytes[more + usize::from(end.is_some())..];
        Ok(end.map(|_| std::mem::take(&mut self.held)))
    }

    /// `length` bytes, once they have come.
    fn take(&mut self, length: usize, bytes: &mut &[u8]) -> Option<Vec<u8>> {
        let (now, later) = bytes.split_at(bytes.len().min(length - self.held.len()));
        self.held.extend_from_slice(now);
        *bytes = later;
        (self.held.len() == length).then(|| std::mem::take(&mut self.held))
    }
}

fn within(key: &str, length: Option<u64>, most: usize) -> Result<usize, Malformed> {
    let length = length.unwrap_or(0);
    usize::try_from(length).ok().filter(|&length| length <= most).ok_or_else(|| {
        Malformed(format!("{key} {length}: at most {most} bytes are taken; send less at once"))
    })
}

fn object(data: &[u8]) -> Result<Map<String, Value>, Malformed> {
    serde_json::from_slice(data)
        .map_err(|error| Malformed(format!("data: {error}; send one JSON object of data_length bytes")))
}
