//! A published audio track.
//!
//! Invariant: one frame at a time is on its way into WebRTC's queue. A frame whose writer was dropped stays here, and the next write waits
//! for it first.

use std::{
    fmt,
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use duologue_room::{
    Error, ErrorKind,
    engine::{
        AudioTrackOptions, DEADLINE, LocalAudio, Playout, Track,
        support::{Account, check_track, closed, failed},
    },
};
use futures_util::future::{BoxFuture, FutureExt};
use livekit::{
    options::TrackPublishOptions,
    publication::{LocalTrackPublication, TrackPublication},
    track::{LocalAudioTrack, LocalTrack as TheirTrack},
    webrtc::{
        RtcError,
        audio_frame::AudioFrame,
        audio_source::{AudioSourceOptions, RtcAudioSource, native::NativeAudioSource},
    },
};

use crate::{
    convert,
    shared::{Life, Shared, lock, refusal},
};

/// The track; the room knows it weakly.
#[derive(Debug)]
pub(crate) struct Local {
    shared: Arc<Shared>,
    source: NativeAudioSource,
    track: LocalAudioTrack,
    publication: Mutex<LocalTrackPublication>,
    info: Mutex<Track>,
    rate: u32,
    /// How many samples one frame may have, because the source has room for no more at once.
    longest: usize,
    account: Mutex<Account>,
    /// Whose turn it is to write, with the frame that is not yet known to be in.
    turn: tokio::sync::Mutex<Option<Pending>>,
    unpublished: AtomicBool,
}

/// What a user holds; dropping it unpublishes.
#[derive(Debug)]
pub(crate) struct LocalTrack(pub Arc<Local>);

struct Pending {
    taken: BoxFuture<'static, Result<(), RtcError>>,
    since: Instant,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("since", &self.since).finish_non_exhaustive()
    }
}

pub(crate) async fn publish(shared: &Arc<Shared>, options: &AudioTrackOptions) -> Result<Arc<Local>, Error> {
    check_track(options)?;
    let source = NativeAudioSource::new(AudioSourceOptions::default(), options.rate, 1, options.queue_ms);
    let track = LocalAudioTrack::create_audio_track(&options.name, RtcAudioSource::Native(source.clone()));
    let publish = TrackPublishOptions {
        dtx: options.dtx,
        red: options.red,
        source: convert::their_source(options.source),
        ..TrackPublishOptions::default()
    };
    let what = "publishing a track";
    let (me, late, theirs) = (shared.me(), shared.me(), TheirTrack::Audio(track.clone()));
    let publication = shared
        .ask_or(
            what,
            DEADLINE,
            async move { me.publish_track(theirs, publish).await },
            move |published| async move {
                if let Ok(published) = published
                    && let Err(error) = late.unpublish_track(&published.sid()).await
                {
                    tracing::debug!(%error, "a track that was published too late was not taken back");
                }
            },
        )
        .await?
        .map_err(|e| refusal(what, &e))?;
    let info = convert::track(&TrackPublication::Local(publication.clone()));
    let queue = options.rate as usize * options.queue_ms as usize / 1_000;
    let local = Arc::new(Local {
        shared: shared.clone(),
        source,
        track,
        publication: Mutex::new(publication),
        info: Mutex::new(info.clone()),
        rate: options.rate,
        // Without a queue a frame goes through as it is.
        longest: if queue == 0 { usize::MAX } else { queue },
        account: Mutex::new(Account::new(options.rate, options.queue_ms, Instant::now())),
        turn: tokio::sync::Mutex::new(None),
        unpublished: AtomicBool::new(false),
    });
    shared.state().published(&local, info);
    Ok(local)
}

impl Local {
    pub(crate) fn sid(&self) -> String {
        lock(&self.info).sid.clone()
    }

    /// After a full reconnect the track has another sid.
    pub(crate) fn republished(&self, publication: LocalTrackPublication, track: Track) {
        *lock(&self.publication) = publication;
        *lock(&self.info) = track;
    }

    pub(crate) fn muted(&self, muted: bool) {
        lock(&self.info).muted = muted;
    }

    fn alive(&self) -> Result<(), Error> {
        self.shared.alive()?;
        if self.unpublished.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the track was taken back; publish another"));
        }
        Ok(())
    }

    /// Hands a frame to the source and counts it, unless the source refuses it at once.
    async fn hand(&self, samples: &[i16], turn: &mut Option<Pending>) -> Result<(), Error> {
        let (source, rate) = (self.source.clone(), self.rate);
        let len = samples.len();
        let frame = AudioFrame {
            data: samples.to_vec().into(),
            sample_rate: rate,
            num_channels: 1,
            samples_per_channel: u32::try_from(len).unwrap_or(u32::MAX),
        };
        let mut taken = async move { source.capture_frame(&frame).await }.boxed();
        let since = Instant::now();
        // The first poll hands the frame over; what follows only waits until there is room again.
        let first = poll_fn(|context| Poll::Ready(taken.poll_unpin(context))).await;
        let mut account = lock(&self.account);
        match first {
            Poll::Ready(Err(error)) => return Err(failed("writing sound", &error.message)),
            Poll::Ready(Ok(())) => {
                account.wrote(len as u64, since);
                account.has_room(Duration::ZERO, since);
            }
            Poll::Pending => {
                account.wrote(len as u64, since);
                *turn = Some(Pending { taken, since });
            }
        }
        Ok(())
    }

    /// Waits until the frame that was handed over last is in.
    async fn settle(&self, turn: &mut Option<Pending>) -> Result<(), Error> {
        let Some(pending) = turn else { return Ok(()) };
        let since = pending.since;
        let mut life = self.shared.life();
        let answer = tokio::select! {
            biased;
            answer = tokio::time::timeout(DEADLINE, &mut pending.taken) => answer,
            _ = life.wait_for(|life| *life == Life::Over) => return Err(closed()),
        };
        // Whatever came of it, the next frame starts anew.
        *turn = None;
        let now = Instant::now();
        match answer {
            Ok(Ok(())) => {
                lock(&self.account).has_room(now.saturating_duration_since(since), now);
                Ok(())
            }
            Ok(Err(error)) => Err(failed("writing sound", &error.message)),
            Err(_) => Err(Error::new(
                ErrorKind::TimedOut,
                format!(
                    "writing sound took longer than {} s; check the network and the server",
                    DEADLINE.as_secs()
                ),
            )),
        }
    }
}

#[async_trait]
impl LocalAudio for LocalTrack {
    fn track(&self) -> Track {
        lock(&self.0.info).clone()
    }

    fn rate(&self) -> u32 {
        self.0.rate
    }

    async fn write(&self, samples: &[i16]) -> Result<(), Error> {
        let local = &*self.0;
        local.alive()?;
        if samples.is_empty() {
            return Ok(());
        }
        let mut turn = local.turn.lock().await;
        // One whose writer was dropped in the middle of it.
        local.settle(&mut turn).await?;
        let block = local.rate as usize / 100;
        let mut padded = Vec::new();
        let whole = if samples.len().is_multiple_of(block) {
            samples
        } else {
            padded.extend_from_slice(samples);
            padded.resize(samples.len().next_multiple_of(block), 0);
            &padded
        };
        for frame in whole.chunks(local.longest) {
            local.hand(frame, &mut turn).await?;
            local.settle(&mut turn).await?;
        }
        Ok(())
    }

    fn clear(&self) -> Result<u64, Error> {
        let local = &*self.0;
        local.alive()?;
        local.source.clear_buffer();
        Ok(lock(&local.account).clear(Instant::now()))
    }

    fn playout(&self) -> Playout {
        lock(&self.0.account).playout(Instant::now())
    }

    fn set_muted(&self, muted: bool) -> Result<(), Error> {
        let local = &*self.0;
        local.alive()?;
        let _within = local.shared.runtime.enter();
        if muted {
            local.track.mute()
        } else {
            local.track.unmute()
        }
        local.muted(muted);
        Ok(())
    }

    async fn unpublish(&self) -> Result<(), Error> {
        let local = &*self.0;
        if local.unpublished.swap(true, Ordering::AcqRel) || local.shared.alive().is_err() {
            return Ok(());
        }
        let what = "taking a track back";
        let (me, sid) = (local.shared.me(), lock(&local.publication).sid());
        local
            .shared
            .ask(what, DEADLINE, async move { me.unpublish_track(&sid).await })
            .await?
            .map(drop)
            .map_err(|e| refusal(what, &e))
    }
}

impl Drop for LocalTrack {
    fn drop(&mut self) {
        let local = &*self.0;
        if local.unpublished.swap(true, Ordering::AcqRel) || local.shared.alive().is_err() {
            return;
        }
        let (me, sid) = (local.shared.me(), lock(&local.publication).sid());
        local.shared.runtime.spawn(async move {
            if let Err(error) = me.unpublish_track(&sid).await {
                tracing::debug!(%error, "a track was not taken back");
            }
        });
    }
}
