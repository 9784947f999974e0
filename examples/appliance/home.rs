//! The home: lights and timers. It is the session's userdata.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

const ROOMS: [&str; 2] = ["kitchen", "bedroom"];

/// See the [module](self).
#[derive(Default)]
pub struct Home {
    lit: BTreeSet<String>,
    timers: Vec<Timer>,
}

struct Timer {
    length: u64,
    over: Instant,
    task: JoinHandle<()>,
}

impl Home {
    /// Switches the lights of `room`, or of all rooms.
    pub fn switch(&mut self, room: Option<&str>, on: bool) {
        for room in room.map_or(&ROOMS[..], |_| &[]).iter().copied().chain(room) {
            match on {
                true => self.lit.insert(room.to_owned()),
                false => self.lit.remove(room),
            };
        }
    }

    /// The rooms whose lights are on.
    pub fn lit(&self) -> Vec<String> {
        self.lit.iter().cloned().collect()
    }

    /// Does `ring` in so many seconds.
    pub fn set_timer(&mut self, seconds: u64, ring: impl Future<Output = ()> + Send + 'static) {
        let over = Instant::now() + Duration::from_secs(seconds);
        let task = tokio::spawn(async move {
            sleep_until(over).await;
            ring.await;
        });
        self.running().push(Timer { length: seconds, over, task });
    }

    /// Forgets the timer that was set last; returns its length in seconds.
    pub fn cancel_timer(&mut self) -> Option<u64> {
        let timer = self.running().pop()?;
        timer.task.abort();
        Some(timer.length)
    }

    /// Seconds until the next timer is over.
    pub fn timer_left(&mut self) -> Option<u64> {
        let next = self.running().iter().map(|timer| timer.over).min()?;
        Some(next.duration_since(Instant::now()).as_secs_f64().ceil() as u64)
    }

    /// The timers that are not over, in the order in which they were set.
    fn running(&mut self) -> &mut Vec<Timer> {
        self.timers.retain(|timer| timer.over > Instant::now());
        &mut self.timers
    }
}
