//! What comes in as streams and calls.

use std::time::Duration;

use super::Attributes;

/// An incoming text stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextStream {
    /// The stream's id.
    pub id: String,
    /// What it is about.
    pub topic: String,
    /// Identity of the sender.
    pub from: String,
    /// When it was opened, in milliseconds since 1970, by the sender's clock.
    pub timestamp: i64,
    /// The attributes it was opened with, and once it is closed those that closing added.
    pub attributes: Attributes,
}

/// An incoming byte stream, complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByteStream {
    /// The stream's id.
    pub id: String,
    /// What it is about.
    pub topic: String,
    /// Identity of the sender.
    pub from: String,
    /// File name.
    pub name: String,
    /// Media type.
    pub mime: String,
    /// When it was opened, in milliseconds since 1970, by the sender's clock.
    pub timestamp: i64,
    /// The attributes it was opened with and those that closing added.
    pub attributes: Attributes,
    /// What came; all of it if `error` is `None`.
    pub payload: Vec<u8>,
    /// Why it broke off.
    pub error: Option<String>,
}

/// A call from another participant, to be answered with [`Room::answer_rpc`](super::Room::answer_rpc).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcCall {
    /// What the answer names.
    pub id: u64,
    /// The called method.
    pub method: String,
    /// Identity of the caller.
    pub from: String,
    /// What the caller sends; JSON by custom.
    pub payload: String,
    /// How long the caller waits.
    pub timeout: Duration,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcFailure {
    /// 1400 (no such method), 1401 (receiver gone), 1402 (timed out), 1500 (failed) and others of LiveKit's protocol, or the
    /// application's own.
    pub code: u32,
    /// For people; at most 256 bytes reach the other side.
    pub message: String,
    /// Further data, by custom JSON.
    pub data: Option<String>,
}

impl RpcFailure {
    /// A failure of the application.
    pub fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }
}

impl std::fmt::Display for RpcFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}
