//! What the engine tells, free of addresses: sound and payloads are copied out here, on the engine's thread, while they are valid.

use prost::Message as _;

use super::{
    handle::Handle,
    library::Engine,
    proto::{
        AudioFrameReceived, AudioStreamEvent, DataPacketKind, DataPacketReceived, FfiEvent, RoomEvent,
        UserPacket, audio_stream_event, data_packet_received, ffi_event::Message, room_event,
    },
};

/// Something that the engine tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A frame of an audio stream.
    Audio {
        /// The stream's handle.
        stream: u64,
        /// Samples per second and channel.
        rate: u32,
        /// Number of channels; their samples alternate.
        channels: u32,
        /// The samples.
        samples: Vec<i16>,
    },
    /// A data message in a room.
    Data {
        /// The room's handle.
        room: u64,
        /// Identity of the sender, empty if a server sent it.
        from: String,
        /// What it is about.
        topic: Option<String>,
        /// The message.
        payload: Vec<u8>,
        /// Whether it was sent the way that loses nothing.
        reliable: bool,
    },
    /// A line of the engine's log.
    Log {
        /// How grave it is.
        level: LogLevel,
        /// Which part of the engine says it.
        target: String,
        /// The line.
        message: String,
    },
    /// The engine failed: every room of the process is lost.
    Panic(String),
    /// Anything else. What it says of addresses means nothing any more.
    Message(Message),
    /// Bytes that are no message of this version.
    Unreadable(String),
}

/// How grave a line of the engine's log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// Something happened.
    Info,
    /// For people who look for faults.
    Debug,
    /// Everything.
    Trace,
}

/// Reads one message and hands what it tells to `each`.
pub(super) fn read(engine: &'static Engine, bytes: &[u8], each: &mut dyn FnMut(Event)) {
    let message = match FfiEvent::decode(bytes) {
        Ok(FfiEvent { message: Some(message) }) => message,
        // A kind that was added after this version: nobody here waits for it.
        Ok(FfiEvent { message: None }) => return,
        Err(e) => return each(Event::Unreadable(e.to_string())),
    };
    match message {
        Message::AudioStreamEvent(event) => match event.message {
            Some(audio_stream_event::Message::FrameReceived(frame)) => {
                each(audio(engine, event.stream_handle, &frame));
            }
            message => {
                let event = AudioStreamEvent { stream_handle: event.stream_handle, message };
                each(Event::Message(Message::AudioStreamEvent(event)));
            }
        },
        Message::RoomEvent(event) => each(room(engine, event)),
        Message::Logs(batch) => {
            for record in batch.records {
                let level = LogLevel::from(record.level());
                each(Event::Log { level, target: record.target, message: record.message });
            }
        }
        Message::Panic(panic) => each(Event::Panic(panic.message)),
        Message::CaptureAudioFrame(done) => {
            engine.returned(done.async_id);
            each(Event::Message(Message::CaptureAudioFrame(done)));
        }
        Message::PublishData(done) => {
            engine.returned(done.async_id);
            each(Event::Message(Message::PublishData(done)));
        }
        other => each(Event::Message(other)),
    }
}

fn audio(engine: &'static Engine, stream: u64, received: &AudioFrameReceived) -> Event {
    // Lets go of the frame after the copy.
    let _handle = Handle::new(received.frame.handle.id, engine);
    let info = &received.frame.info;
    let count = u64::from(info.num_channels) * u64::from(info.samples_per_channel);
    // SAFETY: the engine just told of this frame: its 16-bit samples lie there until its handle is dropped, which is after this.
    let samples = unsafe { copy::<i16>(info.data_ptr, count) };
    Event::Audio { stream, rate: info.sample_rate, channels: info.num_channels, samples }
}

fn room(engine: &'static Engine, event: RoomEvent) -> Event {
    let room = event.room_handle;
    let other = |message| Event::Message(Message::RoomEvent(RoomEvent { room_handle: room, message }));
    let packet = match event.message {
        Some(room_event::Message::DataPacketReceived(packet)) => packet,
        message => return other(message),
    };
    let reliable = packet.kind() == DataPacketKind::KindReliable;
    match packet.value {
        Some(data_packet_received::Value::User(UserPacket { data, topic })) => {
            // Lets go of the buffer after the copy.
            let _handle = Handle::new(data.handle.id, engine);
            // SAFETY: as for sound: the bytes lie there until the buffer's handle is dropped.
            let payload = unsafe { copy::<u8>(data.data.data_ptr, data.data.data_len) };
            Event::Data { room, from: packet.participant_identity, topic, payload, reliable }
        }
        value => other(Some(room_event::Message::DataPacketReceived(DataPacketReceived { value, ..packet }))),
    }
}

/// # Safety
/// `address` is 0 or that of `count` elements which nobody writes meanwhile.
unsafe fn copy<T: Copy>(address: u64, count: u64) -> Vec<T> {
    let (Ok(address), Ok(count)) = (usize::try_from(address), usize::try_from(count)) else {
        return Vec::new();
    };
    if address == 0 || count == 0 {
        return Vec::new();
    }
    // SAFETY: by the caller's promise; the address came from the same process as a number, so its provenance is exposed.
    unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance::<T>(address), count) }.to_vec()
}

impl From<super::proto::LogLevel> for LogLevel {
    fn from(level: super::proto::LogLevel) -> Self {
        use super::proto::LogLevel as Theirs;
        match level {
            Theirs::LogError => Self::Error,
            Theirs::LogWarn => Self::Warn,
            Theirs::LogInfo => Self::Info,
            Theirs::LogDebug => Self::Debug,
            Theirs::LogTrace => Self::Trace,
        }
    }
}
