//! Recordings to text over HTTP.

use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::rig::{Server, refused, spoken};

const SAID: &str = "turn on the kitchen light";

fn upload(bytes: Vec<u8>) -> Part {
    Part::bytes(bytes).file_name("lies.mp3")
}

async fn text(server: &Server, form: Form) -> String {
    let response = server.post("/v1/audio/transcriptions").multipart(form).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_voice_says_is_heard_in_every_form() {
    let server = Server::open().await;
    let file = spoken(&server, SAID).await;
    let ask = async |form: &str| {
        // The file before the other fields, and after them.
        let first = Form::new().part("file", upload(file.clone())).text("response_format", form.to_owned());
        let last = Form::new()
            .text("response_format", form.to_owned())
            .text("model", "whisper-1")
            .part("file", upload(file.clone()));
        let (first, last) = (text(&server, first).await, text(&server, last).await);
        assert_eq!(first, last, "{form}");
        first
    };
    let plain = ask("text").await;
    assert!(plain.contains("kitchen light"), "{plain:?}");
    let json: Value = serde_json::from_str(&ask("json").await).unwrap();
    assert_eq!(json["text"], json!(plain));
    assert_eq!(json["usage"]["type"], "duration");
    let srt = ask("srt").await;
    assert!(srt.starts_with("1\n00:00:0") && srt.contains(&plain), "{srt:?}");
    let vtt = ask("vtt").await;
    assert!(vtt.starts_with("WEBVTT\n\n00:00:0") && vtt.contains(&plain), "{vtt:?}");
    let verbose: Value = serde_json::from_str(&ask("verbose_json").await).unwrap();
    let segment = verbose["segments"][0].as_object().unwrap();
    for key in [
        "id",
        "seek",
        "start",
        "end",
        "text",
        "tokens",
        "temperature",
        "avg_logprob",
        "compression_ratio",
        "no_speech_prob",
    ] {
        assert!(segment.contains_key(key), "{key}");
    }
    assert!(verbose.get("words").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn words_have_their_times_where_they_are_asked_for() {
    let server = Server::open().await;
    let form = Form::new()
        .part("file", upload(spoken(&server, SAID).await))
        .text("response_format", "verbose_json")
        .text("timestamp_granularities[]", "word");
    let found: Value = serde_json::from_str(&text(&server, form).await).unwrap();
    let words = found["words"].as_array().unwrap();
    assert!(words.len() >= 4, "{found}");
    let duration = found["duration"].as_f64().unwrap();
    let time = |word: &Value, key: &str| word[key].as_f64().unwrap();
    assert!(
        words
            .iter()
            .all(|word| time(word, "start") <= time(word, "end") && time(word, "end") <= duration + 0.1)
    );
    assert!(found.get("segments").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn deltas_make_up_the_whole() {
    let server = Server::open().await;
    let mut two = spoken(&server, SAID).await;
    let silence = vec![0; 2 * 24_000 * 2];
    let again = two[44..].to_vec();
    two.extend(silence.iter().chain(&again));
    // The header states too little: what follows it is silence to a reader that trusts it.
    let length = (two.len() - 44) as u32;
    two[40..44].copy_from_slice(&length.to_le_bytes());
    two[4..8].copy_from_slice(&(length + 36).to_le_bytes());
    let form = Form::new().part("file", upload(two)).text("stream", "true");
    let events: Vec<Value> = text(&server, form)
        .await
        .split("\n\n")
        .filter(|event| !event.is_empty())
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    let (done, deltas) = events.split_last().unwrap();
    assert_eq!((done["type"].as_str(), deltas.len()), (Some("transcript.text.done"), 2));
    let joined: String = deltas.iter().map(|delta| delta["delta"].as_str().unwrap()).collect();
    assert_eq!(done["text"], json!(joined));
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_no_error() {
    let server = Server::open().await;
    let mut file = spoken(&server, "yes").await;
    file[44..].fill(0);
    assert_eq!(
        text(&server, Form::new().part("file", upload(file)).text("response_format", "text")).await,
        ""
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_upload_is_refused_in_the_envelope() {
    let server = Server::open().await;
    let ask = async |form: Form| {
        refused(server.post("/v1/audio/transcriptions").multipart(form).send().await.unwrap()).await
    };
    let file = || upload(b"RIFF\0\0\0\0WAVEfmt ".to_vec());
    let bad = StatusCode::BAD_REQUEST;
    assert_eq!(ask(Form::new()).await.0, bad);
    assert_eq!(ask(Form::new().text("model", "whisper-1")).await, (bad, json!("file"), Value::Null));
    assert_eq!(ask(Form::new().part("file", file())).await, (bad, json!("file"), Value::Null));
    assert_eq!(ask(Form::new().part("file", upload(Vec::new()))).await, (bad, json!("file"), Value::Null));
    let form = Form::new().part("file", file()).text("response_format", "diarized_json");
    assert_eq!(ask(form).await, (bad, json!("response_format"), Value::Null));
    let form = Form::new().part("file", file()).text("model", "whisper-9");
    assert_eq!(ask(form).await, (StatusCode::NOT_FOUND, json!("model"), json!("model_not_found")));
    let form = Form::new().part("file", upload(vec![0; 27_000_000]));
    assert_eq!(ask(form).await, (StatusCode::PAYLOAD_TOO_LARGE, Value::Null, Value::Null));
    // No form at all.
    let response = server.post("/v1/audio/transcriptions").body("file").send().await.unwrap();
    assert_eq!(refused(response).await.0, bad);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_cut_anywhere_is_answered_or_refused() {
    let server = Server::open().await;
    for format in ["wav", "flac", "opus", "mp3"] {
        let body = json!({ "input": SAID, "response_format": format });
        let file = server.speech(&body).await.bytes().await.unwrap();
        for tenth in 0..10 {
            let part = upload(file[..file.len() * tenth / 10].to_vec());
            let form = Form::new().part("file", part);
            let response = server.post("/v1/audio/transcriptions").multipart(form).send().await.unwrap();
            if response.status() != StatusCode::OK {
                assert_eq!(refused(response).await.0, StatusCode::BAD_REQUEST, "{format}, {tenth} tenths");
            }
        }
    }
}
