//! Puts incoming streams together.
//!
//! Invariant: a stream that grows past its limit is given up, and its end says so.

use std::collections::HashMap;

use duologue_native::livekit::{
    Handle,
    proto::{
        ByteStreamReaderEvent, TextStreamReaderEvent, byte_stream_reader_event, text_stream_reader_event,
    },
};

use crate::engine::{
    ByteStream, RoomEvent, TextStream,
    support::{BYTES_LIMIT, TEXT_LIMIT, too_long},
};

/// The open streams of a room, by their readers' handles.
#[derive(Default)]
pub(super) struct Streams {
    texts: HashMap<u64, OpenText>,
    bytes: HashMap<u64, OpenBytes>,
}

struct OpenText {
    stream: TextStream,
    text: String,
    _reader: Handle,
}

struct OpenBytes {
    stream: ByteStream,
    _reader: Handle,
}

impl Streams {
    pub(super) fn open_text(&mut self, reader: Handle, stream: TextStream) {
        self.texts.insert(reader.id(), OpenText { stream, text: String::new(), _reader: reader });
    }

    pub(super) fn open_bytes(&mut self, reader: Handle, stream: ByteStream) {
        self.bytes.insert(reader.id(), OpenBytes { stream, _reader: reader });
    }

    /// What an event of a text stream tells, and the reader's handle if the stream is over.
    pub(super) fn text(&mut self, event: TextStreamReaderEvent) -> (Option<RoomEvent>, Option<u64>) {
        let reader = event.reader_handle;
        match event.detail {
            Some(text_stream_reader_event::Detail::ChunkReceived(chunk)) => {
                let Some(open) = self.texts.get_mut(&reader) else { return (None, None) };
                if open.text.len() + chunk.content.len() > TEXT_LIMIT {
                    return (self.close_text(reader, Some(too_long(TEXT_LIMIT))), Some(reader));
                }
                open.text.push_str(&chunk.content);
                (Some(RoomEvent::TextChunk { id: open.stream.id.clone(), text: chunk.content }), None)
            }
            Some(text_stream_reader_event::Detail::Eos(end)) => {
                if let Some(open) = self.texts.get_mut(&reader) {
                    open.stream.attributes.extend(end.attributes);
                }
                (self.close_text(reader, end.error.map(|error| error.description)), Some(reader))
            }
            None => (None, None),
        }
    }

    /// As [`text`](Self::text), for bytes.
    pub(super) fn bytes(&mut self, event: ByteStreamReaderEvent) -> (Option<RoomEvent>, Option<u64>) {
        let reader = event.reader_handle;
        match event.detail {
            Some(byte_stream_reader_event::Detail::ChunkReceived(chunk)) => {
                let Some(open) = self.bytes.get_mut(&reader) else { return (None, None) };
                if open.stream.payload.len() + chunk.content.len() > BYTES_LIMIT {
                    return (self.close_bytes(reader, Some(too_long(BYTES_LIMIT))), Some(reader));
                }
                open.stream.payload.extend_from_slice(&chunk.content);
                (None, None)
            }
            Some(byte_stream_reader_event::Detail::Eos(end)) => {
                if let Some(open) = self.bytes.get_mut(&reader) {
                    open.stream.attributes.extend(end.attributes);
                }
                (self.close_bytes(reader, end.error.map(|error| error.description)), Some(reader))
            }
            None => (None, None),
        }
    }

    /// Ends whatever is open; tells what to say and which readers are over.
    pub(super) fn break_off(&mut self) -> (Vec<RoomEvent>, Vec<u64>) {
        let readers: Vec<u64> = self.texts.keys().chain(self.bytes.keys()).copied().collect();
        let why = || Some("the room is over".to_owned());
        let events = readers
            .iter()
            .filter_map(|&reader| self.close_text(reader, why()).or_else(|| self.close_bytes(reader, why())))
            .collect();
        (events, readers)
    }

    fn close_text(&mut self, reader: u64, error: Option<String>) -> Option<RoomEvent> {
        let open = self.texts.remove(&reader)?;
        Some(RoomEvent::TextClosed { stream: open.stream, text: open.text, error })
    }

    fn close_bytes(&mut self, reader: u64, error: Option<String>) -> Option<RoomEvent> {
        let open = self.bytes.remove(&reader)?;
        Some(RoomEvent::Bytes(ByteStream { error, ..open.stream }))
    }
}
