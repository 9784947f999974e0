//! The Wyoming server with models and recordings that are too large for the repository; skipped aloud without them.

use std::path::PathBuf;

use duologue_models::wake::WakeWords;
use duologue_pipeline::Clip;
use duologue_server::Engines;
use duologue_server::wyoming::Options;
use duologue_setup::Config;
use serde_json::json;

use crate::wyoming_peer::{ENGINES, Server, USUAL, kinds, of, text};

/// A zipformer for open English, which is a keyword model, too, and a recording of 11 s.
fn material() -> Option<(PathBuf, Vec<f32>)> {
    let material = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material"));
    let (model, speech) = (material.join("stt/zipformer-3.3m-en"), material.join("speech/jfk.wav"));
    if !model.exists() || !speech.exists() {
        println!("SKIPPED: {} or {} is not there", model.display(), speech.display());
        return None;
    }
    let speech = Clip::from_wav(speech).unwrap().at_rate(16_000).unwrap().samples().to_vec();
    Some((model, speech))
}

#[tokio::test]
async fn a_wake_word_is_neither_missed_nor_made_up() {
    let Some((model, speech)) = material() else { return };
    let directory = tempfile::tempdir().unwrap();
    for name in ["encoder.int8.onnx", "decoder.onnx", "joiner.int8.onnx", "tokens.txt"] {
        std::fs::copy(model.join(name), directory.path().join(name)).unwrap();
    }
    std::fs::write(directory.path().join("keywords.txt"), "▁COUNT RY @COUNTRY\n▁E LE P HA N T @ELEPHANT\n")
        .unwrap();
    ENGINES.models().await.unwrap();
    let wake = Some(WakeWords::load(directory.path()).unwrap());
    let server = Server::start(ENGINES.clone(), Options { wake, ..Options::default() }).await;
    let mut client = server.client().await;
    client.send("describe", json!({})).await;
    let info = client.next().await.unwrap();
    let names: Vec<_> =
        info.data["wake"][0]["models"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["COUNTRY", "ELEPHANT"]);

    client.send("detect", json!({ "names": null })).await;
    client.sound(&speech, USUAL).await;
    let found = client.next().await.unwrap();
    assert_eq!((found.kind.as_str(), &found.data["name"]), ("detection", &json!("COUNTRY")));
    // "… ask not what your country …": from 4.9 s on.
    assert!((4_000..7_000).contains(&found.data["timestamp"].as_u64().unwrap()), "{found:?}");

    let mut client = server.client().await;
    client.send("detect", json!({ "names": ["ELEPHANT"] })).await;
    client.sound(&speech, USUAL).await;
    assert_eq!(kinds(&client.until("not-detected").await), "not-detected");
}

#[tokio::test]
async fn long_speech_comes_in_chunks_that_are_never_taken_back() {
    let Some((model, speech)) = material() else { return };
    let config = Config::parse(&format!("stt = {model:?}"), "test", []).unwrap();
    let server = Server::start(Engines::load(config, true).unwrap(), Options::default()).await;
    let mut client = server.client().await;
    let events = client.transcribe(&speech, USUAL).await;
    let said = text(&events);
    assert!(said.contains("what your country can do for you"), "{said}");
    assert!(of(&events, "transcript-chunk").count() > 5, "{}", kinds(&events));
}
