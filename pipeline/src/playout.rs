//! How far what is played has got where it is heard.
//!
//! Next to a sound card, what the renderer has emitted is as good as heard. Where the ears are a browser's or another
//! machine's, a network and a buffer lie between, and only the far side knows: it acknowledges what it has played
//! ([`Playout::acknowledge`]), and the conversation is shown the renderer's report of that sample, not the latest.
//!
//! Invariant: what is shown never lies ahead of what was emitted, never goes back, and is at most the patience behind.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::playback::{PlaybackControl, PlaybackStatus};
use crate::{Error, ErrorKind};

/// Longest patience: reports of so long are kept, one for each block of 10 ms.
const MAX_PATIENCE: Duration = Duration::from_secs(60);
/// Reports kept at most.
const MAX_REPORTS: usize = 8_192;

/// What the far side of an endpoint has played, by its own word. Clones share one count.
#[derive(Clone, Debug)]
pub struct Playout {
    shared: Arc<Shared>,
    /// In samples.
    patience: u64,
}

#[derive(Debug, Default)]
struct Shared {
    acknowledged: AtomicU64,
    assumed: AtomicU64,
}

impl Playout {
    /// Of a stream at `rate` Hz, whose far side answers within `patience`: what was sent so long ago counts as played,
    /// acknowledged or not, so that a far side that says nothing holds nothing up.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if `patience` is not within 20 ms to 60 s.
    pub fn new(rate: u32, patience: Duration) -> Result<Self, Error> {
        if !(Duration::from_millis(20)..=MAX_PATIENCE).contains(&patience) {
            let what = format!("patience = {patience:?} is out of range: choose a value from 20 ms to 60 s");
            return Err(Error::new(ErrorKind::Config, what));
        }
        let samples = u128::from(rate) * patience.as_nanos() / 1_000_000_000;
        Ok(Self { shared: Arc::default(), patience: u64::try_from(samples).unwrap_or(u64::MAX) })
    }

    /// The far side has played the stream up to sample `position` (counted from the stream's first sample). A smaller
    /// position than before changes nothing; one that was not sent yet counts as all that was sent.
    pub fn acknowledge(&self, position: u64) {
        self.shared.acknowledged.fetch_max(position, Ordering::AcqRel);
    }

    /// The greatest position acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Acquire)
    }

    /// How many samples of speech counted as played without an acknowledgement in time; 0 where the far side keeps up.
    #[must_use]
    pub fn assumed(&self) -> u64 {
        self.shared.assumed.load(Ordering::Relaxed)
    }
}

/// Shows the conversation how far playback is, where it is heard.
pub(crate) struct PlayoutView {
    playback: PlaybackControl,
    far: Option<FarSide>,
}

struct FarSide {
    playout: Playout,
    /// The renderer's reports that the far side has not got to, oldest first.
    reports: VecDeque<PlaybackStatus>,
    /// The latest that it has got to.
    shown: PlaybackStatus,
}

impl PlayoutView {
    /// Of a loudspeaker here, or of the far side that `playout` tells of.
    pub fn new(playback: PlaybackControl, playout: Option<Playout>) -> Self {
        let far = playout.map(|playout| FarSide {
            playout,
            reports: VecDeque::new(),
            shown: PlaybackStatus::default(),
        });
        Self { playback, far }
    }

    /// How far playback is. Look often while something is played: each look keeps one report.
    pub fn status(&mut self) -> PlaybackStatus {
        let latest = self.playback.status();
        match &mut self.far {
            Some(far) => far.status(latest),
            None => latest,
        }
    }
}

impl FarSide {
    fn status(&mut self, latest: PlaybackStatus) -> PlaybackStatus {
        if self.reports.back().unwrap_or(&self.shown).device_samples < latest.device_samples {
            self.reports.push_back(latest);
        }
        let acknowledged = self.playout.acknowledged();
        let position = acknowledged.max(latest.device_samples.saturating_sub(self.playout.patience));
        while self.reports.len() > MAX_REPORTS
            || self.reports.front().is_some_and(|report| report.device_samples <= position)
        {
            let Some(report) = self.reports.pop_front() else { break };
            let same = report.epoch == self.shown.epoch;
            let played = report.played - if same { self.shown.played.min(report.played) } else { 0 };
            if report.device_samples > acknowledged {
                self.playout.shared.assumed.fetch_add(played, Ordering::Relaxed);
            }
            self.shown = report;
        }
        self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn far(patience_ms: u64) -> FarSide {
        let playout = Playout::new(24_000, Duration::from_millis(patience_ms)).unwrap();
        FarSide { playout, reports: VecDeque::new(), shown: PlaybackStatus::default() }
    }

    fn report(sent: u64) -> PlaybackStatus {
        PlaybackStatus { device_samples: sent, played: sent, ..PlaybackStatus::default() }
    }

    #[test]
    fn a_patience_out_of_range_is_not_accepted() {
        for patience in [Duration::ZERO, Duration::from_secs(61), Duration::MAX] {
            let error = Playout::new(24_000, patience).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains("patience"), "{error}");
        }
    }

    #[test]
    fn a_far_side_that_keeps_up_leaves_nothing_to_assume() {
        let (mut prompt, mut silent) = (far(100), far(100));
        for block in 1..=1_000 {
            prompt.playout.acknowledge((block - 1) * 240);
            prompt.status(report(block * 240));
            silent.status(report(block * 240));
        }
        assert_eq!((prompt.playout.assumed(), prompt.shown.played), (0, 999 * 240));
        assert_eq!((silent.playout.assumed(), silent.shown.played), (990 * 240, 990 * 240));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_not_ahead_of_the_far_side_nor_further_behind_than_the_patience(
            steps in prop::collection::vec((1_u64..20, prop::option::of(0_u64..200_000)), 1..200),
        ) {
            let mut far = far(100);
            let (mut sent, mut before, mut acknowledged) = (0, 0, 0);
            for (blocks, position) in steps {
                if let Some(position) = position {
                    far.playout.acknowledge(position);
                    acknowledged = acknowledged.max(position);
                }
                for _ in 0..blocks {
                    sent += 240;
                    let shown = far.status(report(sent)).played;
                    prop_assert!(shown >= before && shown <= sent);
                    prop_assert!(shown <= acknowledged.max(sent.saturating_sub(2_400)));
                    prop_assert!(shown + 2_400 >= sent, "{shown} of {sent}");
                    before = shown;
                }
            }
            prop_assert!(far.playout.assumed() <= before);
        }
    }
}
