//! A caller in a room: speaks the built-in caller's lines into it, types, and keeps all that it hears and
//! is told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use duologue_pipeline::resample::Resampler;
use duologue_pipeline::wav::WavReader;
use duologue_room::engine::{
    AudioFormat, AudioTrackOptions, ConnectOptions, LocalAudio, Room, RoomEngine, RoomEvent, StreamOptions,
    TrackKind,
};
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep, timeout};

pub const RATE: usize = 48_000;
const BLOCK: usize = 480;
/// Above this a block of the agent's track is speech; Opus' comfort noise is far below.
const LOUD: f32 = 0.01;

/// What has come so far.
#[derive(Default)]
pub struct Kept {
    /// The agent's track as it was received.
    pub heard: Vec<f32>,
    /// When each block of it was received.
    pub times: Vec<Instant>,
    pub events: Vec<(Instant, RoomEvent)>,
}

pub struct Caller {
    pub room: Arc<dyn Room>,
    track: Arc<dyn LocalAudio>,
    kept: Arc<Mutex<Kept>>,
    /// What is to be said next.
    line: Arc<Mutex<Vec<i16>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Caller {
    pub async fn join(engine: &dyn RoomEngine, url: &str, token: &str) -> Self {
        let joined = engine.connect(url, token, &ConnectOptions::default()).await.expect("the caller joins");
        let options = AudioTrackOptions { name: "mic".into(), queue_ms: 0, ..AudioTrackOptions::default() };
        let room = joined.room;
        let track = room.publish_audio(&options).await.expect("the caller's microphone");
        let (kept, line) = (Arc::new(Mutex::new(Kept::default())), Arc::new(Mutex::new(Vec::new())));
        let tasks = vec![
            tokio::spawn(speak(Arc::clone(&track), Arc::clone(&line))),
            tokio::spawn(listen(Arc::clone(&room), joined.events, Arc::clone(&kept))),
        ];
        for participant in room.participants().into_iter().filter(|p| p.identity.starts_with("agent")) {
            for found in &participant.tracks {
                subscribe(&room, &found.sid);
            }
        }
        Self { room, track, kept, line, tasks }
    }

    pub fn sid(&self) -> String {
        self.track.track().sid
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says a line; returns when its last sample was sent, and when that was.
    pub async fn say(&self, name: &str) -> Instant {
        let samples = line(name);
        let length = Duration::from_secs_f64(samples.len() as f64 / RATE as f64);
        lock(&self.line).extend(samples);
        sleep(length).await;
        while !lock(&self.line).is_empty() {
            sleep(Duration::from_millis(2)).await;
        }
        Instant::now()
    }

    pub fn mute(&self, muted: bool) {
        self.track.set_muted(muted).expect("the caller's microphone");
    }

    pub async fn type_text(&self, text: &str) {
        self.room.send_text(text, &StreamOptions::topic("lk.chat")).await.expect("the caller types");
    }

    /// Waits until the agent has been silent for `quiet`, after having spoken since block `from`.
    pub async fn agent_done(&self, from: usize, quiet: Duration, patience: Duration) -> bool {
        let quiet = quiet.as_millis() as usize / 10;
        let done = async {
            loop {
                let blocks = loud(&self.kept().heard);
                let spoke = blocks.iter().skip(from).any(|loud| *loud);
                if spoke && blocks.len() > quiet && !blocks[blocks.len() - quiet..].contains(&true) {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(patience, done).await.is_ok()
    }

    /// Waits until the agent is heard, from block `from` on; the block.
    pub async fn agent_speaks(&self, from: usize, patience: Duration) -> Option<usize> {
        let speaks = async {
            loop {
                if let Some(at) = loud(&self.kept().heard).iter().skip(from).position(|loud| *loud) {
                    return from + at;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(patience, speaks).await.ok()
    }

    /// Blocks received so far.
    pub fn blocks(&self) -> usize {
        self.kept().times.len()
    }

    pub async fn leave(mut self) {
        self.room.disconnect().await.expect("the caller leaves");
        self.tasks.drain(..).for_each(|task| task.abort());
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Which blocks are loud.
pub fn loud(samples: &[f32]) -> Vec<bool> {
    samples.chunks(BLOCK).map(|block| block.iter().any(|x| x.abs() > LOUD)).collect()
}

/// A line at the room's rate.
pub fn line(name: &str) -> Vec<i16> {
    let path = format!("{}/../models/builtin/caller/{name}.wav", env!("CARGO_MANIFEST_DIR"));
    let mut reader = WavReader::open(&path).expect("a line of the built-in caller");
    let spoken = reader.read_to_end(RATE * 30).expect("its samples");
    let mut resampler =
        Resampler::new(reader.spec().rate, RATE as u32).expect("a rate that can be resampled");
    let mut samples = Vec::new();
    let mut take = |out: &[f32]| samples.extend(out.iter().map(|x| (x.clamp(-1.0, 1.0) * 32_767.0) as i16));
    resampler.process(&spoken, &mut take);
    samples
}

async fn speak(track: Arc<dyn LocalAudio>, line: Arc<Mutex<Vec<i16>>>) {
    let mut tick = interval(Duration::from_millis(10));
    loop {
        tick.tick().await;
        let mut block: Vec<i16> = {
            let mut line = lock(&line);
            let count = line.len().min(BLOCK);
            line.drain(..count).collect()
        };
        block.resize(BLOCK, 0);
        if track.write(&block).await.is_err() {
            return;
        }
    }
}

async fn listen(room: Arc<dyn Room>, mut events: duologue_room::engine::RoomEvents, kept: Arc<Mutex<Kept>>) {
    while let Some(event) = events.next().await {
        match &event {
            RoomEvent::TrackPublished { participant, track }
                if track.kind == TrackKind::Audio && participant.starts_with("agent") =>
            {
                subscribe(&room, &track.sid);
            }
            // Other callers are not listened to.
            RoomEvent::TrackSubscribed { participant, track }
                if track.kind == TrackKind::Audio && participant.starts_with("agent") =>
            {
                let format = AudioFormat { queue_frames: 500, ..AudioFormat::default() };
                if let Ok(mut audio) = room.listen(&track.sid, format).await {
                    let kept = Arc::clone(&kept);
                    tokio::spawn(async move {
                        while let Some(frame) = audio.next().await {
                            let mut kept = lock(&kept);
                            kept.heard.extend(frame.to_f32());
                            kept.times.push(Instant::now());
                        }
                    });
                }
            }
            _ => {}
        }
        lock(&kept).events.push((Instant::now(), event));
    }
}

/// An engine that subscribes by itself does so once.
fn subscribe(room: &Arc<dyn Room>, sid: &str) {
    let (room, sid) = (Arc::clone(room), sid.to_owned());
    if room.info().name == "memory" {
        tokio::spawn(async move { room.set_subscribed(&sid, true).await });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
