//! Reckons what the engine has taken out of a track's queue.
//!
//! The engine takes 10 ms every 10 ms and does not tell. What it does tell is when a frame fits into the queue; a frame that had to wait for
//! that shows a queue which is exactly full. In between the clock tells.

use std::time::{Duration, Instant};

use super::Playout;

/// A frame that was taken after this long had to wait; the engine answers others in well below a millisecond.
const WAITED: Duration = Duration::from_millis(4);

/// The account of one track. Times are the caller's, and never go back.
#[derive(Debug)]
pub struct Account {
    rate: u32,
    /// The queue's length, in samples.
    full: u64,
    written: u64,
    cleared: u64,
    queued: u64,
    since: Instant,
}

impl Account {
    /// The account of a track at `rate` Hz with a queue of `queue_ms`, that begins `now`.
    pub fn new(rate: u32, queue_ms: u32, now: Instant) -> Self {
        let full = u64::from(rate) * u64::from(queue_ms) / 1_000;
        Self { rate, full, written: 0, cleared: 0, queued: 0, since: now }
    }

    /// The engine has taken `samples` into its queue.
    pub fn wrote(&mut self, samples: u64, now: Instant) {
        self.advance(now);
        self.written += samples;
        self.queued += samples;
        if self.full == 0 {
            self.queued = 0;
        }
    }

    /// The engine has told that there is room again, `waited` after it took the samples.
    pub fn has_room(&mut self, waited: Duration, now: Instant) {
        self.advance(now);
        if waited >= WAITED && self.full > 0 && self.queued > 0 {
            self.queued = self.full.min(self.written - self.cleared);
        }
        self.queued = self.queued.min(self.full);
    }

    /// The queue was emptied; tells how much was in it.
    pub fn clear(&mut self, now: Instant) -> u64 {
        self.advance(now);
        let cleared = std::mem::take(&mut self.queued);
        self.cleared += cleared;
        cleared
    }

    /// What became of the samples until `now`.
    pub fn playout(&mut self, now: Instant) -> Playout {
        self.advance(now);
        Playout {
            written: self.written,
            played: self.written - self.queued - self.cleared,
            queued: self.queued,
            cleared: self.cleared,
        }
    }

    fn advance(&mut self, now: Instant) {
        let rate = u64::from(self.rate);
        let elapsed = now.saturating_duration_since(self.since).as_micros() as u64;
        let samples = elapsed.saturating_mul(rate) / 1_000_000;
        if samples >= self.queued {
            self.queued = 0;
            self.since = now;
        } else {
            self.queued -= samples;
            // Not `now`, so that what is too short to count adds up.
            self.since += Duration::from_nanos(samples * 1_000_000_000 / rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn account_always_balances() {
        let mut now = Instant::now();
        let mut account = Account::new(48_000, 200, now);
        for step in 0..2_000_u64 {
            account.wrote(480, now);
            now += MS * u32::try_from(step * 7 % 23).unwrap();
            account.has_room(MS * u32::try_from(step % 9).unwrap(), now);
            if step % 97 == 0 {
                account.clear(now);
            }
            let p = account.playout(now);
            assert_eq!(p.written, p.played + p.queued + p.cleared, "{p:?}");
            assert!(p.queued <= 9_600, "{p:?}");
        }
    }

    #[test]
    fn queue_that_is_not_fed_runs_dry_and_no_further() {
        let start = Instant::now();
        let mut account = Account::new(48_000, 200, start);
        (0..10).for_each(|_| account.wrote(480, start));
        assert_eq!(account.playout(start + 50 * MS).played, 2_400);
        assert_eq!(
            account.playout(start + 1_000 * MS),
            Playout { written: 4_800, played: 4_800, queued: 0, cleared: 0 }
        );
        account.wrote(480, start + 1_000 * MS);
        assert_eq!(account.playout(start + 1_000 * MS).queued, 480);
    }

    #[test]
    fn frame_that_had_to_wait_corrects_the_clock() {
        let start = Instant::now();
        let mut account = Account::new(48_000, 20, start);
        (0..3).for_each(|_| account.wrote(480, start));
        // By the clock 5 ms would be left; the engine shows that its queue is full.
        account.has_room(25 * MS, start + 25 * MS);
        assert_eq!(account.playout(start + 25 * MS).queued, 960);
    }

    #[test]
    fn cleared_samples_are_not_called_played() {
        let start = Instant::now();
        let mut account = Account::new(16_000, 200, start);
        account.wrote(1_600, start);
        assert_eq!(account.clear(start + 30 * MS), 1_120);
        let p = account.playout(start + 500 * MS);
        assert_eq!((p.played, p.cleared, p.queued), (480, 1_120, 0));
    }

    #[test]
    fn without_a_queue_what_is_written_is_played() {
        let start = Instant::now();
        let mut account = Account::new(48_000, 0, start);
        account.wrote(480, start);
        account.has_room(10 * MS, start + 10 * MS);
        assert_eq!(account.playout(start + 10 * MS).played, 480);
    }

    #[test]
    fn short_steps_add_up() {
        let start = Instant::now();
        let mut account = Account::new(8_000, 200, start);
        account.wrote(800, start);
        let mut now = start;
        for _ in 0..1_000 {
            now += Duration::from_micros(50);
            account.playout(now);
        }
        assert_eq!(account.playout(now).played, 400);
    }
}
