//! Text to speech over HTTP.

use std::time::Duration;

use duologue_pipeline::wav::WavReader;
use duologue_server::Slots;
use duologue_server::http::HttpOptions;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::rig::{Server, refused};

const LONG: &str =
    "The kitchen is warm. The door is open. The light is on. The music is off. It is five o'clock.";

fn wav(bytes: &[u8]) -> (u32, Vec<f32>) {
    let mut reader = WavReader::new(bytes, "answer").unwrap();
    (reader.spec().rate, reader.read_to_end(10_000_000).unwrap())
}

fn seconds(pcm: &[u8]) -> f64 {
    pcm.len() as f64 / 2.0 / 24_000.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_is_spoken_in_every_format() {
    let server = Server::open().await;
    let pcm = server.speech(&json!({ "input": LONG, "response_format": "pcm" })).await;
    assert_eq!(pcm.headers()["content-type"], "audio/pcm");
    let length = seconds(&pcm.bytes().await.unwrap());
    assert!((3.0..12.0).contains(&length), "{length} s");
    for (format, kind, magic) in [
        ("mp3", "audio/mpeg", &b"\xff\xf3"[..]),
        ("opus", "audio/ogg", b"OggS"),
        ("flac", "audio/flac", b"fLaC"),
        ("wav", "audio/wav", b"RIFF"),
    ] {
        let response =
            server.speech(&json!({ "input": LONG, "response_format": format, "model": "tts-1" })).await;
        assert_eq!(
            (response.status(), &response.headers()["content-type"]),
            (StatusCode::OK, &kind.parse().unwrap())
        );
        let bytes = response.bytes().await.unwrap();
        assert!(bytes.starts_with(magic), "{format}: {:?}", &bytes[..4]);
        // What was made is heard again, at the length that it has.
        let part = reqwest::multipart::Part::bytes(bytes.to_vec()).file_name("speech.bin");
        let form = reqwest::multipart::Form::new().part("file", part).text("response_format", "verbose_json");
        let heard: Value = server
            .post("/v1/audio/transcriptions")
            .multipart(form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let duration = heard["duration"].as_f64().unwrap_or_else(|| panic!("{format}: {heard}"));
        assert!((duration - length).abs() < 0.4, "{format}: {duration} s of {length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_wav_states_its_length_and_a_streamed_one_does_not() {
    let server = Server::open().await;
    let whole = server.speech(&json!({ "input": "hello", "response_format": "wav", "stream": false })).await;
    assert!(whole.headers().contains_key("content-length"));
    let whole = whole.bytes().await.unwrap();
    assert_eq!(u32::from_le_bytes(whole[40..44].try_into().unwrap()) as usize, whole.len() - 44);
    let streamed =
        server.speech(&json!({ "input": "hello", "response_format": "wav" })).await.bytes().await.unwrap();
    assert_eq!(streamed[4..8], [255; 4]);
    assert_eq!(wav(&whole), wav(&streamed));
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_volume_and_tempo_are_not_ignored() {
    let server = Server::open().await;
    let ask = async |more: Value| {
        let mut body = json!({ "input": "the door is open", "response_format": "wav" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (rate, samples) = wav(&server.speech(&body).await.bytes().await.unwrap());
        let level = samples.iter().map(|x| x * x).sum::<f32>().sqrt();
        (rate, samples.len() as f64 / f64::from(rate), level / (rate as f32).sqrt())
    };
    let (rate, length, level) = ask(json!({})).await;
    assert_eq!(rate, 24_000);
    let (slow_rate, same_length, _) = ask(json!({ "sample_rate": 16_000 })).await;
    assert_eq!(slow_rate, 16_000);
    assert!((same_length - length).abs() < 0.05, "{same_length} and {length} s");
    let (_, quick, _) = ask(json!({ "speed": 2.0 })).await;
    assert!(quick < 0.7 * length, "{quick} of {length} s");
    let (_, _, soft) = ask(json!({ "volume_multiplier": 0.5 })).await;
    assert!((soft / level - 0.5).abs() < 0.02, "{soft} of {level}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_request_is_refused_with_its_parameter() {
    let server = Server::open().await;
    let long = "a".repeat(4_097);
    for (body, param) in [
        (json!({}), "input"),
        (json!({ "input": 3 }), "input"),
        (json!({ "input": " \n" }), "input"),
        (json!({ "input": long }), "input"),
        (json!({ "input": "a", "voice": "nobody" }), "voice"),
        (json!({ "input": "a", "voice": { "name": "x" } }), "voice"),
        (json!({ "input": "a", "response_format": "aac" }), "response_format"),
        (json!({ "input": "a", "response_format": 7 }), "response_format"),
        (json!({ "input": "a", "speed": 9 }), "speed"),
        (json!({ "input": "a", "speed": "fast" }), "speed"),
        (json!({ "input": "a", "sample_rate": 100 }), "sample_rate"),
        (json!({ "input": "a", "stream_format": "xml" }), "stream_format"),
    ] {
        let (status, named, _) = refused(server.speech(&body).await).await;
        assert_eq!((status, named), (StatusCode::BAD_REQUEST, json!(param)), "{body}");
    }
    // 4,096 characters are counted, not bytes.
    assert_eq!(server.speech(&json!({ "input": "é".repeat(4_000) + "a" })).await.status(), StatusCode::OK);
    let (status, param, code) =
        refused(server.speech(&json!({ "input": "a", "model": "gpt-9" })).await).await;
    assert_eq!((status, param, code), (StatusCode::NOT_FOUND, json!("model"), json!("model_not_found")));
}

#[tokio::test(flavor = "multi_thread")]
async fn voices_of_openai_and_objects_are_understood() {
    let server = Server::open().await;
    let voices: Value = server.get("/v1/audio/voices").send().await.unwrap().json().await.unwrap();
    let own = voices["voices"][0]["id"].as_str().unwrap().to_owned();
    for voice in [json!("alloy"), json!({ "id": "verse" }), json!(own), json!({ "id": own })] {
        let response = server.speech(&json!({ "input": "yes", "voice": voice, "more": [1] })).await;
        assert_eq!(response.status(), StatusCode::OK, "{voice}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_hold_the_same_sound() {
    let server = Server::open().await;
    let plain =
        server.speech(&json!({ "input": LONG, "response_format": "pcm" })).await.bytes().await.unwrap();
    let body = json!({ "input": LONG, "response_format": "pcm", "stream_format": "sse" });
    let response = server.speech(&body).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    let events: Vec<Value> = text
        .split("\n\n")
        .filter(|event| !event.is_empty())
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    use base64::Engine;
    let (done, deltas) = events.split_last().unwrap();
    assert_eq!(done["type"], "speech.audio.done");
    assert!(done["usage"]["total_tokens"].is_u64());
    assert!(deltas.len() > 2, "{} deltas", deltas.len());
    let mut sound = Vec::new();
    for delta in deltas {
        assert_eq!(delta["type"], "speech.audio.delta");
        sound.extend(
            base64::engine::general_purpose::STANDARD.decode(delta["audio"].as_str().unwrap()).unwrap(),
        );
    }
    assert!(sound == plain, "{} and {} bytes", sound.len(), plain.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_tell_when_each_word_is_spoken() {
    let server = Server::open().await;
    let body = json!({ "input": "the door is open", "response_format": "pcm" });
    let text = server.post("/dev/captioned_speech").json(&body).send().await.unwrap().text().await.unwrap();
    let mut words = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        words.extend(line["timestamps"].as_array().unwrap().clone());
    }
    let said: Vec<&str> = words.iter().map(|word| word["word"].as_str().unwrap()).collect();
    assert_eq!(said, ["the", "door", "is", "open"]);
    let start = |word: &Value| word["start_time"].as_f64().unwrap();
    assert!(words.windows(2).all(|pair| start(&pair[0]) < start(&pair[1])), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_the_synthesis() {
    let slots = Slots::new(2);
    let server = Server::with(HttpOptions::default(), slots.clone()).await;
    // So much that it would be spoken for longer than the test waits, if nobody ended it.
    let text = "This is a long sentence that goes on and on about nothing at all. ".repeat(60);
    for _ in 0..4 {
        let mut response = server.speech(&json!({ "input": text, "response_format": "pcm" })).await;
        assert!(response.chunk().await.unwrap().is_some());
        drop(response);
    }
    // The queue to a client that reads nothing is bounded, so work that was not ended would hold its slot for ever.
    for _ in 0..1_000 {
        if slots.free() == 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} of 2 slots are free", slots.free());
}
