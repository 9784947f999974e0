//! A published audio track.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use async_trait::async_trait;
use duologue_native::livekit::{
    Handle,
    proto::{
        AudioSourceOptions, AudioSourceType, ClearAudioBufferRequest, CreateAudioTrackRequest,
        LocalTrackMuteRequest, NewAudioSourceRequest, PublishTrackRequest, TrackPublishOptions,
        UnpublishTrackRequest, ffi_event::Message, ffi_request::Message as Request,
        ffi_response::Message as Response, publish_track_callback,
    },
};

use super::{
    convert,
    hub::{Hub, Waiter, lock, odd},
    native,
    shared::Shared,
};
use crate::{
    Error, ErrorKind,
    engine::{
        AudioTrackOptions, DEADLINE, LocalAudio, Playout, Track,
        support::{Account, check_track, failed},
    },
};

/// The track; the room knows it weakly.
#[derive(Debug)]
pub(super) struct Local {
    shared: Arc<Shared>,
    source: Handle,
    track: Handle,
    _publication: Handle,
    info: Mutex<Track>,
    rate: u32,
    account: Mutex<Account>,
    /// Whose turn it is to write, with the frame that the engine has not yet told to be in.
    turn: tokio::sync::Mutex<Option<Pending>>,
    unpublished: AtomicBool,
}

/// What a user holds; dropping it unpublishes.
#[derive(Debug)]
pub(super) struct LocalTrack(pub Arc<Local>);

struct Pending {
    waiter: Waiter,
    since: Instant,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("since", &self.since).finish_non_exhaustive()
    }
}

pub(super) async fn publish(shared: &Arc<Shared>, options: &AudioTrackOptions) -> Result<Arc<Local>, Error> {
    check_track(options)?;
    let hub = shared.hub();
    let source = new_source(hub, options)?;
    let track = new_track(hub, options, &source)?;
    let publish = TrackPublishOptions {
        dtx: Some(options.dtx),
        red: Some(options.red),
        source: Some(convert::their_source(options.source).into()),
        ..TrackPublishOptions::default()
    };
    let what = "publishing a track";
    let answer = shared
        .ask(what, DEADLINE, |id| {
            Request::PublishTrack(PublishTrackRequest {
                local_participant_handle: shared.local_handle(),
                track_handle: track.id(),
                options: publish,
                request_async_id: Some(id),
            })
        })
        .await?;
    let Message::PublishTrack(callback) = answer else { return Err(odd(what)) };
    let publication = match callback.message {
        Some(publish_track_callback::Message::Publication(publication)) => publication,
        Some(publish_track_callback::Message::Error(said)) => return Err(failed(what, &said)),
        None => return Err(odd(what)),
    };
    let local = Arc::new(Local {
        shared: shared.clone(),
        source,
        track,
        _publication: hub.native().adopt(publication.handle.id),
        info: Mutex::new(convert::track(&publication.info)),
        rate: options.rate,
        account: Mutex::new(Account::new(options.rate, options.queue_ms, Instant::now())),
        turn: tokio::sync::Mutex::new(None),
        unpublished: AtomicBool::new(false),
    });
    let mut state = shared.state();
    state.published.retain(|known| known.strong_count() > 0);
    state.published.push(Arc::downgrade(&local));
    state.local.tracks.retain(|known| known.sid != publication.info.sid);
    state.local.tracks.push(convert::track(&publication.info));
    drop(state);
    Ok(local)
}

fn new_source(hub: &'static Hub, options: &AudioTrackOptions) -> Result<Handle, Error> {
    let processing = AudioSourceOptions {
        echo_cancellation: false,
        noise_suppression: false,
        auto_gain_control: false,
        ..Default::default()
    };
    let answer = hub.request(Request::NewAudioSource(NewAudioSourceRequest {
        r#type: AudioSourceType::AudioSourceNative.into(),
        options: Some(processing),
        sample_rate: Some(options.rate),
        num_channels: Some(1),
        queue_size_ms: Some(options.queue_ms),
        platform_audio_handle: None,
    }))?;
    let Response::NewAudioSource(answer) = answer else { return Err(odd("making an audio source")) };
    Ok(hub.native().adopt(answer.source.handle.id))
}

fn new_track(hub: &'static Hub, options: &AudioTrackOptions, source: &Handle) -> Result<Handle, Error> {
    let answer = hub.request(Request::CreateAudioTrack(CreateAudioTrackRequest {
        name: options.name.clone(),
        source_handle: source.id(),
    }))?;
    let Response::CreateAudioTrack(answer) = answer else { return Err(odd("making a track")) };
    Ok(hub.native().adopt(answer.track.handle.id))
}

impl Local {
    pub(super) fn sid(&self) -> String {
        lock(&self.info).sid.clone()
    }

    /// After a full reconnect the track has another sid.
    pub(super) fn republished(&self, track: Track) {
        *lock(&self.info) = track;
    }

    pub(super) fn muted(&self, muted: bool) {
        lock(&self.info).muted = muted;
    }

    fn alive(&self) -> Result<(), Error> {
        self.shared.alive()?;
        if self.unpublished.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the track was taken back; publish another"));
        }
        Ok(())
    }

    /// Waits until the frame that was written last is in.
    async fn settle(&self, turn: &mut Option<Pending>) -> Result<(), Error> {
        let Some(pending) = turn else { return Ok(()) };
        let since = pending.since;
        let answer = self.shared.watch(pending.waiter.wait_again("writing sound", DEADLINE)).await;
        // Whatever came of it, the next frame starts anew.
        *turn = None;
        let Message::CaptureAudioFrame(callback) = answer? else { return Err(odd("writing sound")) };
        let now = Instant::now();
        lock(&self.account).has_room(now.saturating_duration_since(since), now);
        callback.error.map_or(Ok(()), |said| Err(failed("writing sound", &said)))
    }

    fn unpublish_request(&self, id: u64) -> Request {
        Request::UnpublishTrack(UnpublishTrackRequest {
            local_participant_handle: self.shared.local_handle(),
            track_sid: self.sid(),
            stop_on_unpublish: true,
            request_async_id: Some(id),
        })
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
        let waiter = local.shared.hub().waiter();
        local
            .shared
            .hub()
            .native()
            .capture(local.source.id(), local.rate, whole, waiter.id)
            .map_err(|e| native(&e))?;
        let since = Instant::now();
        lock(&local.account).wrote(whole.len() as u64, since);
        *turn = Some(Pending { waiter, since });
        local.settle(&mut turn).await
    }

    fn clear(&self) -> Result<u64, Error> {
        let local = &*self.0;
        local.alive()?;
        let request = ClearAudioBufferRequest { source_handle: local.source.id() };
        local.shared.hub().request(Request::ClearAudioBuffer(request))?;
        Ok(lock(&local.account).clear(Instant::now()))
    }

    fn playout(&self) -> Playout {
        lock(&self.0.account).playout(Instant::now())
    }

    fn set_muted(&self, muted: bool) -> Result<(), Error> {
        let local = &*self.0;
        local.alive()?;
        let request = LocalTrackMuteRequest { track_handle: local.track.id(), mute: muted };
        local.shared.hub().request(Request::LocalTrackMute(request))?;
        local.muted(muted);
        Ok(())
    }

    async fn unpublish(&self) -> Result<(), Error> {
        let local = &*self.0;
        if local.unpublished.swap(true, Ordering::AcqRel) || local.shared.alive().is_err() {
            return Ok(());
        }
        let what = "taking a track back";
        let answer = local.shared.ask(what, DEADLINE, |id| local.unpublish_request(id)).await?;
        let Message::UnpublishTrack(callback) = answer else { return Err(odd(what)) };
        callback.error.map_or(Ok(()), |said| Err(failed(what, &said)))
    }
}

impl Drop for LocalTrack {
    fn drop(&mut self) {
        let local = &*self.0;
        if local.unpublished.swap(true, Ordering::AcqRel) || local.shared.alive().is_err() {
            return;
        }
        let id = local.shared.hub().waiter().id;
        if let Err(error) = local.shared.hub().request(local.unpublish_request(id)) {
            tracing::debug!(%error, "a track was not taken back");
        }
    }
}
