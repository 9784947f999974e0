//! The Wyoming server, asked over sockets.

use std::time::Duration;

use duologue_server::Engines;
use duologue_server::wyoming::{DEFAULT_VOICE, Event, Options};
use duologue_setup::Config;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::wyoming_peer::{
    Client, ENGINES, Format, LIMIT, Server, USUAL, code, kinds, line, of, spoken, text,
};

#[tokio::test]
async fn describe_is_answered_with_every_field_that_clients_need() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    ENGINES.models().await.unwrap();
    client.send("describe", json!({})).await;
    let info = client.next().await.unwrap();
    assert_eq!(info.kind, "info");
    let list = |value: &Value| value.as_array().unwrap().clone();
    let programs = ["asr", "tts"].map(|domain| list(&info.data[domain])[0].clone());
    let artifacts = programs.iter().chain([&programs[0]["models"][0], &programs[1]["voices"][0]]);
    for artifact in artifacts {
        assert!(artifact["name"].is_string() && artifact["installed"] == true, "{artifact}");
        assert!(artifact["attribution"]["name"].is_string() && artifact["attribution"]["url"].is_string());
        assert!(artifact.get("description").is_some() && artifact.get("version").is_some(), "{artifact}");
    }
    assert_eq!(programs[0]["supports_transcript_streaming"], true);
    assert_eq!(programs[1]["supports_synthesize_streaming"], true);
    assert_eq!(programs[0]["models"][0]["languages"], json!(["en"]));
    let voices: Vec<Value> = list(&programs[1]["voices"]).iter().map(|voice| voice["name"].clone()).collect();
    assert_eq!(voices, ["slt", "rms"]);
    for empty in ["wake", "handle", "intent", "mic", "snd"] {
        assert_eq!(info.data[empty], json!([]), "{empty}");
    }
}

#[tokio::test]
async fn describe_does_not_wait_for_models_that_never_come() {
    let config = Config::parse("tts = \"/nowhere/at-all\"", "test", []).unwrap();
    let server = Server::start(Engines::load(config, true).unwrap(), Options::default()).await;
    let mut client = server.client().await;
    client.send("describe", json!({})).await;
    let info = client.next().await.unwrap();
    assert_eq!(info.data["tts"][0]["voices"][0]["name"], DEFAULT_VOICE);
    assert_eq!(info.data["tts"][0]["description"], "Duologue (at-all)", "a path was published");
    client.send("synthesize", json!({ "text": "hello" })).await;
    let events = client.until("audio-stop").await;
    assert_eq!(code(&events[0]), ("error", Some("model")));
}

#[tokio::test]
async fn what_is_said_is_transcribed_and_its_chunks_are_the_transcript() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    let events = client.transcribe(&line("turn-on-the-kitchen-lights"), USUAL).await;
    assert_eq!(text(&events), "turn on the kitchen lights");
    assert_eq!(events[0].kind, "transcript-start");
    assert_eq!(events.last().unwrap().kind, "transcript-stop");
    assert!(of(&events, "transcript-chunk").count() >= 2, "nothing came before the end: {}", kinds(&events));
    // The same connection serves on.
    assert_eq!(text(&client.transcribe(&line("what-time-is-it"), USUAL).await), "what time is it");
    server.end().await;
}

#[tokio::test]
async fn every_format_is_heard() {
    let server = Server::usual().await;
    let samples = line("turn-on-the-kitchen-lights");
    for (rate, width, channels) in
        [(48_000, 2, 2), (44_100, 4, 1), (22_050, 3, 1), (24_000, 2, 1), (16_000, 1, 1), (96_000, 2, 6)]
    {
        let mut client = server.client().await;
        let format = Format { rate, width, channels };
        assert_eq!(
            text(&client.transcribe(&samples, format).await),
            "turn on the kitchen lights",
            "{format:?}"
        );
    }
}

#[tokio::test]
async fn the_rate_of_each_chunk_counts() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    client.send("transcribe", json!({})).await;
    client.send("audio-start", json!({ "rate": 16_000, "width": 2, "channels": 1 })).await;
    let samples = line("turn-on-the-kitchen-lights");
    for (half, rate) in [(&samples[..samples.len() / 2], 48_000), (&samples[samples.len() / 2..], 24_000)] {
        let format = Format { rate, ..USUAL };
        let about = json!({ "rate": rate, "width": 2, "channels": 1 });
        let event = Event::new("audio-chunk", about).with_payload(format.encode(half));
        client.bytes(&event.encode()).await;
    }
    client.send("audio-stop", json!({})).await;
    assert_eq!(text(&client.until("transcript-stop").await), "turn on the kitchen lights");
}

#[tokio::test]
async fn silence_is_an_empty_transcript_and_no_error() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    let events = client.transcribe(&[0.0; 16_000], USUAL).await;
    assert_eq!(text(&events), "");
    let events = client.transcribe(&[], USUAL).await;
    assert_eq!(text(&events), "");
}

#[tokio::test]
async fn a_pause_does_not_part_a_transcript() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    let mut samples = line("what-time-is-it");
    samples.extend(vec![0.0; 32_000]);
    samples.extend(line("set-a-timer"));
    let text = text(&client.transcribe(&samples, USUAL).await);
    assert!(text.starts_with("what time is it set a timer"), "{text}");
}

#[tokio::test]
async fn any_cut_of_the_bytes_says_the_same() {
    let server = Server::usual().await;
    let about = json!({ "rate": 16_000, "width": 2, "channels": 1 });
    let mut stream = Event::new("transcribe", json!({})).encode();
    stream.extend(Event::new("audio-start", about.clone()).encode());
    for chunk in USUAL.encode(&line("what-time-is-it")).chunks(2_048) {
        stream.extend(Event::new("audio-chunk", about.clone()).with_payload(chunk.to_vec()).encode());
    }
    stream.extend(Event::new("audio-stop", json!({})).encode());
    for size in [1, 7, 333, 4_096, stream.len()] {
        let mut client = server.client().await;
        for piece in stream.chunks(size) {
            client.bytes(piece).await;
        }
        assert_eq!(text(&client.until("transcript-stop").await), "what time is it", "cut every {size} bytes");
    }
}

#[tokio::test]
async fn what_is_synthesized_is_understood() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    client
        .send("synthesize", json!({ "text": "Set a timer for ten minutes.", "voice": { "name": "rms" } }))
        .await;
    let events = client.until("audio-stop").await;
    assert_eq!(events[0].kind, "audio-start");
    assert!(of(&events, "audio-start").count() == 1 && of(&events, "audio-stop").count() == 1);
    assert!(
        of(&events, "audio-chunk").all(|chunk| chunk.payload.len() <= 24_000 * 2 / 20),
        "chunks are long"
    );
    let heard = text(&client.transcribe(&spoken(&events), USUAL).await);
    assert_eq!(heard, "set a timer for ten minutes");
}

#[tokio::test]
async fn a_stream_of_text_says_the_same_as_the_whole_and_nothing_twice() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    let whole = "Set a timer for ten minutes. What time is it? Turn on the lights.";
    client.send("synthesize", json!({ "text": whole })).await;
    let once = client.until("audio-stop").await;
    client.send("synthesize-start", json!({ "voice": { "name": "slt" } })).await;
    for piece in whole.split_inclusive(' ') {
        client.send("synthesize-chunk", json!({ "text": piece })).await;
    }
    client.send("synthesize", json!({ "text": whole })).await;
    client.send("synthesize-stop", json!({})).await;
    let streamed = client.until("synthesize-stopped").await;
    assert_eq!(kinds(&streamed[streamed.len() - 2..]), "audio-stop synthesize-stopped");
    assert_eq!(spoken(&once), spoken(&streamed));
}

#[tokio::test]
async fn sound_does_not_wait_for_the_end_of_the_text() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    client.send("synthesize-start", json!({})).await;
    client.send("synthesize-chunk", json!({ "text": "Set a timer for ten minutes. What time " })).await;
    client.until("audio-chunk").await;
    client.send("synthesize-chunk", json!({ "text": "is it?" })).await;
    client.send("synthesize-stop", json!({})).await;
    client.until("synthesize-stopped").await;
}

#[tokio::test]
async fn nothing_to_say_ends_without_sound() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    client.send("synthesize", json!({ "text": "" })).await;
    assert_eq!(kinds(&client.until("audio-stop").await), "audio-start audio-stop");
    client.send("synthesize-start", json!({})).await;
    client.send("synthesize-stop", json!({})).await;
    assert_eq!(kinds(&client.until("synthesize-stopped").await), "audio-start audio-stop synthesize-stopped");
}

#[tokio::test]
async fn speech_is_found_where_it_is() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    let said = line("what-time-is-it");
    let mut samples = vec![0.0; 16_000];
    samples.extend(&said);
    samples.extend(vec![0.0; 24_000]);
    client.sound(&samples, USUAL).await;
    let events = client.until("voice-stopped").await;
    assert_eq!(kinds(&events), "voice-started voice-stopped");
    let at = |event: &Event| event.data["timestamp"].as_u64().unwrap();
    let end = 1_000 + said.len() as u64 / 16;
    assert!((900..1_400).contains(&at(&events[0])), "{events:?}");
    assert!((end - 500..end + 200).contains(&at(&events[1])), "{events:?}, the speech ends at {end}");
}

#[tokio::test]
async fn a_bad_request_gets_an_error_and_the_connection_stays() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    let sound = json!({ "rate": 16_000, "width": 2, "channels": 1 });
    for (kind, data, wanted) in [
        ("audio-chunk", sound.clone(), "not-started"),
        ("audio-start", json!({ "rate": 16_000, "width": 7, "channels": 1 }), "audio-format"),
        ("audio-start", json!({ "rate": 16_000, "width": 2 }), "bad-request"),
        ("select-program", json!({ "name": "whisper" }), "unknown-name"),
        ("select-program", json!({}), "bad-request"),
        ("synthesize", json!({ "text": 7 }), "bad-request"),
        ("synthesize", json!({ "text": "hi", "voice": { "name": "nobody" } }), "unknown-name"),
        ("synthesize", json!({ "text": "hi", "voice": { "language": "tlh" } }), "unknown-name"),
        ("synthesize", json!({ "text": "<speak/>", "text_format": "ssml" }), "unsupported"),
        ("synthesize-chunk", json!({ "text": "hi" }), "not-started"),
    ] {
        let mut client = server.client().await;
        client.send(kind, data).await;
        assert_eq!(code(&client.next().await.unwrap()), ("error", Some(wanted)), "{kind}");
        client.send("ping", json!({ "text": "still there?" })).await;
        let pong = client.until("pong").await;
        assert_eq!(pong.last().unwrap().data["text"], "still there?");
    }
    // A request that cannot be read still ends, and so does one for an unknown model.
    client.send("transcribe", json!({ "name": 7 })).await;
    client.sound(&line("yes"), USUAL).await;
    assert_eq!(kinds(&client.until("transcript-stop").await), "error transcript transcript-stop");
    client.send("transcribe", json!({ "name": "another" })).await;
    client.sound(&line("yes"), USUAL).await;
    let events = client.until("transcript-stop").await;
    assert_eq!(kinds(&events), "error transcript transcript-stop");
    // So does one with sound of a wrong format, which is refused once.
    client.send("transcribe", json!({})).await;
    client.send("audio-start", sound).await;
    let slow = json!({ "rate": 4_000, "width": 2, "channels": 1 });
    for _ in 0..3 {
        client.bytes(&Event::new("audio-chunk", slow.clone()).with_payload(vec![0; 320]).encode()).await;
    }
    client.send("audio-stop", json!({})).await;
    let events = client.until("transcript-stop").await;
    assert_eq!(kinds(&events[events.len() - 3..]), "error transcript transcript-stop");
    // So does a search for wake words without a model for them.
    client.send("detect", json!({ "names": null })).await;
    client.sound(&line("yes"), USUAL).await;
    assert_eq!(kinds(&client.until("not-detected").await), "error not-detected");
    assert_eq!(text(&client.transcribe(&line("yes"), USUAL).await), "yes");
}

#[tokio::test]
async fn unknown_events_are_skipped_with_their_bytes() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    let later = Event::new("run-satellite", json!({ "a": { "b": [1, 2] } }))
        .with_payload(b"{\"type\":\"describe\"}\n".to_vec());
    client.bytes(&later.encode()).await;
    client.send("ping", json!({})).await;
    let pong = client.next().await.unwrap();
    assert_eq!((pong.kind.as_str(), &pong.data["text"]), ("pong", &Value::Null));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_order_of_events_leaves_it_deaf(order in prop::collection::vec(0..12_usize, 0..16)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::usual().await;
            let mut client = server.client().await;
            let sound = json!({ "rate": 16_000, "width": 2, "channels": 1 });
            for kind in order {
                let event = match kind {
                    0 => Event::new("describe", json!({})),
                    1 => Event::new("transcribe", json!({})),
                    2 => Event::new("detect", json!({})),
                    3 => Event::new("audio-start", sound.clone()),
                    4 | 5 => Event::new("audio-chunk", sound.clone()).with_payload(vec![7; 3_200]),
                    6 => Event::new("audio-chunk", json!({})),
                    7 => Event::new("audio-stop", json!({})),
                    8 => Event::new("synthesize", json!({ "text": "Yes." })),
                    9 => Event::new("synthesize-start", json!({})),
                    10 => Event::new("synthesize-chunk", json!({ "text": "Hello there. " })),
                    _ => Event::new("synthesize-stop", json!({})),
                };
                client.bytes(&event.encode()).await;
            }
            client.send("ping", json!({})).await;
            client.until("pong").await;
            // Whatever is open, it ends.
            server.end().await;
        });
    }
}

#[tokio::test]
async fn hostile_lines_close_their_connection_alone() {
    let server = Server::usual().await;
    let mut bystander = server.client().await;
    let nested =
        format!("{{\"type\": \"x\", \"data\": {}1{}}}\n", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    for line in [
        "{\"type\": \"x\", \"data_length\": 10000000000}\n",
        "{\"type\": \"x\", \"data_length\": -5}\n",
        "{\"type\": \"audio-chunk\", \"payload_length\": 10000000000}\n",
        "GET / HTTP/1.1\r\n\r\n",
        nested.as_str(),
        &"x".repeat(70_000),
    ] {
        let mut client = server.client().await;
        client.bytes(line.as_bytes()).await;
        assert_eq!(code(&client.next().await.unwrap()), ("error", Some("protocol")));
        assert_eq!(client.next().await, None);
    }
    bystander.send("ping", json!({})).await;
    assert_eq!(bystander.next().await.unwrap().kind, "pong");
}

#[tokio::test]
async fn a_client_that_vanishes_leaves_nothing_running() {
    let options = Options { max_connections: 1, ..Options::default() };
    let server = Server::start(ENGINES.clone(), options).await;
    let mut client = free_place(&server).await;
    for cut in 0..3 {
        match cut {
            // In the middle of a long speech.
            0 => {
                let long = "This is a long story that nobody will hear to its end. ".repeat(400);
                client.send("synthesize", json!({ "text": long })).await;
                client.until("audio-chunk").await;
            }
            // In the middle of what it says.
            1 => {
                client.send("transcribe", json!({})).await;
                client.send("audio-start", json!({ "rate": 16_000, "width": 2, "channels": 1 })).await;
                client.until("transcript-start").await;
            }
            // In the middle of an event.
            _ => client.bytes(b"{\"type\": \"audio-chunk\", \"payload_length\": 2048}\n\0\0").await,
        }
        drop(client);
        // The one place is free again once the work has ended.
        client = timeout(LIMIT, free_place(&server))
            .await
            .unwrap_or_else(|_| panic!("cut {cut}: the place stayed taken"));
    }
}

/// A client that is let in, as soon as one is.
async fn free_place(server: &Server) -> Client {
    loop {
        let mut client = server.client().await;
        client.send("ping", json!({})).await;
        match client.next().await {
            Some(event) if event.kind == "pong" => return client,
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

#[tokio::test]
async fn two_clients_are_served_at_once() {
    let server = Server::usual().await;
    let (mut one, mut other) = (server.client().await, server.client().await);
    // One is in the middle of its request while the other's comes and goes.
    one.send("transcribe", json!({})).await;
    one.send("audio-start", json!({ "rate": 16_000, "width": 2, "channels": 1 })).await;
    one.until("transcript-start").await;
    assert_eq!(text(&other.transcribe(&line("what-time-is-it"), USUAL).await), "what time is it");
    let (timer, yes) = (line("set-a-timer"), line("yes"));
    let (first, second) = tokio::join!(one.transcribe(&timer, USUAL), other.transcribe(&yes, USUAL));
    assert!(text(&first).starts_with("set a timer"));
    assert_eq!(text(&second), "yes");
}

#[tokio::test]
async fn one_connection_hears_while_it_speaks() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    client.send("transcribe", json!({})).await;
    client.send("audio-start", json!({ "rate": 16_000, "width": 2, "channels": 1 })).await;
    client.until("transcript-start").await;
    client.send("synthesize", json!({ "text": "hello" })).await;
    client.until("audio-stop").await;
    client.send("audio-stop", json!({})).await;
    client.until("transcript-stop").await;
}

#[tokio::test]
async fn too_many_connections_and_idle_ones_are_told_so() {
    let options = Options { max_connections: 1, idle: Duration::from_millis(300), ..Options::default() };
    let server = Server::start(ENGINES.clone(), options).await;
    let mut first = server.client().await;
    first.send("ping", json!({})).await;
    first.until("pong").await;
    let mut second = server.client().await;
    assert_eq!(code(&second.next().await.unwrap()), ("error", Some("busy")));
    assert_eq!(second.next().await, None);
    assert_eq!(code(&first.next().await.unwrap()), ("error", Some("protocol")));
    assert_eq!(first.next().await, None);
}

#[tokio::test]
async fn a_request_under_way_is_finished_when_the_server_ends() {
    let server = Server::usual().await;
    let mut client = server.client().await;
    client.send("synthesize", json!({ "text": "Set a timer for ten minutes." })).await;
    client.until("audio-start").await;
    let ended = tokio::spawn(server.end());
    client.until("audio-stop").await;
    assert_eq!(client.next().await, None);
    ended.await.unwrap();
}
