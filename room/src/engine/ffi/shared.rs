//! What a room, its tracks, its writers and its task share: the engine's handles, the picture, and how far
//! its life has come.

use std::{
    future::Future,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use duologue_native::livekit::{
    Handle,
    proto::{ffi_event::Message, ffi_request::Message as Request},
};
use tokio::sync::watch;

use super::{
    hub::{Hub, lock},
    state::State,
};
use crate::{
    Error,
    engine::{DEADLINE, support::closed},
};

/// How long the end of a room may take to be told after leaving was answered.
const END: Duration = Duration::from_secs(2);

/// What the room, its tracks, its writers and its task share.
#[derive(Debug)]
pub(super) struct Shared {
    hub: &'static Hub,
    room: u64,
    local: Handle,
    state: Mutex<State>,
    life: watch::Sender<Life>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    In,
    Leaving,
    Over,
}

impl Shared {
    /// A room that has just been entered, by its handle and that of its local participant.
    pub(super) fn new(hub: &'static Hub, room: u64, local: Handle, state: State) -> Self {
        let (life, _) = watch::channel(Life::In);
        Self { hub, room, local, state: Mutex::new(state), life }
    }

    /// The engine's handle of the room.
    pub(super) fn handle(&self) -> u64 {
        self.room
    }

    pub(super) fn hub(&self) -> &'static Hub {
        self.hub
    }

    pub(super) fn local_handle(&self) -> u64 {
        self.local.id()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn alive(&self) -> Result<(), Error> {
        if *self.life.borrow() == Life::In { self.hub.healthy() } else { Err(closed()) }
    }

    pub(super) fn is_leaving(&self) -> bool {
        *self.life.borrow() == Life::Leaving
    }

    /// Waits for an answer, or for the end of the room.
    pub(super) async fn watch<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut life = self.life.subscribe();
        tokio::select! {
            biased;
            answer = answer => answer,
            _ = life.wait_for(|life| *life == Life::Over) => Err(closed()),
        }
    }

    /// Sends a request about this room and waits for its answer.
    pub(super) async fn ask(
        &self,
        what: &str,
        deadline: Duration,
        request: impl FnOnce(u64) -> Request,
    ) -> Result<Message, Error> {
        self.alive()?;
        self.watch(self.hub.ask(what, deadline, request)).await
    }

    /// Ends when the room has been left and its end was not told.
    pub(super) fn leaving(&self) -> impl Future<Output = ()> + use<> {
        let mut life = self.life.subscribe();
        async move {
            if life.wait_for(|life| *life != Life::In).await.is_ok() {
                tokio::time::sleep(END).await;
            }
        }
    }

    /// Waits for the end of a room that is being left; false if it is not told in time.
    pub(super) async fn has_ended(&self) -> bool {
        let mut life = self.life.subscribe();
        tokio::time::timeout(END + DEADLINE, life.wait_for(|life| *life == Life::Over)).await.is_ok()
    }

    pub(super) fn unroute(&self) {
        self.hub.unroute([self.room, self.local.id()]);
    }

    /// Lets go of everything in the engine; the room is over.
    pub(super) fn close(&self) {
        self.unroute();
        self.state().clear();
        // Without another request to leave: dropping the handle is enough for a room that is over.
        drop(self.hub.native().adopt(self.room));
        self.life.send_replace(Life::Over);
    }

    /// Notes that the room is being left; false if it was before.
    pub(super) fn start_leaving(&self) -> bool {
        self.life.send_if_modified(|life| {
            let first = *life == Life::In;
            if first {
                *life = Life::Leaving;
            }
            first
        })
    }
}
