//! What a room, its tracks, its writers and its task share, and how work is asked of the crate `livekit`.

use std::{
    fmt,
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use duologue_room::{
    Error, ErrorKind,
    engine::support::{closed, failed},
};
use livekit::{Room, RoomError, participant::LocalParticipant};
use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
};

use crate::{calls::Calls, state::State};

/// How long the end of a room may take to be told after leaving was answered.
pub(crate) const END: Duration = Duration::from_secs(2);

/// One joined room.
pub(crate) struct Shared {
    pub room: Room,
    pub runtime: Handle,
    pub calls: Calls,
    state: Mutex<State>,
    life: watch::Sender<Life>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Life {
    In,
    Leaving,
    Over,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("room", &self.room).field("life", &self.life).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(room: Room, state: State, calls: Calls) -> Self {
        let (life, _) = watch::channel(Life::In);
        Self { room, runtime: Handle::current(), calls, state: Mutex::new(state), life }
    }

    pub(crate) fn me(&self) -> LocalParticipant {
        self.room.local_participant()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn alive(&self) -> Result<(), Error> {
        if *self.life.borrow() == Life::In { Ok(()) } else { Err(closed()) }
    }

    pub(crate) fn is_leaving(&self) -> bool {
        *self.life.borrow() == Life::Leaving
    }

    pub(crate) fn life(&self) -> watch::Receiver<Life> {
        self.life.subscribe()
    }

    /// Notes that the room is being left; false if it was before.
    pub(crate) fn start_leaving(&self) -> bool {
        self.life.send_if_modified(|life| {
            let first = *life == Life::In;
            if first {
                *life = Life::Leaving;
            }
            first
        })
    }

    /// Lets go of everything; the room is over.
    pub(crate) fn close(&self) {
        self.state().clear();
        self.calls.clear();
        self.life.send_replace(Life::Over);
    }

    /// Ends when the room has been left and its end was not told.
    pub(crate) fn leaving(&self) -> impl Future<Output = ()> + use<> {
        let mut life = self.life.subscribe();
        async move {
            if life.wait_for(|life| *life != Life::In).await.is_ok() {
                tokio::time::sleep(END).await;
            }
        }
    }

    /// Does `work` in a task of its own and waits for its result, at most `deadline` and not beyond the end of the room.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        what: &str,
        deadline: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        self.ask_or(what, deadline, work, |_| std::future::ready(())).await
    }

    /// As `ask`; a result that comes too late goes to `undo`.
    pub(crate) async fn ask_or<T: Send + 'static, U: Future<Output = ()> + Send>(
        &self,
        what: &str,
        deadline: Duration,
        work: impl Future<Output = T> + Send + 'static,
        undo: impl FnOnce(T) -> U + Send + 'static,
    ) -> Result<T, Error> {
        self.alive()?;
        let (sender, answer) = oneshot::channel();
        self.runtime.spawn(async move {
            if let Err(unwanted) = sender.send(work.await) {
                undo(unwanted).await;
            }
        });
        let mut life = self.life.subscribe();
        tokio::select! {
            biased;
            answer = tokio::time::timeout(deadline, answer) => match answer {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(_)) => Err(broken(what)),
                Err(_) => Err(too_late(what, deadline)),
            },
            _ = life.wait_for(|life| *life == Life::Over) => Err(closed()),
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An error of a room's request, in the room crate's terms.
pub(crate) fn refusal(what: &str, error: &RoomError) -> Error {
    match error {
        RoomError::AlreadyClosed => closed(),
        other => failed(what, &other.to_string()),
    }
}

fn broken(what: &str) -> Error {
    Error::new(
        ErrorKind::Engine,
        format!("{what}: LiveKit's crate failed; its panic is on standard error, join again"),
    )
}

fn too_late(what: &str, deadline: Duration) -> Error {
    Error::new(
        ErrorKind::TimedOut,
        format!("{what} took longer than {} s; check the network and the server", deadline.as_secs()),
    )
}
