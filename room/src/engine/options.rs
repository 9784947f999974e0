//! What may be chosen when joining, publishing and streaming.

use std::time::Duration;

use super::{Attributes, TrackSource};

/// How to join.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// Subscribe to every track that is published. Else tracks are chosen with [`Room::set_subscribed`](super::Room::set_subscribed).
    pub auto_subscribe: bool,
    /// How long joining may take, all tries together.
    pub timeout: Duration,
    /// How often joining is tried again after the first time.
    pub retries: u32,
    /// How many events may wait for their reader; more are dropped and told of.
    pub event_queue: usize,
}

impl Default for ConnectOptions {
    /// Subscribes to everything; 15 s; tries once more; 4,096 events.
    fn default() -> Self {
        Self { auto_subscribe: true, timeout: Duration::from_secs(15), retries: 1, event_queue: 4096 }
    }
}

impl ConnectOptions {
    /// Whether to subscribe to every track.
    pub fn with_auto_subscribe(mut self, auto_subscribe: bool) -> Self {
        self.auto_subscribe = auto_subscribe;
        self
    }

    /// How long joining may take.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often joining is tried again.
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// How many events may wait for their reader.
    pub fn with_event_queue(mut self, event_queue: usize) -> Self {
        self.event_queue = event_queue;
        self
    }
}

/// A track to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioTrackOptions {
    /// The track's name; frontends of LiveKit's agents expect `roomio_audio`.
    pub name: String,
    /// What the track is.
    pub source: TrackSource,
    /// Rate of the samples that will be written, 8,000 to 48,000 Hz, a multiple of 100.
    pub rate: u32,
    /// How much sound may wait in the engine, 0 to 10,000 ms, a multiple of 10. With 0 each write goes straight to the encoder and must be
    /// exactly 10 ms long.
    pub queue_ms: u32,
    /// Send next to nothing in silence.
    pub dtx: bool,
    /// Send each packet twice, against loss.
    pub red: bool,
}

impl Default for AudioTrackOptions {
    /// `roomio_audio`, a microphone at 48 kHz with a queue of 200 ms, DTX and RED: what LiveKit's own agents publish.
    fn default() -> Self {
        Self {
            name: "roomio_audio".to_owned(),
            source: TrackSource::Microphone,
            rate: 48_000,
            queue_ms: 200,
            dtx: true,
            red: true,
        }
    }
}

/// A text or byte stream to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// What the stream is about; readers subscribe by topic.
    pub topic: String,
    /// Further properties.
    pub attributes: Attributes,
    /// Identities of the receivers; all if empty.
    pub to: Vec<String>,
    /// The stream's id; chosen by the engine if `None`.
    pub id: Option<String>,
    /// Whose words these are, where the sender speaks for another.
    pub sender: Option<String>,
    /// File name of a byte stream.
    pub name: Option<String>,
    /// Media type of a byte stream; `application/octet-stream` if `None`.
    pub mime: Option<String>,
}

impl StreamOptions {
    /// A stream about `topic`, to all.
    pub fn topic(topic: impl Into<String>) -> Self {
        Self { topic: topic.into(), ..Self::default() }
    }

    /// Adds an attribute.
    pub fn with_attribute(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.insert(key.into(), value.into());
        self
    }

    /// Adds a receiver.
    pub fn with_receiver(mut self, identity: impl Into<String>) -> Self {
        self.to.push(identity.into());
        self
    }
}
