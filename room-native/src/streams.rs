//! Puts incoming streams together.
//!
//! Invariant: a stream that grows past its limit is given up, and its end says so.

use std::collections::HashMap;

use duologue_room::engine::{
    ByteStream, RoomEvent, TextStream,
    support::{BYTES_LIMIT, TEXT_LIMIT, too_long},
};
use futures_util::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::FuturesUnordered,
};
use livekit::{ByteStreamReader, StreamError, StreamReader, TextStreamReader};

use crate::convert;

/// The open streams of a room.
#[derive(Default)]
pub(crate) struct Streams {
    next: u64,
    texts: HashMap<u64, (TextStream, String)>,
    bytes: HashMap<u64, ByteStream>,
    /// Each waits for what comes next of its stream.
    reading: FuturesUnordered<BoxFuture<'static, Read>>,
}

/// A reader, and what it gave; `None` at the end.
pub(crate) enum Read {
    Text(u64, TextStreamReader, Option<Result<String, StreamError>>),
    Bytes(u64, ByteStreamReader, Option<Result<Vec<u8>, StreamError>>),
}

impl Streams {
    pub(crate) fn open_text(&mut self, reader: TextStreamReader, from: String) -> RoomEvent {
        let stream = convert::text_stream(reader.info(), from);
        let key = self.key();
        self.texts.insert(key, (stream.clone(), String::new()));
        self.read_text(key, reader);
        RoomEvent::TextOpened(stream)
    }

    pub(crate) fn open_bytes(&mut self, reader: ByteStreamReader, from: String) {
        let stream = convert::byte_stream(reader.info(), from);
        let key = self.key();
        self.bytes.insert(key, stream);
        self.read_bytes(key, reader);
    }

    /// What comes next of any open stream; never, if none is open. Safe to drop while it waits.
    pub(crate) async fn next(&mut self) -> Read {
        match self.reading.next().await {
            Some(read) => read,
            None => std::future::pending().await,
        }
    }

    /// What `read` tells, if anything.
    pub(crate) fn take(&mut self, read: Read) -> Option<RoomEvent> {
        match read {
            Read::Text(key, reader, Some(Ok(chunk))) => {
                let (stream, text) = self.texts.get_mut(&key)?;
                if text.len() + chunk.len() > TEXT_LIMIT {
                    return self.close_text(key, Some(too_long(TEXT_LIMIT)));
                }
                text.push_str(&chunk);
                let id = stream.id.clone();
                self.read_text(key, reader);
                Some(RoomEvent::TextChunk { id, text: chunk })
            }
            Read::Text(key, reader, end) => {
                if let Some((stream, _)) = self.texts.get_mut(&key) {
                    stream.attributes = convert::attributes(reader.info().attributes());
                }
                self.close_text(key, error(end))
            }
            Read::Bytes(key, reader, Some(Ok(chunk))) => {
                let stream = self.bytes.get_mut(&key)?;
                if stream.payload.len() + chunk.len() > BYTES_LIMIT {
                    return self.close_bytes(key, Some(too_long(BYTES_LIMIT)));
                }
                stream.payload.extend_from_slice(&chunk);
                self.read_bytes(key, reader);
                None
            }
            Read::Bytes(key, reader, end) => {
                if let Some(stream) = self.bytes.get_mut(&key) {
                    stream.attributes = convert::attributes(reader.info().attributes());
                }
                self.close_bytes(key, error(end))
            }
        }
    }

    /// Ends whatever is open; tells what to say.
    pub(crate) fn break_off(&mut self) -> Vec<RoomEvent> {
        self.reading.clear();
        let open: Vec<u64> = self.texts.keys().chain(self.bytes.keys()).copied().collect();
        let why = || Some("the room is over".to_owned());
        open.into_iter()
            .filter_map(|key| self.close_text(key, why()).or_else(|| self.close_bytes(key, why())))
            .collect()
    }

    fn key(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn read_text(&self, key: u64, mut reader: TextStreamReader) {
        self.reading.push(
            async move {
                let read = reader.next().await;
                Read::Text(key, reader, read)
            }
            .boxed(),
        );
    }

    fn read_bytes(&self, key: u64, mut reader: ByteStreamReader) {
        self.reading.push(
            async move {
                let read = reader.next().await.map(|read| read.map(Vec::from));
                Read::Bytes(key, reader, read)
            }
            .boxed(),
        );
    }

    fn close_text(&mut self, key: u64, error: Option<String>) -> Option<RoomEvent> {
        let (stream, text) = self.texts.remove(&key)?;
        Some(RoomEvent::TextClosed { stream, text, error })
    }

    fn close_bytes(&mut self, key: u64, error: Option<String>) -> Option<RoomEvent> {
        let stream = self.bytes.remove(&key)?;
        Some(RoomEvent::Bytes(ByteStream { error, ..stream }))
    }
}

fn error<T>(end: Option<Result<T, StreamError>>) -> Option<String> {
    end.and_then(Result::err).map(|error| error.to_string())
}
