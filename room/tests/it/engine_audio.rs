//! Sound through a real server: what one room publishes is what another hears.

use std::{sync::Arc, time::Duration};

use crate::common::{PATIENCE, Server, room_name, until};
use duologue_room::engine::{
    AudioFormat, AudioTrackOptions, LocalAudio, RemoteAudio, RoomEvent, TrackSource,
};

/// What is heard until `listener` was silent for a second after something was heard.
async fn hear(audio: &mut RemoteAudio, at_least: usize) -> Vec<i16> {
    let mut heard = Vec::new();
    let limit = PATIENCE + Duration::from_secs(at_least as u64 / u64::from(audio.rate()));
    let listening = async {
        while let Some(frame) = audio.next().await {
            heard.extend_from_slice(&frame.samples);
            let quiet = heard.len().min(audio.rate() as usize);
            if heard.len() >= at_least && level(&heard[heard.len() - quiet..]) < 30.0 {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(limit, listening).await;
    heard
}

fn level(samples: &[i16]) -> f64 {
    let energy: f64 = samples.iter().map(|&s| f64::from(s).powi(2)).sum();
    (energy / samples.len().max(1) as f64).sqrt()
}

/// The best normalised correlation of `part` with any stretch of `whole`.
fn likeness(part: &[i16], whole: &[i16]) -> f64 {
    let norm = |samples: &[i16]| samples.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>().sqrt();
    let wanted = norm(part);
    whole
        .windows(part.len())
        .map(|window| {
            let product: f32 = window.iter().zip(part).map(|(&a, &b)| f32::from(a) * f32::from(b)).sum();
            f64::from(product) / (wanted * norm(window)).max(1.0)
        })
        .fold(0.0, f64::max)
}

async fn speak(track: &dyn LocalAudio, samples: &[i16]) {
    for block in samples.chunks(track.rate() as usize / 100) {
        track.write(block).await.unwrap();
    }
}

/// Two participants: a track of the first, and the second listening to it.
async fn pair(
    server: &Server,
    name: &str,
    rate: u32,
    queue_ms: u32,
) -> (Talk, Arc<dyn LocalAudio>, RemoteAudio) {
    let room = room_name(name);
    let (speaker, mut told) = server.join("speaker", &room).await;
    let (listener, mut events) = server.join("listener", &room).await;
    let options = AudioTrackOptions { rate, queue_ms, ..AudioTrackOptions::default() };
    let track = speaker.publish_audio(&options).await.unwrap();
    let sid = until(&mut events, "the subscription", |event| match event {
        RoomEvent::TrackSubscribed { participant, track } => {
            assert_eq!((participant.as_str(), track.name.as_str()), ("speaker", "roomio_audio"));
            assert_eq!((track.source, track.subscribed), (TrackSource::Microphone, true));
            Some(track.sid)
        }
        _ => None,
    })
    .await;
    assert_eq!(sid, track.track().sid);
    until(&mut told, "word of the subscriber", |event| {
        matches!(event, RoomEvent::LocalTrackSubscribed { .. }).then_some(())
    })
    .await;
    let format = AudioFormat { rate: 16_000, queue_frames: 2_000, ..AudioFormat::default() };
    let audio = listener.listen(&sid, format).await.unwrap();
    (Talk { speaker, listener, told, events }, track, audio)
}

struct Talk {
    speaker: Arc<dyn duologue_room::engine::Room>,
    listener: Arc<dyn duologue_room::engine::Room>,
    told: duologue_room::engine::RoomEvents,
    events: duologue_room::engine::RoomEvents,
}

impl Talk {
    async fn end(self) {
        self.speaker.disconnect().await.unwrap();
        self.listener.disconnect().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speech_is_not_garbled_on_its_way() {
    let Some(server) = Server::get() else { return };
    let Some((speech, rate)) = crate::common::speech("jfk.wav") else { return };
    let (talk, track, mut audio) = pair(&server, "speech", rate, 200).await;
    let at_least = speech.len();
    let hearing = tokio::spawn(async move { (hear(&mut audio, at_least).await, audio.dropped()) });
    speak(&*track, &speech).await;
    let playout = track.playout();
    assert_eq!(playout.written, speech.len().next_multiple_of(160) as u64);
    assert!(playout.queued <= 3_200, "{playout:?}");
    let (heard, dropped) = hearing.await.unwrap();
    assert_eq!(dropped, 0);
    // Half-second stretches with speech in them, each found where it belongs, give or take what delays.
    let mut found = Vec::new();
    for (at, part) in speech.chunks_exact(8_000).enumerate().filter(|(_, part)| level(part) > 500.0) {
        let from = (at * 8_000).min(heard.len());
        let to = (from + 3 * 8_000).min(heard.len());
        // The middle of it: the receiver may stretch or squeeze a little.
        found.push(likeness(&part[3_000..5_000], &heard[from..to]));
    }
    found.sort_by(f64::total_cmp);
    println!("likeness of {} stretches: {found:.3?}", found.len());
    assert!(found.len() > 8 && found[found.len() / 4] > 0.9, "{found:.3?}");
    talk.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cleared_speech_is_heard_no_more() {
    let Some(server) = Server::get() else { return };
    let Some((speech, rate)) = crate::common::speech("jfk.wav") else { return };
    let (talk, track, mut audio) = pair(&server, "clear", rate, 1_000).await;
    let hearing = tokio::spawn(async move { hear(&mut audio, 16_000).await });
    // Two seconds, of which one at most waits in the queue when the last block is in.
    let spoken = &speech[..2 * 16_000];
    speak(&*track, spoken).await;
    let before = track.playout();
    let cleared = track.clear().unwrap();
    let after = track.playout();
    assert!(before.queued > 8_000, "the queue was not full: {before:?}");
    assert_eq!((after.queued, after.cleared), (0, cleared));
    let heard = hearing.await.unwrap();
    let loud = heard.chunks(160).filter(|block| level(block) > 200.0).count();
    let played = spoken[..after.played as usize].chunks(160).filter(|block| level(block) > 200.0).count();
    let all = spoken.chunks(160).filter(|block| level(block) > 200.0).count();
    println!("{after:?}; blocks of speech: {all} written, {played} played, {loud} heard");
    // The encoder's and the receiver's buffers smear some blocks' worth.
    assert!(loud <= played + 12 && loud + 12 >= played && played + 20 < all);
    talk.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn muted_and_unpublished_tracks_are_told_of() {
    let Some(server) = Server::get() else { return };
    let (mut talk, track, mut audio) = pair(&server, "mute", 48_000, 200).await;
    for muted in [true, false] {
        track.set_muted(muted).unwrap();
        until(&mut talk.events, "the mute", |event| match event {
            RoomEvent::TrackMuted { participant, muted, .. } => Some((participant, muted)),
            _ => None,
        })
        .await;
        assert_eq!(talk.listener.participants()[0].tracks[0].muted, muted);
        assert_eq!(track.track().muted, muted);
    }
    let sid = track.track().sid;
    track.unpublish().await.unwrap();
    track.unpublish().await.unwrap();
    let gone = until(&mut talk.events, "the end of the track", |event| match event {
        RoomEvent::TrackUnpublished { sid, .. } => Some(sid),
        _ => None,
    })
    .await;
    assert_eq!(gone, sid);
    assert!(talk.listener.participants()[0].tracks.is_empty());
    assert_eq!(track.write(&[0; 480]).await.unwrap_err().kind(), duologue_room::ErrorKind::Closed);
    // A listener does not wait for a track that is gone.
    tokio::time::timeout(PATIENCE, async { while audio.next().await.is_some() {} }).await.unwrap();
    talk.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn track_that_nobody_wants_is_not_received() {
    let Some(server) = Server::get() else { return };
    let (mut talk, track, audio) = pair(&server, "unsubscribe", 48_000, 200).await;
    drop(audio);
    let sid = track.track().sid;
    talk.listener.set_subscribed(&sid, false).await.unwrap();
    until(&mut talk.events, "the unsubscription", |event| {
        matches!(event, RoomEvent::TrackUnsubscribed { .. }).then_some(())
    })
    .await;
    let error = talk.listener.listen(&sid, AudioFormat::default()).await.unwrap_err();
    assert_eq!(error.kind(), duologue_room::ErrorKind::Config);
    talk.listener.set_subscribed(&sid, true).await.unwrap();
    until(&mut talk.events, "the subscription", |event| {
        matches!(event, RoomEvent::TrackSubscribed { .. }).then_some(())
    })
    .await;
    talk.listener.listen(&sid, AudioFormat::default()).await.unwrap();
    talk.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn track_survives_a_full_reconnect_under_its_new_sid() {
    let Some(server) = Server::get() else { return };
    let Some((speech, rate)) = crate::common::speech("jfk.wav") else { return };
    let (mut talk, track, audio) = pair(&server, "reconnect", rate, 200).await;
    drop(audio);
    let before = track.track().sid;
    talk.speaker.disturb(duologue_room::engine::Disturbance::Full).await.unwrap();
    let (previous, now) = until(&mut talk.told, "the track's new sid", |event| match event {
        RoomEvent::LocalTrackRepublished { previous, track } => Some((previous, track.sid)),
        _ => None,
    })
    .await;
    assert_eq!((previous, now.clone()), (before, track.track().sid));
    let sid = until(&mut talk.events, "the new subscription", |event| match event {
        RoomEvent::TrackSubscribed { track, .. } => (track.sid == now).then_some(track.sid),
        _ => None,
    })
    .await;
    let format = AudioFormat { rate: 16_000, queue_frames: 2_000, ..AudioFormat::default() };
    let mut audio = talk.listener.listen(&sid, format).await.unwrap();
    let hearing = tokio::spawn(async move { hear(&mut audio, 5 * 16_000).await });
    speak(&*track, &speech[..5 * 16_000]).await;
    let heard = hearing.await.unwrap();
    // The receiver stretches and squeezes some of it while it finds out how much it must hold back.
    let pieces = speech[20_000..5 * 16_000].chunks(2_000).filter(|piece| level(piece) > 300.0);
    let found: Vec<f64> = pieces.map(|piece| likeness(piece, &heard)).collect();
    let alike = found.iter().filter(|likeness| **likeness > 0.8).count();
    assert!(alike * 2 > found.len(), "{found:.2?}");
    talk.end().await;
}
