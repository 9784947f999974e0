//! The keeper: hands what became history to the store, on a thread of its own.
//!
//! Invariant: the conversation never waits for the store; what it cannot keep is told of.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use tokio::sync::oneshot;

use super::SessionEvent;
use super::events::EventHub;
use crate::chat::{ChatContext, ChatItem};
use crate::store::{HistoryQuery, HistoryStore, StoredMessage};
use crate::{Error, ErrorKind};

/// Items that may wait for the store.
const CAPACITY: usize = 1_024;

enum Order {
    Keep(Box<ChatItem>),
    Flush(oneshot::Sender<()>),
}

/// See the [module](self). Dropping it lets the thread finish what waits.
pub(crate) struct Keeper {
    store: Arc<dyn HistoryStore>,
    orders: SyncSender<Order>,
    events: Arc<EventHub>,
}

impl Keeper {
    pub(crate) fn start(
        store: Arc<dyn HistoryStore>,
        session: &str,
        events: Arc<EventHub>,
    ) -> Result<Self, Error> {
        let (orders, inbox) = sync_channel(CAPACITY);
        let (session, told, kept) = (session.to_owned(), Arc::clone(&events), Arc::clone(&store));
        std::thread::Builder::new()
            .name("duologue-history".into())
            .spawn(move || run(&*kept, &session, &inbox, &told))
            .map_err(|error| {
                Error::new(ErrorKind::Store, format!("no thread for the history: {error}")).with_cause(error)
            })?;
        Ok(Self { store, orders, events })
    }

    /// Keeps `item` soon.
    pub(crate) fn keep(&self, item: &ChatItem) {
        let Err(error) = self.orders.try_send(Order::Keep(Box::new(item.clone()))) else { return };
        let message = match error {
            TrySendError::Full(_) => {
                format!("{CAPACITY} items wait for the history store; {} is not kept", item.id)
            }
            TrySendError::Disconnected(_) => {
                format!("the history store has panicked; {} is not kept", item.id)
            }
        };
        self.events.publish(SessionEvent::from(&Error::new(ErrorKind::Store, message)));
    }

    /// Waits until everything so far is kept, or could not be.
    pub(crate) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.orders.try_send(Order::Flush(done)).is_ok() {
            // A thread that is gone has nothing left to keep.
            let _ = flushed.await;
        }
    }
}

/// What `query` asks of `session`, with everything that has happened so far.
pub(crate) async fn recall(
    keeper: &Keeper,
    session: &str,
    query: HistoryQuery,
) -> Result<Vec<StoredMessage>, Error> {
    keeper.flush().await;
    let (store, session) = (Arc::clone(&keeper.store), session.to_owned());
    let read = tokio::task::spawn_blocking(move || store.chat_history(&session, query));
    read.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Store, "the history store has panicked")))
}

/// What was kept of `session`, at most `limit` items.
pub(crate) fn resume(store: &dyn HistoryStore, session: &str, limit: usize) -> Result<ChatContext, Error> {
    Ok(store.load_latest_items(session, limit)?.into_iter().collect())
}

fn run(store: &dyn HistoryStore, session: &str, inbox: &Receiver<Order>, events: &EventHub) {
    for order in inbox {
        match order {
            Order::Keep(item) => {
                if let Err(error) = store.append(session, &StoredMessage::from(&*item)) {
                    tracing::warn!(%error, "an item of the history is not kept");
                    events.publish(SessionEvent::from(&error));
                }
            }
            // Who waited may have given up.
            Order::Flush(done) => drop(done.send(())),
        }
    }
}
