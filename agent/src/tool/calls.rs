//! Which calls have run: no call id runs twice, whoever asks again.
//!
//! A model server may repeat an answer after a broken connection, and a turn may be tried again;
//! the light must not be switched, nor the order placed, a second time.

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::llm::ToolCall;

/// How many of the latest calls are known by their ids.
const CALLS_KEPT: usize = 4096;
/// How many of the latest calls' results are kept.
const RESULTS_KEPT: usize = 64;

/// Calls by id. Clones are the same log.
#[derive(Clone, Default)]
pub(crate) struct CallLog {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    entries: HashMap<String, Entry>,
    /// Ids of the calls that have ended, oldest first.
    ended: VecDeque<String>,
}

struct Entry {
    fingerprint: u64,
    progress: Progress,
}

enum Progress {
    /// Under way; the receiver learns the end, or that there is none.
    Running(watch::Receiver<Option<Settled>>),
    Ended(Settled),
    /// Ended so long ago that only this is known.
    Forgotten,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    Result { text: Arc<str>, is_error: bool },
    Handoff,
    Silent,
}

/// What the log knows of a call.
pub(crate) enum Entered {
    /// Nothing: run it.
    First(Ticket),
    /// It is under way.
    Running(watch::Receiver<Option<Settled>>),
    /// It has run.
    Ended(Settled),
    /// It has run, too long ago to know the result.
    Forgotten,
    /// Another call has its id.
    Conflict,
}

/// The right to run a call. Dropping it unsettled gives the right back.
pub(crate) struct Ticket {
    call_log: CallLog,
    id: String,
    settled: watch::Sender<Option<Settled>>,
}

impl CallLog {
    /// Asks to run `call`. A call without an id is always the first.
    pub(crate) fn enter(&self, call: &ToolCall) -> Entered {
        let (sender, receiver) = watch::channel(None);
        let ticket =
            || Entered::First(Ticket { call_log: self.clone(), id: call.id.clone(), settled: sender });
        if call.id.is_empty() {
            return ticket();
        }
        let fingerprint = fingerprint(call);
        match self.lock().entries.entry(call.id.clone()) {
            Slot::Vacant(slot) => {
                slot.insert(Entry { fingerprint, progress: Progress::Running(receiver) });
                ticket()
            }
            Slot::Occupied(slot) if slot.get().fingerprint != fingerprint => Entered::Conflict,
            Slot::Occupied(slot) => match &slot.get().progress {
                Progress::Running(receiver) => Entered::Running(receiver.clone()),
                Progress::Ended(settled) => Entered::Ended(settled.clone()),
                Progress::Forgotten => Entered::Forgotten,
            },
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end(&mut self, id: &str, settled: Settled) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        entry.progress = Progress::Ended(settled);
        self.ended.push_back(id.to_owned());
        let stale = self.ended.len().checked_sub(RESULTS_KEPT + 1).and_then(|index| self.ended.get(index));
        if let Some(entry) = stale.and_then(|id| self.entries.get_mut(id)) {
            entry.progress = Progress::Forgotten;
        }
        if self.ended.len() > CALLS_KEPT
            && let Some(oldest) = self.ended.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }
}

impl Ticket {
    /// The call has ended so.
    pub(crate) fn settle(self, settled: Settled) {
        self.call_log.lock().end(&self.id, settled.clone());
        self.settled.send_replace(Some(settled));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.settled.borrow().is_none() {
            self.call_log.lock().entries.remove(&self.id);
        }
    }
}

fn fingerprint(call: &ToolCall) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&call.name, &call.arguments).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: usize) -> ToolCall {
        ToolCall { id: format!("call-{id}"), name: "f".into(), arguments: "{}".into() }
    }

    fn run(call_log: &CallLog, id: usize) {
        let Entered::First(ticket) = call_log.enter(&call(id)) else { panic!("call {id} has run before") };
        ticket.settle(Settled::Result { text: "text".into(), is_error: false });
    }

    #[test]
    fn the_ledger_does_not_grow_without_end() {
        let call_log = CallLog::default();
        for id in 0..3 * CALLS_KEPT {
            run(&call_log, id);
        }
        let state = call_log.lock();
        assert_eq!((state.entries.len(), state.ended.len()), (CALLS_KEPT, CALLS_KEPT));
        let kept =
            state.entries.values().filter(|entry| matches!(entry.progress, Progress::Ended(_))).count();
        assert_eq!(kept, RESULTS_KEPT);
    }

    #[test]
    fn an_old_call_does_not_run_again() {
        let call_log = CallLog::default();
        for id in 0..=RESULTS_KEPT {
            run(&call_log, id);
        }
        assert!(matches!(call_log.enter(&call(0)), Entered::Forgotten));
        assert!(matches!(call_log.enter(&call(1)), Entered::Ended(_)));
    }

    #[test]
    fn a_call_that_never_began_can_be_tried_again() {
        let call_log = CallLog::default();
        drop(call_log.enter(&call(1)));
        assert!(matches!(call_log.enter(&call(1)), Entered::First(_)));
    }

    #[test]
    fn two_calls_of_one_id_do_not_share_a_result() {
        let call_log = CallLog::default();
        run(&call_log, 1);
        let other = ToolCall { arguments: "{\"a\":1}".into(), ..call(1) };
        assert!(matches!(call_log.enter(&other), Entered::Conflict));
        let nameless = ToolCall { id: String::new(), ..call(1) };
        assert!(matches!(call_log.enter(&nameless), Entered::First(_)));
        assert!(matches!(call_log.enter(&nameless), Entered::First(_)));
    }
}
