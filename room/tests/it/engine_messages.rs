//! Messages through a real server: data, texts, bytes, attributes, calls.

use std::time::Duration;

use crate::common::{Grant, Server, engine, room_name, until};
use duologue_room::{
    ErrorKind,
    engine::{
        Attributes, ConnectOptions, ParticipantKind, RoomEvent, RpcFailure, StreamOptions,
        TranscriptionSegment,
    },
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_is_not_lost_or_changed() {
    let Some(server) = Server::get() else { return };
    let room = room_name("data");
    let (a, _told) = server.join("a", &room).await;
    let (b, mut events) = server.join("b", &room).await;
    let payload: Vec<u8> = (0..=255).cycle().take(15_000).collect();
    a.publish_data(&payload, Some("status"), true, &["b".to_owned()]).await.unwrap();
    let got = until(&mut events, "the data", |event| match event {
        RoomEvent::Data { from, topic, payload, reliable } => Some((from, topic, payload, reliable)),
        _ => None,
    })
    .await;
    assert_eq!(got, (Some("a".to_owned()), Some("status".to_owned()), payload, true));
    let error = a.publish_data(&[0; 20_000], None, true, &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    a.disconnect().await.unwrap();
    b.disconnect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_stream_keeps_its_words_and_attributes() {
    let Some(server) = Server::get() else { return };
    let room = room_name("text");
    let (a, _told) = server.join("a", &room).await;
    let (b, mut events) = server.join("b", &room).await;
    let options = StreamOptions::topic("lk.transcription").with_attribute("lk.segment_id", "SG_1");
    let mut writer = a.open_text(&options).await.unwrap();
    let words = ["Grüß ", "Gott, ", "世界 ", "🙂"];
    for word in words {
        writer.write(word).await.unwrap();
    }
    let id = writer.id().to_owned();
    let ending = Attributes::from([("lk.transcription_final".to_owned(), "true".to_owned())]);
    writer.close(&ending).await.unwrap();
    let mut chunks = String::new();
    let (stream, text) = until(&mut events, "the text", |event| match event {
        RoomEvent::TextOpened(stream) => {
            assert_eq!((stream.topic.as_str(), stream.from.as_str()), ("lk.transcription", "a"));
            None
        }
        RoomEvent::TextChunk { id: of, text } => {
            assert_eq!(of, id);
            chunks += &text;
            None
        }
        RoomEvent::TextClosed { stream, text, error } => {
            assert_eq!(error, None);
            Some((stream, text))
        }
        _ => None,
    })
    .await;
    assert_eq!((text.as_str(), chunks), (&*words.concat(), words.concat()));
    assert_eq!(stream.attributes["lk.segment_id"], "SG_1");
    assert_eq!(stream.attributes["lk.transcription_final"], "true");
    // Whole, and longer than a packet.
    let long = "word ".repeat(20_000);
    let sent = a.send_text(&long, &StreamOptions::topic("lk.chat")).await.unwrap();
    let (id, text) = until(&mut events, "the long text", |event| match event {
        RoomEvent::TextClosed { stream, text, error: None } => Some((stream.id, text)),
        _ => None,
    })
    .await;
    assert_eq!((id, text), (sent, long));
    a.disconnect().await.unwrap();
    b.disconnect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_writer_ends_its_stream() {
    let Some(server) = Server::get() else { return };
    let room = room_name("dropped-writer");
    let (a, _told) = server.join("a", &room).await;
    let (b, mut events) = server.join("b", &room).await;
    let mut writer = a.open_text(&StreamOptions::topic("t")).await.unwrap();
    writer.write("half").await.unwrap();
    drop(writer);
    let text = until(&mut events, "the end of the text", |event| match event {
        RoomEvent::TextClosed { text, .. } => Some(text),
        _ => None,
    })
    .await;
    assert_eq!(text, "half");
    drop(a);
    until(&mut events, "the leaving of a dropped room", |event| match event {
        RoomEvent::ParticipantLeft { participant, .. } => (participant == "a").then_some(()),
        _ => None,
    })
    .await;
    b.disconnect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn byte_stream_arrives_whole() {
    let Some(server) = Server::get() else { return };
    let room = room_name("bytes");
    let (a, _told) = server.join("a", &room).await;
    let (b, mut events) = server.join("b", &room).await;
    let payload: Vec<u8> = (0..200_000_u32).map(|n| (n * 7 + n / 256) as u8).collect();
    let options = StreamOptions {
        name: Some("first words".to_owned()),
        mime: Some("audio/opus".to_owned()),
        ..StreamOptions::topic("lk.agent.pre-connect-audio-buffer").with_attribute("sampleRate", "48000")
    };
    let id = a.send_bytes(&payload, &options).await.unwrap();
    let got = until(&mut events, "the bytes", |event| match event {
        RoomEvent::Bytes(stream) => Some(stream),
        _ => None,
    })
    .await;
    assert_eq!((got.id, got.from.as_str(), got.error), (id, "a", None));
    assert_eq!((got.mime.as_str(), got.name.as_str()), ("audio/opus", "first words"));
    assert_eq!(got.attributes["sampleRate"], "48000");
    assert!(got.payload == payload, "{} bytes", got.payload.len());
    a.disconnect().await.unwrap();
    b.disconnect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attributes_metadata_and_name_are_seen_by_others() {
    let Some(server) = Server::get() else { return };
    let room = room_name("attributes");
    let token = server.token_for(&Grant { identity: "agent", room: &room, valid: 600, kind: Some("agent") });
    let joined = engine().connect(&server.url, &token, &ConnectOptions::default()).await.unwrap();
    let (b, mut events) = server.join("b", &room).await;
    let agent = &joined.room;
    assert_eq!(agent.local().kind, ParticipantKind::Agent);
    let state = |value: &str| Attributes::from([("lk.agent.state".to_owned(), value.to_owned())]);
    agent.set_attributes(&state("listening")).await.unwrap();
    let changed = until(&mut events, "the attributes", |event| match event {
        RoomEvent::AttributesChanged { participant, changed } => Some((participant, changed)),
        _ => None,
    })
    .await;
    assert_eq!(changed, ("agent".to_owned(), state("listening")));
    let seen = b.participants();
    assert_eq!((seen[0].kind, seen[0].attributes.clone()), (ParticipantKind::Agent, state("listening")));
    agent.set_metadata("{}").await.unwrap();
    until(&mut events, "the metadata", |event| match event {
        RoomEvent::MetadataChanged { metadata, .. } => (metadata == "{}").then_some(()),
        _ => None,
    })
    .await;
    agent.set_name("Ada").await.unwrap();
    until(&mut events, "the name", |event| match event {
        RoomEvent::NameChanged { name, .. } => (name == "Ada").then_some(()),
        _ => None,
    })
    .await;
    assert_eq!((b.participants()[0].name.as_str(), b.participants()[0].metadata.as_str()), ("Ada", "{}"));
    // Somebody who comes later sees it too.
    let (late, _told) = server.join("late", &room).await;
    assert!(late.participants().iter().any(|p| p.attributes == state("listening")));
    for room in [agent, &b, &late] {
        room.disconnect().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_answered_both_ways() {
    let Some(server) = Server::get() else { return };
    let room = room_name("rpc");
    let (a, mut calls_a) = server.join("a", &room).await;
    let (b, mut calls_b) = server.join("b", &room).await;
    a.register_rpc("double").await.unwrap();
    b.register_rpc("double").await.unwrap();
    for (caller, callee, calls, to) in [(&a, &b, &mut calls_b, "b"), (&b, &a, &mut calls_a, "a")] {
        let asking = caller.clone();
        let calling = tokio::spawn(async move {
            (
                asking.call_rpc(to, "double", "21", Duration::from_secs(8)).await.unwrap(),
                asking.call_rpc(to, "double", "x", Duration::from_secs(8)).await.unwrap(),
                asking.call_rpc(to, "unheard of", "", Duration::from_secs(8)).await.unwrap(),
            )
        });
        for _ in 0..2 {
            let call = until(calls, "a call", |event| match event {
                RoomEvent::Rpc(call) => Some(call),
                _ => None,
            })
            .await;
            let answer = call.payload.parse::<i32>();
            let answer = answer.map(|n| (2 * n).to_string()).map_err(|_| RpcFailure::new(1500, "no number"));
            callee.answer_rpc(call.id, answer).await.unwrap();
        }
        let (well, badly, unknown) = calling.await.unwrap();
        assert_eq!(well.unwrap(), "42");
        assert_eq!(badly.unwrap_err(), RpcFailure::new(1500, "no number"));
        assert_eq!(unknown.unwrap_err().code, 1400);
    }
    a.disconnect().await.unwrap();
    b.disconnect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transcription_packet_of_the_old_kind_arrives() {
    let Some(server) = Server::get() else { return };
    let room = room_name("transcription");
    // The server passes them on from agents only.
    let token = server.token_for(&Grant { identity: "a", room: &room, valid: 600, kind: Some("agent") });
    let joined = engine().connect(&server.url, &token, &ConnectOptions::default()).await.unwrap();
    let a = &joined.room;
    let (b, mut events) = server.join("b", &room).await;
    let track = a.publish_audio(&Default::default()).await.unwrap();
    let sid = track.track().sid;
    until(&mut events, "the track", |event| matches!(event, RoomEvent::TrackSubscribed { .. }).then_some(()))
        .await;
    let segment = TranscriptionSegment {
        id: "SG_1".to_owned(),
        text: "hello".to_owned(),
        is_final: true,
        language: "en".to_owned(),
        ..TranscriptionSegment::default()
    };
    a.publish_transcription("a", &sid, std::slice::from_ref(&segment)).await.unwrap();
    let got = until(&mut events, "the transcription", |event| match event {
        RoomEvent::Transcription { participant, track_sid, segments } => {
            Some((participant, track_sid, segments))
        }
        _ => None,
    })
    .await;
    assert_eq!(got, (Some("a".to_owned()), Some(sid), vec![segment]));
    a.disconnect().await.unwrap();
    b.disconnect().await.unwrap();
}
