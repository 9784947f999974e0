//! Calls of registered methods, from when they come in until they are answered.
//!
//! Invariant: a call leaves the list when it is answered, when its caller gives up, or when the room is over.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use duologue_room::{
    Error, ErrorKind,
    engine::{RpcCall, RpcFailure},
};
use livekit::prelude::{RpcError, RpcErrorCode, RpcInvocationData};
use tokio::sync::{mpsc, oneshot};

use crate::shared::lock;

type Answer = Result<String, RpcFailure>;

/// The open calls of a room; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Calls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    next: AtomicU64,
    open: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    /// To the room's task.
    told: mpsc::Sender<RpcCall>,
}

/// Takes its call off the list when dropped.
struct Open<'a> {
    calls: &'a Inner,
    id: u64,
}

impl Calls {
    /// No calls yet; `told` is told of each.
    pub(crate) fn new(told: mpsc::Sender<RpcCall>) -> Self {
        Self(Arc::new(Inner { next: AtomicU64::new(1), open: Mutex::default(), told }))
    }

    /// Tells of a call of `method` and waits for its answer as long as the caller does.
    pub(crate) async fn handle(self, method: String, data: RpcInvocationData) -> Result<String, RpcError> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        lock(&self.0.open).insert(id, sender);
        let _open = Open { calls: &self.0, id };
        let call = RpcCall {
            id,
            method,
            from: data.caller_identity.into(),
            payload: data.payload,
            timeout: data.response_timeout,
        };
        if self.0.told.try_send(call).is_err() {
            return Err(failure("too many calls wait, or the room is over"));
        }
        match tokio::time::timeout(data.response_timeout, answer).await {
            Ok(Ok(Ok(payload))) => Ok(payload),
            Ok(Ok(Err(e))) => Err(RpcError::new(e.code, e.message, e.data)),
            Ok(Err(_)) => Err(failure("the room is over")),
            Err(_) => Err(RpcError::built_in(RpcErrorCode::ResponseTimeout, None)),
        }
    }

    /// Answers a call, once.
    pub(crate) fn answer(&self, id: u64, answer: Answer) -> Result<(), Error> {
        let open = lock(&self.0.open).remove(&id);
        open.and_then(|open| open.send(answer).ok()).ok_or_else(|| {
            Error::new(
                ErrorKind::Engine,
                format!("no call {id} waits for an answer: it was answered, or its caller gave up"),
            )
        })
    }

    /// Gives up every open call.
    pub(crate) fn clear(&self) {
        lock(&self.0.open).clear();
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        lock(&self.calls.open).remove(&self.id);
    }
}

fn failure(why: &str) -> RpcError {
    RpcError::new(RpcErrorCode::ApplicationError as u32, why.to_owned(), None)
}
