//! Sound of a remote track.

use std::sync::Arc;

use duologue_room::{
    Error, ErrorKind,
    engine::{AudioFormat, AudioFrame, RemoteAudio, RemoteAudioFeed, support::check_format},
};
use futures_util::StreamExt;
use livekit::{
    publication::RemoteTrackPublication,
    track::RemoteTrack,
    webrtc::audio_stream::native::{NativeAudioStream, NativeAudioStreamOptions},
};
use tokio::{sync::watch, task::AbortHandle};

use crate::shared::Shared;

/// How much received sound may wait in WebRTC's sink, in frames of 10 ms; beyond it our own queue takes over.
const SINK_FRAMES: usize = 20;

/// Ends a task when its listener is dropped.
struct Listening(AbortHandle);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The remote publication `sid`.
pub(crate) fn publication(shared: &Shared, sid: &str) -> Option<RemoteTrackPublication> {
    let others = shared.room.remote_participants();
    let mut publications = others.values().flat_map(|other| other.track_publications().into_values());
    publications.find(|publication| publication.sid().as_str() == sid)
}

/// Starts to receive the subscribed track `sid`.
pub(crate) fn listen(shared: &Arc<Shared>, sid: &str, format: AudioFormat) -> Result<RemoteAudio, Error> {
    check_format(format)?;
    let unknown = || Error::new(ErrorKind::Config, format!("no audio track {sid:?} is subscribed to"));
    let over = shared.state().over(sid).ok_or_else(unknown)?;
    let track = publication(shared, sid).and_then(|publication| publication.track());
    let Some(RemoteTrack::Audio(track)) = track else { return Err(unknown()) };
    let stream = NativeAudioStream::with_options(
        track.rtc_track(),
        // invariant: checked to be at most 48,000.
        format.rate as i32,
        1,
        NativeAudioStreamOptions { queue_size_frames: Some(SINK_FRAMES) },
    );
    let (feed, audio) = RemoteAudio::channel(format.rate, format.queue_frames);
    let task = shared.runtime.spawn(pump(stream, over, Framer::new(feed, format)));
    Ok(audio.holding(Listening(task.abort_handle())))
}

/// Runs until the track is over.
async fn pump(mut stream: NativeAudioStream, mut over: watch::Receiver<()>, mut framer: Framer) {
    loop {
        let frame = tokio::select! {
            frame = stream.next() => frame,
            // Nothing is ever sent: this is the end.
            _ = over.changed() => None,
        };
        let Some(frame) = frame else { break };
        framer.push(&frame.data, frame.num_channels);
    }
    framer.finish();
}

/// Makes frames of the length that was asked for out of WebRTC's, which are 10 ms long.
struct Framer {
    feed: RemoteAudioFeed,
    rate: u32,
    len: usize,
    samples: Vec<i16>,
}

impl Framer {
    fn new(feed: RemoteAudioFeed, format: AudioFormat) -> Self {
        let len = (format.rate * format.frame_ms / 1_000) as usize;
        Self { feed, rate: format.rate, len, samples: Vec::with_capacity(len) }
    }

    /// WebRTC mixes down to mono itself, as it is asked to; should it not, the first channel is taken.
    fn push(&mut self, data: &[i16], channels: u32) {
        for &sample in data.iter().step_by(channels.max(1) as usize) {
            self.samples.push(sample);
            if self.samples.len() == self.len {
                self.send();
            }
        }
    }

    /// Fills a last, short frame up with silence.
    fn finish(&mut self) {
        if !self.samples.is_empty() {
            self.samples.resize(self.len, 0);
            self.send();
        }
    }

    fn send(&mut self) {
        let samples = std::mem::replace(&mut self.samples, Vec::with_capacity(self.len));
        self.feed.send(AudioFrame { rate: self.rate, samples });
    }
}
