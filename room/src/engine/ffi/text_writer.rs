//! An open text stream.

use std::sync::Arc;

use async_trait::async_trait;
use duologue_native::livekit::{
    Handle,
    proto::{
        StreamTextOptions, TextStreamOpenRequest, TextStreamWriterCloseRequest, TextStreamWriterWriteRequest,
        ffi_event::Message, ffi_request::Message as Request, text_stream_open_callback,
    },
};

use super::{convert, hub::odd, shared::Shared};
use crate::{
    Error,
    engine::{Attributes, DEADLINE, StreamOptions, TextWriter, support::failed},
};

#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    id: String,
    /// Taken when the stream is closed, because closing takes the handle too.
    handle: Option<Handle>,
}

pub(super) fn text_options(options: &StreamOptions) -> StreamTextOptions {
    StreamTextOptions {
        topic: options.topic.clone(),
        attributes: convert::map(&options.attributes),
        destination_identities: options.to.clone(),
        id: options.id.clone(),
        sender_identity: options.sender.clone(),
        ..StreamTextOptions::default()
    }
}

pub(super) async fn open(shared: &Arc<Shared>, options: &StreamOptions) -> Result<Writer, Error> {
    let what = "opening a text stream";
    let options = text_options(options);
    let answer = shared
        .ask(what, DEADLINE, |id| {
            Request::TextStreamOpen(TextStreamOpenRequest {
                local_participant_handle: shared.local_handle(),
                options,
                request_async_id: Some(id),
            })
        })
        .await?;
    let Message::TextStreamOpen(callback) = answer else { return Err(odd(what)) };
    match callback.result {
        Some(text_stream_open_callback::Result::Writer(writer)) => Ok(Writer {
            shared: shared.clone(),
            id: writer.info.stream_id,
            handle: Some(shared.hub().native().adopt(writer.handle.id)),
        }),
        Some(text_stream_open_callback::Result::Error(error)) => Err(failed(what, &error.description)),
        None => Err(odd(what)),
    }
}

impl Writer {
    fn close_request(handle: u64, attributes: &Attributes, id: u64) -> Request {
        Request::TextStreamClose(TextStreamWriterCloseRequest {
            writer_handle: handle,
            reason: None,
            request_async_id: Some(id),
            attributes: convert::map(attributes),
        })
    }
}

#[async_trait]
impl TextWriter for Writer {
    fn id(&self) -> &str {
        &self.id
    }

    async fn write(&mut self, text: &str) -> Result<(), Error> {
        let what = "writing to a text stream";
        let Some(handle) = &self.handle else { return Err(odd(what)) };
        let handle = handle.id();
        let answer = self
            .shared
            .ask(what, DEADLINE, |id| {
                Request::TextStreamWrite(TextStreamWriterWriteRequest {
                    writer_handle: handle,
                    text: text.to_owned(),
                    request_async_id: Some(id),
                })
            })
            .await?;
        let Message::TextStreamWriterWrite(callback) = answer else { return Err(odd(what)) };
        callback.error.map_or(Ok(()), |error| Err(failed(what, &error.description)))
    }

    async fn close(mut self: Box<Self>, attributes: &Attributes) -> Result<(), Error> {
        let what = "closing a text stream";
        let Some(handle) = self.handle.take() else { return Err(odd(what)) };
        let answer =
            self.shared.ask(what, DEADLINE, |id| Self::close_request(handle.id(), attributes, id)).await?;
        let Message::TextStreamWriterClose(callback) = answer else { return Err(odd(what)) };
        callback.error.map_or(Ok(()), |error| Err(failed(what, &error.description)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(handle) = self.handle.take() else { return };
        if self.shared.alive().is_err() {
            return;
        }
        let id = self.shared.hub().waiter().id;
        let request = Self::close_request(handle.id(), &Attributes::new(), id);
        if let Err(error) = self.shared.hub().request(request) {
            tracing::debug!(%error, "a text stream was not closed");
        }
    }
}
