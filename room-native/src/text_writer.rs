//! An open text stream.

use std::sync::Arc;

use async_trait::async_trait;
use duologue_room::{
    Error,
    engine::{
        Attributes, DEADLINE, StreamOptions, TextWriter,
        support::{closed, failed},
    },
};
use livekit::{StreamTextOptions, StreamWriter, TextStreamWriter};

use crate::{convert, shared::Shared};

#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    id: String,
    /// Taken when the stream is closed.
    writer: Option<Handle>,
}

/// Without `Debug` of its own.
struct Handle(TextStreamWriter);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TextStreamWriter")
    }
}

pub(crate) async fn open(shared: &Arc<Shared>, options: &StreamOptions) -> Result<Writer, Error> {
    let what = "opening a text stream";
    let mut theirs = StreamTextOptions::new_with_topic(&options.topic);
    theirs.attributes = convert::map(&options.attributes);
    theirs.destination_identities = options.to.iter().cloned().map(Into::into).collect();
    theirs.id.clone_from(&options.id);
    theirs.sender_identity = options.sender.clone().map(Into::into);
    let me = shared.me();
    // One that comes too late closes itself when it is dropped.
    let writer = shared
        .ask(what, DEADLINE, async move { me.stream_text(theirs).await })
        .await?
        .map_err(|e| failed(what, &e.to_string()))?;
    Ok(Writer { shared: shared.clone(), id: writer.info().id.clone(), writer: Some(Handle(writer)) })
}

#[async_trait]
impl TextWriter for Writer {
    fn id(&self) -> &str {
        &self.id
    }

    async fn write(&mut self, text: &str) -> Result<(), Error> {
        let what = "writing to a text stream";
        let Some(Handle(writer)) = &self.writer else { return Err(closed()) };
        let (writer, text) = (writer.clone(), text.to_owned());
        self.shared
            .ask(what, DEADLINE, async move { writer.write(&text).await })
            .await?
            .map_err(|e| failed(what, &e.to_string()))
    }

    async fn close(mut self: Box<Self>, attributes: &Attributes) -> Result<(), Error> {
        let what = "closing a text stream";
        let Some(Handle(writer)) = self.writer.take() else { return Err(closed()) };
        let attributes = convert::map(attributes);
        self.shared
            .ask(what, DEADLINE, async move { writer.close_with_options(None, Some(attributes)).await })
            .await?
            .map_err(|e| failed(what, &e.to_string()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Its last clone closes the stream, for which it needs the runtime.
        let _within = self.shared.runtime.enter();
        self.writer = None;
    }
}
