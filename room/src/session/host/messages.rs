//! What frontends send, and what they are told: typed words, messages, calls, and the debug panel's questions.

use std::sync::Arc;

use duologue_agent::SessionEvent;
use duologue_agent::message::{Envelope, Message, UserText};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::debug;
use super::super::incoming::{self, Incoming};
use super::super::options::{DebugPanel, MessageStyle};
use super::Host;
use crate::engine::{ByteStream, ParticipantKind, Room, RpcCall, RpcFailure, StreamOptions, TextStream};
use crate::preconnect;

/// Text streams of typed words are about this.
const CHAT_TOPIC: &str = "lk.chat";
/// Messages to frontends that may wait.
pub(super) const OUTBOX: usize = 512;

/// A message on its way to the room.
pub(super) struct Outgoing {
    payload: Vec<u8>,
    /// To this participant only.
    to: Option<String>,
}

impl<U: Send + Sync + 'static> Host<U> {
    fn is_linked(&self, identity: &str) -> bool {
        self.link.linked().is_some_and(|person| person.identity == identity)
    }

    fn may_debug(&self, identity: &str) -> bool {
        self.options.debug.admits(identity, self.is_linked(identity))
    }

    pub(super) fn text_came(&self, stream: &TextStream, text: &str) {
        if stream.topic == CHAT_TOPIC && self.is_linked(&stream.from) {
            self.typed(text);
        }
    }

    fn typed(&self, text: &str) {
        let text = text.trim();
        if !self.options.chat || text.is_empty() {
            return;
        }
        // It interrupts, and is answered.
        if let Err(error) = self.session.user_text(text) {
            tracing::warn!("what was typed was not taken: {error}");
        }
    }

    pub(super) fn bytes_came(&mut self, stream: ByteStream) {
        if let Some(error) = &stream.error {
            return tracing::warn!(
                "a byte stream about {} of {} broke off: {error}",
                stream.topic,
                stream.from
            );
        }
        match stream.topic.as_str() {
            preconnect::TOPIC => self.recording_came(&stream),
            debug::TOPIC if self.options.debug != DebugPanel::Off => self.asked(&stream),
            _ => {}
        }
    }

    fn asked(&mut self, stream: &ByteStream) {
        let Some(request) = debug::request(&stream.payload) else { return };
        let admitted = self.may_debug(&stream.from);
        if admitted && !self.watchers.contains(&stream.from) {
            self.watchers.push(stream.from.clone());
        }
        let (room, session, to) = (Arc::clone(&self.room), self.session.clone(), stream.from.clone());
        tokio::spawn(async move {
            let answer =
                if admitted { debug::answer(&session, request).await } else { debug::refusal(request) };
            send_debug(&*room, answer, vec![to]).await;
        });
    }

    pub(super) fn data_came(&self, from: Option<&str>, topic: Option<&str>, payload: &[u8]) {
        // A server's packets are the application's own.
        let linked = from.is_none_or(|from| self.is_linked(from));
        match incoming::read(payload, topic, from) {
            Incoming::Message(message) => {
                if let Message::UserText(UserText { .. }) | Message::Control(_) = &message
                    && !linked
                {
                    return tracing::debug!("{} of somebody who is not linked", message.type_name());
                }
                self.take(message, from);
            }
            Incoming::Typed(text) if linked => self.typed(&text),
            Incoming::Refused(answer) => self.send(&answer, from),
            Incoming::Typed(_) | Incoming::Ignored => {}
        }
    }

    fn take(&self, message: Message, from: Option<&str>) {
        // An agent's own words, from another agent in the room.
        let agents =
            from.and_then(|from| self.present.get(from)).is_some_and(|p| p.kind == ParticipantKind::Agent);
        let shown = matches!(&message, Message::UserText(_)).then(|| Envelope::new(message.clone()));
        match self.session.receive(message) {
            // It comes back, to confirm that it was taken.
            Ok(()) => shown.into_iter().for_each(|shown| self.send(&shown, None)),
            Err(_) if agents => {}
            Err(error) => {
                let refused = duologue_agent::message::ErrorMessage::internal(error.to_string());
                self.send(&Envelope::from(refused), from);
            }
        }
    }

    pub(super) fn called(&self, call: RpcCall) {
        let handler = self.options.rpc.get(&call.method).cloned();
        let room = Arc::clone(&self.room);
        tokio::spawn(async move {
            let (id, limit) = (call.id, call.timeout);
            let answer = match handler {
                Some(handler) => timeout(limit, handler(call))
                    .await
                    .unwrap_or_else(|_| Err(RpcFailure::new(1502, "the agent took too long"))),
                None => Err(RpcFailure::new(1400, "the agent knows no such method")),
            };
            if let Err(error) = room.answer_rpc(id, answer).await {
                tracing::warn!("a call was not answered: {error}");
            }
        });
    }

    pub(super) fn tell_watchers(&self, event: &SessionEvent) {
        // Another may be talked with since they asked.
        let to: Vec<String> =
            self.watchers.iter().filter(|watcher| self.may_debug(watcher)).cloned().collect();
        if to.is_empty() {
            return;
        }
        if let Some(bytes) = debug::event(event, self.agent_state) {
            let room = Arc::clone(&self.room);
            tokio::spawn(async move { send_debug(&*room, bytes, to).await });
        }
    }

    /// Queues a message for `to`, or for everybody.
    pub(super) fn send(&self, envelope: &Envelope, to: Option<&str>) {
        let payload = match self.options.messages {
            MessageStyle::Stella => envelope.to_stella().to_string(),
            MessageStyle::Envelopes | MessageStyle::Off => envelope.to_json(),
        };
        let outgoing = Outgoing { payload: payload.into_bytes(), to: to.map(str::to_owned) };
        if self.outbox.try_send(outgoing).is_err() {
            tracing::warn!("a {} message was lost: {OUTBOX} wait for the room", envelope.message.type_name());
        }
    }
}

pub(super) async fn send_messages(room: Arc<dyn Room>, topic: String, mut queue: mpsc::Receiver<Outgoing>) {
    while let Some(Outgoing { payload, to }) = queue.recv().await {
        let to: Vec<String> = to.into_iter().collect();
        if let Err(error) = room.publish_data(&payload, Some(&topic), true, &to).await {
            tracing::warn!("a message of {} bytes was not sent: {error}", payload.len());
        }
    }
}

async fn send_debug(room: &dyn Room, bytes: Vec<u8>, to: Vec<String>) {
    let options = StreamOptions { to, ..StreamOptions::topic(debug::TOPIC) };
    if let Err(error) = room.send_bytes(&bytes, &options).await {
        tracing::debug!("the debug panel was not told: {error}");
    }
}
