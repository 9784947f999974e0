//! An agent in a room with a caller, over the built-in models: a room in memory everywhere, and a LiveKit
//! server where `LIVEKIT_URL`, `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET` name one (`.ci/livekit-server.sh`).

mod caller;
mod frontends;
mod home;
mod memory;
mod models;
mod several;
mod world;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use caller::RATE;
use duologue_agent::chat::{ChatContent, Role};
use duologue_agent::session::AgentState;
use duologue_agent::{AgentSession, SessionEvent};
use duologue_models::Stt;
use duologue_models::stt::{StreamingStt, SttOptions};
use duologue_models::text::normalise;
use duologue_pipeline::offline;
use duologue_room::engine::{RoomEvent, StreamOptions};
use duologue_room::preconnect;
use duologue_room::session::{RoomOptions, RoomOver, RoomSession};
use home::Home;
use tokio::time::{sleep, timeout};
use world::World;

const PATIENCE: Duration = Duration::from_secs(20);
const QUIET: Duration = Duration::from_millis(1_200);

/// Runs tests in memory, and again with a server where there is one; the last with a server only.
macro_rules! in_both_worlds {
    ({ $($name:ident: $scenario:path;)* } { $($only:ident: $served:path;)* }) => {
        mod in_memory {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                $scenario(World::memory()).await;
            })*
        }
        mod with_a_server {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                if let Some(world) = World::server(stringify!($name)) {
                    $scenario(world).await;
                }
            })*
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $only() {
                if let Some(world) = World::server(stringify!($only)) {
                    $served(world).await;
                }
            })*
        }
    };
}

in_both_worlds! {
    {
        history_does_not_hold_what_was_not_heard: whole_call;
        an_agent_does_not_speak_on_when_it_is_stopped: stopped;
        a_session_does_not_outlive_its_participant: left_alone;
        the_first_words_are_not_lost: first_words;
        a_frontend_is_not_left_without_an_answer: messages_of_frontends;
        whom_the_agent_does_not_listen_to_is_not_answered: several::another_is_chosen;
        others_are_not_taken_for_the_user: several::another_is_overheard;
        a_stranger_does_not_look_into_the_session: frontends::a_stranger_asks;
    }
    {
        calls_and_panels_are_not_left_without_an_answer: frontends::of_every_kind;
        a_break_does_not_end_the_call: frontends::after_a_break;
    }
}

/// Three questions, an interruption, a typed one, and goodbye.
async fn whole_call(world: World) {
    let (caller, agent) = tokio::join!(world.caller(), world.agent(RoomOptions::default()));
    let (session, room) = agent;
    assert!(caller.agent_done(0, QUIET, PATIENCE).await, "the agent greets");

    let mut turns = Vec::new();
    for line in ["what-time-is-it", "turn-on-the-kitchen-lights", "set-a-timer"] {
        let from = caller.blocks();
        let said = caller.say(line).await;
        let heard =
            caller.agent_speaks(from, PATIENCE).await.unwrap_or_else(|| panic!("no answer to {line}"));
        let answered = caller.kept().times[heard] - said;
        assert!(caller.agent_done(heard, QUIET, PATIENCE).await, "{line} is answered to the end");
        println!(
            "{}: {line}: answer heard {} ms after the last sample was sent",
            world.name,
            answered.as_millis()
        );
        turns.push((heard, caller.blocks()));
    }

    // The story, cut off after three seconds.
    let from = caller.blocks();
    caller.say("tell-me-a-story").await;
    let story = caller.agent_speaks(from, PATIENCE).await.expect("the story begins");
    sleep(Duration::from_secs(3)).await;
    caller.say("stop-what-time-is-it").await;
    assert!(
        caller.agent_done(caller.blocks(), QUIET, PATIENCE).await,
        "the question in the interruption is answered"
    );

    let from = caller.blocks();
    caller.type_text("what lights are on").await;
    assert!(caller.agent_done(from, QUIET, PATIENCE).await, "what was typed is answered");
    turns.push((from, caller.blocks()));
    let kept = std::mem::take(&mut *caller.kept());
    let states = states(&kept.events);
    let finals = transcripts(&kept.events);
    let sid = caller.sid();
    let identity = caller.room.local().identity;
    caller.leave().await;
    let over = timeout(PATIENCE, room.over()).await.expect("the session ends when the caller has left");
    assert!(matches!(over, RoomOver::ParticipantLeft(_)), "{over:?}");

    let history = said(&session);
    println!("{}: {history:#?}", world.name);
    let user: Vec<&str> =
        history.iter().filter(|(role, ..)| *role == Role::User).map(|(_, text, _)| text.as_str()).collect();
    assert_eq!(user[..3], ["what time is it", "turn on the kitchen lights", "set a timer for ten minutes"]);
    assert_eq!(user.last(), Some(&"what lights are on"));
    let interrupted: Vec<_> = history.iter().filter(|(.., interrupted)| *interrupted).collect();
    assert_eq!(interrupted.len(), 1, "{history:?}");
    assert!(interrupted[0].1.starts_with("Once upon a time"), "{interrupted:?}");

    // What frontends were shown of the agent is what the history holds, and nothing else.
    let shown: Vec<String> =
        finals.iter().filter(|t| t.from != identity).map(|t| t.text.trim().to_owned()).collect();
    let remembered: Vec<String> = history
        .iter()
        .filter(|(role, ..)| *role == Role::Assistant)
        .map(|(_, text, _)| text.clone())
        .collect();
    assert_eq!(shown, remembered);
    let heard_of_user: Vec<&Shown> = finals.iter().filter(|t| t.from == identity).collect();
    assert_eq!(heard_of_user[0].text, "what time is it");
    assert!(heard_of_user.iter().all(|t| t.track == sid), "{heard_of_user:?}");
    assert!(states.windows(2).any(|pair| pair == ["thinking", "speaking"]), "{states:?}");
    assert_eq!(states.last().map(String::as_str), Some("listening"), "{states:?}");

    let Some(ear) = independent_ear() else { return };
    let mut replies: Vec<String> = remembered
        .iter()
        .filter(|text| !text.starts_with("Once") && !text.starts_with("Hello"))
        .cloned()
        .collect();
    replies.remove(3);
    for ((from, to), reply) in turns.into_iter().zip(replies) {
        compare(&ear, &kept.heard, from, to, &reply);
    }
    let cut = &interrupted[0].1;
    // What was heard of the story: until the answer to the interruption, a second of silence before it at least.
    let blocks = caller::loud(&kept.heard);
    let silence = blocks[story..].windows(40).position(|w| !w.contains(&true)).expect("it fell silent");
    compare(&ear, &kept.heard, story, story + silence + 20, cut);
}

/// A speech that is stopped, by order and by voice: how long it goes on sounding where it is heard.
async fn stopped(world: World) {
    let (caller, agent) = tokio::join!(world.caller(), world.agent(RoomOptions::default()));
    let (session, room) = agent;
    assert!(caller.agent_done(0, QUIET, PATIENCE).await, "the agent greets");
    for _ in 0..5 {
        let from = caller.blocks();
        session.user_text("tell me a story").unwrap();
        let heard = caller.agent_speaks(from, PATIENCE).await.expect("the story begins");
        sleep(Duration::from_millis(2_017)).await;
        let ordered = Instant::now();
        session.interrupt().unwrap();
        assert!(caller.agent_done(heard, QUIET, PATIENCE).await, "it falls silent");
        let kept = caller.kept();
        let last = caller::loud(&kept.heard).iter().rposition(|loud| *loud).unwrap();
        let after = kept.times[last].saturating_duration_since(ordered);
        let received = kept.times.iter().take(last + 1).filter(|at| **at > ordered).count();
        println!(
            "{}: after the order the engine was given sound for {:.1} ms; the last was heard {} ms after it, {} ms \
             of received sound",
            world.name,
            given_after(&room, ordered),
            after.as_millis(),
            received * 10
        );
    }
    let history = said(&session);
    assert_eq!(history.iter().filter(|(.., interrupted)| *interrupted).count(), 5, "{history:?}");
    // By voice.
    let (room, mut events) = (Arc::new(room), session.events());
    let yields = tokio::spawn({
        let room = Arc::clone(&room);
        async move {
            let (mut before, mut yields) = (AgentState::Idle, Vec::new());
            while let Some(event) = events.next().await {
                let SessionEvent::AgentStateChanged(state) = event else { continue };
                if (before, state) == (AgentState::Speaking, AgentState::Listening) {
                    let yielded = Instant::now();
                    // The caller still speaks then.
                    sleep(Duration::from_millis(150)).await;
                    yields.push(given_after(&room, yielded));
                }
                before = state;
            }
            yields
        }
    });
    for _ in 0..3 {
        let from = caller.blocks();
        session.user_text("tell me a story").unwrap();
        caller.agent_speaks(from, PATIENCE).await.expect("the story begins");
        sleep(Duration::from_millis(2_500)).await;
        let begun = caller.blocks();
        let onset = caller::line("stop-what-time-is-it").iter().position(|x| x.abs() > 600).unwrap_or(0);
        caller.say("stop-what-time-is-it").await;
        assert!(caller.agent_done(caller.blocks(), QUIET, PATIENCE).await, "the interruption is answered");
        let blocks = caller::loud(&caller.kept().heard);
        let silent = blocks[begun..].windows(30).position(|w| !w.contains(&true)).expect("it fell silent");
        println!(
            "{}: silent {} ms after the first sound of the interruption was sent, in received sound",
            world.name,
            (silent * 10).saturating_sub(onset / (RATE / 1_000))
        );
    }
    caller.leave().await;
    timeout(PATIENCE, room.over()).await.expect("the session ends with its caller");
    let yields = yields.await.expect("the events end");
    println!("{}: after each yield the engine was given sound for {yields:.1?} ms", world.name);
    assert!(yields.len() >= 3, "{yields:?}");
}

/// How long after `moment` the engine was still given sound, in ms.
fn given_after(room: &RoomSession, moment: Instant) -> f64 {
    let last = room.stats().last_sound.expect("the agent has spoken");
    last.saturating_duration_since(moment).as_secs_f64() * 1e3
}

/// The participant goes while the agent speaks.
async fn left_alone(world: World) {
    let (caller, agent) = tokio::join!(world.caller(), world.agent(RoomOptions::default()));
    let (session, room) = agent;
    let from = caller.blocks();
    session.user_text("tell me a story").unwrap();
    caller.agent_speaks(from, PATIENCE).await.expect("the story begins");
    sleep(Duration::from_secs(1)).await;
    caller.leave().await;
    let over = timeout(PATIENCE, room.over()).await.expect("the session ends");
    assert!(matches!(over, RoomOver::ParticipantLeft(_)), "{over:?}");
    assert!(session.say("Is anybody there?").is_err(), "the session is closed");
    let story = said(&session).into_iter().find(|(_, text, _)| text.starts_with("Once"));
    assert!(story.is_some_and(|(.., interrupted)| interrupted), "{:?}", said(&session));
}

/// A recording of what was said before the agent was there.
async fn first_words(world: World) {
    let (caller, agent) =
        tokio::join!(world.caller_named("caller-preconnect"), world.agent(RoomOptions::default()));
    let (session, _room) = agent;
    let options = StreamOptions {
        mime: Some("audio/webm;codecs=opus".into()),
        ..StreamOptions::topic(preconnect::TOPIC)
    }
    .with_attribute(preconnect::TRACK_ATTRIBUTE, caller.sid())
    .with_attribute(preconnect::RATE_ATTRIBUTE, "48000")
    .with_attribute(preconnect::CHANNELS_ATTRIBUTE, "1");
    let recording = include_bytes!("../data/what-time-is-it.webm");
    caller.room.send_bytes(recording, &options).await.unwrap();
    let asked = async {
        while !said(&session).iter().any(|(role, text, _)| *role == Role::User && text == "what time is it") {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("lost: {:?}", said(&session)));
    caller.leave().await;
}

/// Envelopes, wrong ones, data of one's own, and the state of the session.
async fn messages_of_frontends(world: World) {
    let (caller, agent) = tokio::join!(world.caller(), world.agent(RoomOptions::default()));
    let (session, _room) = agent;
    assert!(caller.agent_done(0, QUIET, PATIENCE).await, "the agent greets");
    let send = |payload: &'static str| {
        let room = caller.room.clone();
        async move { room.publish_data(payload.as_bytes(), Some("duologue"), true, &[]).await.unwrap() }
    };
    send(r#"{"id":"7","type":"user_text","data":{}}"#).await;
    send(r#"{"v":1,"type":"user_text","data":{"text":"what lights are on","correlation_id":"c1"}}"#).await;
    caller.room.publish_data(b"{\"x\":1}", Some("button"), true, &[]).await.unwrap();
    let from = caller.blocks();
    assert!(caller.agent_done(from, QUIET, PATIENCE).await, "what was typed is answered");
    let messages = messages(&caller.kept().events);
    let find = |kind: &str, field: &str| {
        let found = messages.iter().filter(|m| m["type"] == kind).map(|m| m["data"][field].clone());
        found.collect::<Vec<_>>()
    };
    assert!(find("error", "reply_to").contains(&"7".into()), "{messages:?}");
    assert!(find("user_text", "correlation_id").contains(&"c1".into()), "{messages:?}");
    assert!(find("agent_text", "text").contains(&"All the lights are off.".into()), "{messages:?}");
    let pressed = format!("{} pressed button", caller.room.local().identity);
    assert!(find("status", "text").contains(&pressed.into()), "{messages:?}");
    send(r#"{"type":"session_end"}"#).await;
    let closed = async {
        while session.say("Still here.").is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, closed).await.expect("the frontend ended the session");
    caller.leave().await;
}

#[derive(Clone, Debug)]
struct Shown {
    text: String,
    from: String,
    track: String,
}

/// Final transcripts in the order in which they were closed.
fn transcripts(events: &[(Instant, RoomEvent)]) -> Vec<Shown> {
    let mut segments = BTreeMap::new();
    let mut order = Vec::new();
    for (_, event) in events {
        let RoomEvent::TextClosed { stream, text, error: None } = event else { continue };
        if stream.topic != "lk.transcription" {
            continue;
        }
        let attribute = |key: &str| stream.attributes.get(key).cloned().unwrap_or_default();
        let segment = attribute("lk.segment_id");
        assert!(segment.starts_with("SG_"), "{stream:?}");
        if attribute("lk.transcription_final") != "true" {
            continue;
        }
        let shown = Shown {
            text: text.clone(),
            from: stream.from.clone(),
            track: attribute("lk.transcribed_track_id"),
        };
        assert!(!shown.track.is_empty(), "{stream:?}");
        assert!(segments.insert(segment, ()).is_none(), "a segment was closed twice: {stream:?}");
        order.push(shown);
    }
    order
}

fn states(events: &[(Instant, RoomEvent)]) -> Vec<String> {
    let changed = events.iter().filter_map(|(_, event)| match event {
        RoomEvent::AttributesChanged { changed, .. } => changed.get("lk.agent.state").cloned(),
        _ => None,
    });
    changed.collect()
}

/// Messages of the agent.
fn messages(events: &[(Instant, RoomEvent)]) -> Vec<serde_json::Value> {
    let data = events.iter().filter_map(|(_, event)| match event {
        RoomEvent::Data { payload, .. } => serde_json::from_slice(payload).ok(),
        _ => None,
    });
    data.collect()
}

/// What was said, by whom, and whether it was cut off.
fn said(session: &AgentSession<Home>) -> Vec<(Role, String, bool)> {
    let history = session.history();
    let said = history.items().iter().filter_map(|item| match &item.content {
        ChatContent::Message { role, text, interrupted } => Some((*role, text.clone(), *interrupted)),
        _ => None,
    });
    said.collect()
}

/// Whether blocks `from..to` of what was heard are `text`, by a recogniser that we did not train.
fn compare(ear: &dyn Stt, heard: &[f32], from: usize, to: usize, text: &str) {
    let block = RATE / 100;
    let sounded = &heard[from.saturating_sub(20) * block..(to * block).min(heard.len())];
    let recognised = offline::transcribe(ear, sounded, RATE as u32).unwrap().text;
    let words = normalise(text).len() as f64;
    let understood = recognised.split_whitespace().count() as f64;
    println!("said: {text:?}; an independent ear: {recognised:?}");
    assert!(
        (understood - words).abs() <= (0.35 * words).max(2.0),
        "history: {text:?}, heard: {recognised:?}"
    );
}

fn independent_ear() -> Option<StreamingStt> {
    let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material/stt/zipformer-3.3m-en"));
    if !dir.is_dir() {
        eprintln!("SKIPPED: {} is not here", dir.display());
        return None;
    }
    Some(StreamingStt::load(dir, &SttOptions::default()).expect("the zipformer loads"))
}
