//! The example `appliance`: whom it answers, and what it remembers.

#[path = "../../examples/appliance/agents.rs"]
mod agents;
#[path = "../../examples/appliance/home.rs"]
mod home;
#[path = "../../examples/appliance/wake.rs"]
mod wake;

use crate::common;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::common::told::said;
use agents::Appliance;
use duologue::agent::AgentSession;
use duologue::agent::chat::Role;
use duologue::agent::llm::intents::Intents;
use duologue::models::stt::Stt;
use duologue::pipeline::endpoint::simulated::Clip;
use home::Home;
use tokio::time::{advance, sleep};
use wake::{AWAKE, Call, SpottingStt, WakeWord};

fn session() -> AgentSession<Home> {
    let intents =
        Intents::parse(include_str!("../../examples/appliance/intents.toml"), "intents.toml").unwrap();
    AgentSession::builder(Home::default()).llm(intents).build().unwrap()
}

fn appliance() -> Appliance {
    Appliance::new(WakeWord::new("hello"))
}

async fn started() -> AgentSession<Home> {
    let session = session();
    session.start_text(appliance()).await.unwrap();
    session
}

async fn answer(session: &AgentSession<Home>, text: &str) -> String {
    session.run(text).await.unwrap().text()
}

#[tokio::test(start_paused = true)]
async fn it_does_not_answer_without_the_wake_word() {
    let session = started().await;
    assert_eq!(answer(&session, "turn on the kitchen lights").await, "");
    assert!(session.userdata().lit().is_empty());
    assert_eq!(answer(&session, "Hello, turn on the kitchen lights!").await, "The kitchen lights are on.");
    assert_eq!(session.userdata().lit(), ["kitchen"]);
    session.close().await;
}

#[tokio::test(start_paused = true)]
async fn it_does_not_want_the_wake_word_each_time_nor_listen_for_ever() {
    let session = started().await;
    assert_eq!(answer(&session, "hello").await, "Yes?");
    assert_eq!(answer(&session, "turn on the lights").await, "All the lights are on.");
    advance(AWAKE - Duration::from_secs(1)).await;
    assert_eq!(answer(&session, "turn off the kitchen lights").await, "The kitchen lights are off.");
    advance(AWAKE + Duration::from_secs(1)).await;
    assert_eq!(answer(&session, "turn off the bedroom lights").await, "");
    assert_eq!(session.userdata().lit(), ["bedroom"]);
    session.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_lights_are_not_forgotten() {
    let session = started().await;
    answer(&session, "hello switch on the bedroom lights").await;
    answer(&session, "what time is it").await;
    assert_eq!(answer(&session, "which lights are on").await, "The bedroom lights are on.");
    answer(&session, "turn off the bedroom lights").await;
    assert_eq!(answer(&session, "which lights are on").await, "All the lights are off.");
    session.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_is_not_silent_when_it_is_over_nor_early() {
    let session = started().await;
    assert_eq!(
        answer(&session, "hello set a timer for ten minutes").await,
        "Your timer is set for 10 minutes."
    );
    let rang = || said(&session, Role::Assistant).last().is_some_and(|text| text == "Your timer is over.");
    sleep(Duration::from_secs(599)).await;
    assert!(!rang());
    sleep(Duration::from_secs(2)).await;
    assert!(rang(), "{:?}", said(&session, Role::Assistant));
    assert_eq!(answer(&session, "hello how long is left on the timer").await, "There is no timer.");
    session.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_timer_does_not_ring() {
    let session = started().await;
    assert_eq!(answer(&session, "hello set a timer").await, "For how long?");
    assert_eq!(answer(&session, "five minutes").await, "Your timer is set for 5 minutes.");
    assert_eq!(answer(&session, "cancel the timer").await, "The timer for 5 minutes is cancelled.");
    sleep(Duration::from_secs(600)).await;
    assert!(!said(&session, Role::Assistant).contains(&"Your timer is over.".to_owned()));
    session.close().await;
}

/// The word in the recording is "country"; the recogniser beside it knows no such word.
#[test]
fn a_key_word_in_the_sound_is_not_missed_nor_made_up() {
    let material = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/material"));
    let (model, speech) = (material.join("stt/zipformer-3.3m-en"), material.join("speech/jfk.wav"));
    if !model.exists() || !speech.exists() {
        println!("SKIPPED: {} or {} is not there", model.display(), speech.display());
        return;
    }
    let samples = Clip::from_wav(speech).unwrap().at_rate(16_000).unwrap().samples().to_vec();
    for (keywords, woken) in [("▁COUNT RY @COUNTRY", true), ("▁E LE P HA N T @ELEPHANT", false)] {
        let word = WakeWord::new("computer");
        let directory = tempfile::tempdir().unwrap();
        for name in ["encoder.int8.onnx", "decoder.onnx", "joiner.int8.onnx", "tokens.txt"] {
            std::fs::copy(model.join(name), directory.path().join(name)).unwrap();
        }
        std::fs::write(directory.path().join("keywords.txt"), keywords).unwrap();
        let stt = SpottingStt::load(Arc::clone(&common::models().stt), directory.path(), &word).unwrap();
        let mut stream = stt.stream().unwrap();
        for block in samples.chunks(1_600) {
            stream.push(block).unwrap();
        }
        stream.push(&[0.0; 16_000]).unwrap();
        stream.finish().unwrap();
        let call = word.call("turn on the lights");
        let expected = if woken { Call::Command("turn on the lights".into()) } else { Call::NotMeant };
        assert_eq!(call, expected, "{keywords}");
    }
}
