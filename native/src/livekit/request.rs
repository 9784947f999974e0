//! Asking the engine for something.

use prost::Message as _;

use super::{
    handle::Handle,
    library::Engine,
    proto::{
        AudioFrameBufferInfo, CaptureAudioFrameRequest, FfiRequest, FfiResponse, PublishDataRequest,
        ffi_request::Message as Request, ffi_response::Message as Response,
    },
};
use crate::error::{Error, ErrorKind, Result};

impl Engine {
    /// Sends a request and returns the engine's immediate answer. What takes time is answered by an event later, under the
    /// `request_async_id` of the request: whoever waits for it must be ready before.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`]: the request is of a kind that could carry addresses, or the engine was not started.
    /// [`ErrorKind::Runtime`]: the engine refused it; its log says why.
    pub fn request(&'static self, request: Request) -> Result<Response> {
        if !is_free_of_addresses(&request) {
            return Err(Error::argument("this request may carry addresses and cannot be sent as it is"));
        }
        self.send(request)
    }

    /// Hands mono samples at `rate` to the audio source `source`; an event `CaptureAudioFrame` with `async_id` tells when its queue has
    /// room for more. One at a time for each source.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn capture(&'static self, source: u64, rate: u32, samples: &[i16], async_id: u64) -> Result<()> {
        let count = u32::try_from(samples.len())
            .map_err(|_| Error::argument(format!("{} samples at once are too many", samples.len())))?;
        let mut bytes = Vec::with_capacity(samples.len());
        bytes.extend_from_slice(samples);
        let data_ptr = bytes.as_ptr().expose_provenance() as u64;
        self.lend(async_id, Lent::Samples(bytes));
        let buffer =
            AudioFrameBufferInfo { data_ptr, num_channels: 1, sample_rate: rate, samples_per_channel: count };
        let request =
            CaptureAudioFrameRequest { source_handle: source, buffer, request_async_id: Some(async_id) };
        self.send(Request::CaptureAudioFrame(request)).map(drop).inspect_err(|_| self.returned(async_id))
    }

    /// Sends a data message as `request` says, whose address and length are set here; an event `PublishData` with its
    /// `request_async_id` tells how it went.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn publish_data(&'static self, payload: &[u8], mut request: PublishDataRequest) -> Result<()> {
        let Some(async_id) = request.request_async_id else {
            return Err(Error::argument("a data message needs a request_async_id"));
        };
        let bytes = payload.to_vec();
        request.data_ptr = bytes.as_ptr().expose_provenance() as u64;
        request.data_len = bytes.len() as u64;
        self.lend(async_id, Lent::Bytes(bytes));
        self.send(Request::PublishData(request)).map(drop).inspect_err(|_| self.returned(async_id))
    }

    /// Takes ownership of something that an answer or an event gave.
    pub fn adopt(&'static self, id: u64) -> Handle {
        Handle::new(id, self)
    }

    fn send(&'static self, request: Request) -> Result<Response> {
        if !self.is_started() {
            return Err(Error::argument("LiveKit's engine was not started"));
        }
        let bytes = FfiRequest { message: Some(request) }.encode_to_vec();
        let (mut data, mut len) = (std::ptr::null(), 0);
        // SAFETY: `bytes` outlive the call; addresses in them are of memory that is lent until the engine returns it.
        let handle =
            unsafe { (self.functions().request)(bytes.as_ptr(), bytes.len(), &raw mut data, &raw mut len) };
        if handle == 0 || data.is_null() {
            return Err(Error::new(
                ErrorKind::Runtime,
                "LiveKit's engine refused a request; its log says why (RUST_LOG=livekit=debug)",
            ));
        }
        // Lets go of the answer after it was read.
        let _handle = Handle::new(handle, self);
        // SAFETY: the engine returned `len` bytes at `data`, valid until their handle is dropped.
        let answer = unsafe { std::slice::from_raw_parts(data, len) };
        let answer = FfiResponse::decode(answer).map_err(|e| unreadable(&e))?;
        answer.message.ok_or_else(|| unreadable(&"it is empty"))
    }
}

/// Memory that the engine may read until it tells that it is done.
#[derive(Debug)]
#[expect(dead_code, reason = "it is kept for the engine, nobody here reads it")]
pub(super) enum Lent {
    Samples(Vec<i16>),
    Bytes(Vec<u8>),
}

fn unreadable(why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Runtime, format!("an answer of LiveKit's engine cannot be read: {why}"))
}

/// Requests whose fields hold no address (and load no code), by the engine's message definitions.
fn is_free_of_addresses(request: &Request) -> bool {
    matches!(
        request,
        Request::Connect(_)
            | Request::Disconnect(_)
            | Request::ReadyForRoomEvent(_)
            | Request::NewAudioSource(_)
            | Request::ClearAudioBuffer(_)
            | Request::CreateAudioTrack(_)
            | Request::PublishTrack(_)
            | Request::UnpublishTrack(_)
            | Request::LocalTrackMute(_)
            | Request::SetSubscribed(_)
            | Request::NewAudioStream(_)
            | Request::SetLocalMetadata(_)
            | Request::SetLocalName(_)
            | Request::SetLocalAttributes(_)
            | Request::PublishTranscription(_)
            | Request::TextReadIncremental(_)
            | Request::ByteReadIncremental(_)
            | Request::SendText(_)
            | Request::SendBytes(_)
            | Request::TextStreamOpen(_)
            | Request::TextStreamWrite(_)
            | Request::TextStreamClose(_)
            | Request::RegisterRpcMethod(_)
            | Request::UnregisterRpcMethod(_)
            | Request::RpcMethodInvocationResponse(_)
            | Request::PerformRpc(_)
            | Request::GetSessionStats(_)
            | Request::SimulateScenario(_)
    )
}
