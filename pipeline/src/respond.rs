//! The seam to whoever thinks: a [`Responder`] is asked once per user turn and writes its answer,
//! as it comes, into a [`Reply`].
//!
//! A reply is bounded: a writer that is faster than speech waits, one that nobody listens to any
//! more is told so. Dropping the reply ends the answer; dropping it in a panic fails it. So every
//! ask ends in exactly one of done, failed or abandoned, whatever the responder does.
//!
//! ```
//! use duologue_pipeline::{Reply, Responder, UserTurn};
//!
//! struct Parrot;
//!
//! impl Responder for Parrot {
//!     fn respond(&self, turn: UserTurn, reply: Reply) {
//!         let _ = reply.text(&format!("You said: {}.", turn.text));
//!     }
//! }
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most text, in bytes, that waits between a responder and the mouth.
pub const REPLY_CAPACITY: usize = 64 * 1024;
/// How long a full reply makes its writer wait before it gives up.
pub const REPLY_PATIENCE: Duration = Duration::from_secs(60);

/// What the user said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserTurn {
    /// Number of the turn, counting up from 1.
    pub turn: u64,
    /// The words of the whole turn.
    pub text: String,
    /// Whether the user may still go on: an answer to a speculative turn is spoken only once the
    /// turn is committed, and must have no effects before.
    pub speculative: bool,
    /// Whether the user typed it, or at least its end.
    pub typed: bool,
}

/// Answers the user's turns.
///
/// `respond` runs on a thread of its own and may block; an async responder spawns a task, moves the reply
/// into it, and says by [`Responder::blocks`] that it needs no thread.
pub trait Responder: Send + Sync {
    /// Answers `turn` by writing into `reply`.
    fn respond(&self, turn: UserTurn, reply: Reply);

    /// Whether answering has no effects but the reply, so that it may begin before it is certain
    /// that the user has finished (see [`UserTurn::speculative`]). An answer that may be needed is
    /// then there sooner; one that is not is thrown away.
    fn speculates(&self) -> bool {
        false
    }

    /// Whether `respond` may wait. One that hands the reply on and returns is called on the conversation's
    /// own thread: no thread is made for each turn.
    fn blocks(&self) -> bool {
        true
    }
}

impl<F: Fn(UserTurn, Reply) + Send + Sync> Responder for F {
    fn respond(&self, turn: UserTurn, reply: Reply) {
        self(turn, reply);
    }
}

/// Why a piece of text was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyError {
    /// Nobody listens any more (the user interrupted, or the turn was abandoned): stop writing.
    Stopped,
    /// [`REPLY_CAPACITY`] is waiting and was not spoken within [`REPLY_PATIENCE`]: stop writing.
    Full,
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "the turn is over: nobody listens to this reply any more; stop writing",
            Self::Full => "64 KiB of text wait to be spoken; write as the speech goes on, or stop",
        })
    }
}

impl std::error::Error for ReplyError {}

/// What has become of the turn a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyState {
    /// The user may still go on: nothing may have an effect yet.
    Speculative,
    /// It is the user's turn for good; effects may happen.
    Committed,
    /// Nobody listens any more: interrupted, or, if it was speculative, it never happened.
    Stopped,
}

type OnChange = Box<dyn FnMut(ReplyState) + Send>;
type OnRoom = Box<dyn FnMut() + Send>;

/// How a reply ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReplyEnd {
    Done,
    Failed(String),
}

struct State {
    pending: VecDeque<String>,
    bytes: usize,
    end: Option<ReplyEnd>,
    turn: ReplyState,
    on_change: Option<OnChange>,
    on_room: Option<OnRoom>,
}

impl State {
    fn stopped(&self) -> bool {
        self.turn == ReplyState::Stopped
    }

    fn turn_into(&mut self, turn: ReplyState) {
        if self.turn == turn {
            return;
        }
        self.turn = turn;
        if let Some(on_change) = &mut self.on_change {
            on_change(turn);
        }
    }
}

struct Shared {
    state: Mutex<State>,
    room: Condvar,
    wake: Box<dyn Fn() + Send + Sync>,
    patience: Duration,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's end of an answer.
pub struct Reply {
    shared: Arc<Shared>,
}

impl Reply {
    /// Adds `delta` to the answer; it is spoken as soon as it makes a clause. Waits while the reply
    /// is full.
    ///
    /// # Errors
    /// [`ReplyError::Stopped`] once nobody listens; [`ReplyError::Full`] after [`REPLY_PATIENCE`].
    pub fn text(&self, delta: &str) -> Result<(), ReplyError> {
        let deadline = Instant::now() + self.shared.patience;
        let mut state = self.shared.lock();
        while !state.stopped() && state.bytes >= REPLY_CAPACITY {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ReplyError::Full);
            }
            state = self.shared.room.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.put(state, delta)
    }

    /// Like [`Reply::text`], but never waits.
    ///
    /// # Errors
    /// As [`Reply::text`], [`ReplyError::Full`] at once.
    pub fn try_text(&self, delta: &str) -> Result<(), ReplyError> {
        let state = self.shared.lock();
        if !state.stopped() && state.bytes >= REPLY_CAPACITY {
            return Err(ReplyError::Full);
        }
        self.put(state, delta)
    }

    /// Whether nobody listens any more.
    pub fn is_stopped(&self) -> bool {
        self.shared.lock().stopped()
    }

    /// Tells what becomes of the turn, also after the reply has ended.
    pub fn watch(&self) -> ReplyWatch {
        ReplyWatch { shared: Arc::clone(&self.shared) }
    }

    /// Ends the answer as failed; what was written before is still spoken.
    pub fn fail(self, reason: impl Into<String>) {
        self.shared.lock().end.get_or_insert(ReplyEnd::Failed(reason.into()));
    }

    fn put(&self, mut state: MutexGuard<'_, State>, delta: &str) -> Result<(), ReplyError> {
        if state.stopped() {
            return Err(ReplyError::Stopped);
        }
        if delta.is_empty() {
            return Ok(());
        }
        state.bytes += delta.len();
        state.pending.push_back(delta.to_owned());
        drop(state);
        (self.shared.wake)();
        Ok(())
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        let end = if std::thread::panicking() {
            ReplyEnd::Failed("the responder panicked".to_owned())
        } else {
            ReplyEnd::Done
        };
        self.shared.lock().end.get_or_insert(end);
        (self.shared.wake)();
    }
}

/// Tells a writer what becomes of the turn it answers. A reply that was written to its end and
/// committed stays [`ReplyState::Committed`], however its speech ends.
#[derive(Clone)]
pub struct ReplyWatch {
    shared: Arc<Shared>,
}

impl ReplyWatch {
    /// What has become of the turn.
    pub fn state(&self) -> ReplyState {
        self.shared.lock().turn
    }

    /// Calls `changed` with the state now and with each later one, in place of whatever was called
    /// before. It runs on the pipeline's threads: it must not wait, nor use the reply.
    pub fn on_change(&self, mut changed: impl FnMut(ReplyState) + Send + 'static) {
        let mut state = self.shared.lock();
        changed(state.turn);
        state.on_change = Some(Box::new(changed));
    }

    /// Calls `has_room` each time text was read, so that a writer whom [`Reply::try_text`] told of a full
    /// reply knows when to try again. Otherwise as [`ReplyWatch::on_change`].
    pub fn on_room(&self, has_room: impl FnMut() + Send + 'static) {
        self.shared.lock().on_room = Some(Box::new(has_room));
    }
}

/// The pipeline's end of an answer.
pub(crate) struct ReplyReader {
    shared: Arc<Shared>,
}

impl ReplyReader {
    /// The oldest text that waits.
    pub fn next(&mut self) -> Option<String> {
        let mut state = self.shared.lock();
        let text = state.pending.pop_front()?;
        state.bytes -= text.len();
        if let Some(has_room) = &mut state.on_room {
            has_room();
        }
        self.shared.room.notify_all();
        Some(text)
    }

    /// How the answer ended, once everything of it has been read.
    pub fn end(&self) -> Option<ReplyEnd> {
        let state = self.shared.lock();
        if state.pending.is_empty() { state.end.clone() } else { None }
    }

    /// The turn is the user's for good.
    pub fn commit(&self) {
        self.shared.lock().turn_into(ReplyState::Committed);
    }

    pub fn is_committed(&self) -> bool {
        self.shared.lock().turn == ReplyState::Committed
    }
}

impl Drop for ReplyReader {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let complete = state.end.is_some() && state.pending.is_empty();
        if !(complete && state.turn == ReplyState::Committed) {
            state.turn_into(ReplyState::Stopped);
        }
        state.pending.clear();
        state.bytes = 0;
        self.shared.room.notify_all();
    }
}

/// A reply to a turn that stands as `turn` says, and its reader; `wake` is called after each write,
/// `patience` bounds a full writer's wait.
pub(crate) fn reply(
    turn: ReplyState,
    wake: Box<dyn Fn() + Send + Sync>,
    patience: Duration,
) -> (Reply, ReplyReader) {
    let state = State { pending: VecDeque::new(), bytes: 0, end: None, turn, on_change: None, on_room: None };
    let shared = Arc::new(Shared { state: Mutex::new(state), room: Condvar::new(), wake, patience });
    (Reply { shared: Arc::clone(&shared) }, ReplyReader { shared })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Reply, ReplyReader) {
        reply(ReplyState::Committed, Box::new(|| {}), Duration::ZERO)
    }

    #[test]
    fn text_written_before_the_end_is_not_lost() {
        let (writer, mut reader) = pair();
        writer.text("hello").unwrap();
        writer.fail("model died");
        assert_eq!(reader.end(), None);
        assert_eq!(reader.next().as_deref(), Some("hello"));
        assert_eq!(reader.end(), Some(ReplyEnd::Failed("model died".into())));
    }

    #[test]
    fn a_writer_nobody_listens_to_does_not_write_on() {
        let (writer, reader) = pair();
        drop(reader);
        assert_eq!(writer.text("hello"), Err(ReplyError::Stopped));
        assert!(writer.is_stopped());
    }

    #[test]
    fn a_writer_that_has_finished_is_told_of_the_commit() {
        let (writer, reader) = reply(ReplyState::Speculative, Box::new(|| {}), Duration::ZERO);
        let watch = writer.watch();
        let (told, seen) = std::sync::mpsc::channel();
        watch.on_change(move |state| told.send(state).unwrap());
        drop(writer);
        assert_eq!(reader.end(), Some(ReplyEnd::Done));
        reader.commit();
        drop(reader);
        assert_eq!(
            seen.try_iter().collect::<Vec<_>>(),
            [ReplyState::Speculative, ReplyState::Committed],
            "a complete answer is not stopped"
        );
    }

    #[test]
    fn an_answer_that_is_taken_back_is_not_committed() {
        let (writer, reader) = reply(ReplyState::Speculative, Box::new(|| {}), Duration::ZERO);
        let watch = writer.watch();
        drop(writer);
        drop(reader);
        assert_eq!(watch.state(), ReplyState::Stopped);
    }

    #[test]
    fn an_endless_answer_does_not_fill_the_memory() {
        let (writer, mut reader) = pair();
        let line = "x".repeat(1000);
        let taken = (0..10_000).take_while(|_| writer.text(&line).is_ok()).count();
        assert_eq!(taken, REPLY_CAPACITY.div_ceil(1000));
        let (told, room) = std::sync::mpsc::channel();
        writer.watch().on_room(move || told.send(()).unwrap());
        assert_eq!(writer.try_text("more"), Err(ReplyError::Full));
        reader.next();
        assert_eq!(room.try_iter().count(), 1, "a writer that waits is told of room");
        writer.text("more").unwrap();
    }

    #[test]
    fn a_panic_is_not_taken_for_the_end_of_the_answer() {
        let (writer, mut reader) = pair();
        let panicked = std::thread::spawn(move || {
            writer.text("well").unwrap();
            panic!("no idea");
        })
        .join();
        assert!(panicked.is_err());
        assert_eq!(reader.next().as_deref(), Some("well"));
        assert!(matches!(reader.end(), Some(ReplyEnd::Failed(_))));
    }
}
