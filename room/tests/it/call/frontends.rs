//! What a server is needed for: calls, the debug panel, packets of the old kind, reconnects, muting.

use std::time::Duration;

use duologue_agent::chat::Role;
use duologue_room::engine::{Disturbance, RoomEvent, RpcFailure, StreamOptions};
use duologue_room::session::{DebugPanel, LegacyTranscription, RoomOptions};
use livekit_protocol::agent as wire;
use prost::Message as _;
use tokio::time::{sleep, timeout};
use wire::agent_session_message::Message;
use wire::session_request::Request;
use wire::session_response::Response;

use super::caller::Caller;
use super::world::World;
use super::{PATIENCE, QUIET, said, states, transcripts};

const DEBUG_TOPIC: &str = "lk.agent.session";

/// Calls of a method, requests of the debug panel, and transcripts for frontends of the old kind.
pub async fn of_every_kind(world: World) {
    let mut options = RoomOptions::default().rpc("double", |call| async move {
        let number = call.payload.parse::<i64>();
        number.map(|n| (2 * n).to_string()).map_err(|_| RpcFailure::new(1500, "no number"))
    });
    options.legacy_transcription = LegacyTranscription::Always;
    options.debug = DebugPanel::Linked;
    let (caller, agent) = tokio::join!(world.caller(), world.agent(options));
    let (session, _room) = agent;
    assert!(caller.agent_done(0, QUIET, PATIENCE).await, "the agent greets");

    let limit = Duration::from_secs(8);
    let call = |method: &'static str, payload: &'static str| {
        let room = caller.room.clone();
        async move { room.call_rpc("agent", method, payload, limit).await.expect("the call arrives") }
    };
    assert_eq!(call("double", "21").await.unwrap(), "42");
    assert_eq!(call("double", "x").await.unwrap_err(), RpcFailure::new(1500, "no number"));
    assert_eq!(call("unheard of", "").await.unwrap_err().code, 1400);

    let pong = ask(&caller, "1", Request::Ping(Default::default())).await;
    assert!(matches!(pong, Some(Response::Pong(_))), "{pong:?}");
    let text = wire::session_request::RunInput { text: "what is your name".into() };
    let run = ask(&caller, "2", Request::RunInput(text)).await;
    assert!(matches!(run, Some(Response::RunInput(_))), "{run:?}");
    let history = ask(&caller, "3", Request::GetChatHistory(Default::default())).await;
    let Some(Response::GetChatHistory(history)) = history else { panic!("{history:?}") };
    assert_eq!(history.items.len(), said(&session).len());
    let told = debug_messages(&caller).into_iter().filter(|m| matches!(m, Message::Event(_))).count();
    assert!(told > 0, "a panel that has asked is told what happens");

    let from = caller.blocks();
    caller.say("what-time-is-it").await;
    assert!(caller.agent_done(from, QUIET, PATIENCE).await, "the question is answered");
    let streams = transcripts(&caller.kept().events);
    let packets = packets(&caller);
    let of = |who: &str| {
        let last = packets.iter().rfind(|(from, _, is_final, _)| from == who && *is_final);
        last.unwrap_or_else(|| panic!("no packet of {who}: {packets:?}")).clone()
    };
    let (_, text, _, track) = of("caller");
    assert_eq!((text.as_str(), track.as_str()), ("what time is it", caller.sid().as_str()));
    let (_, text, _, track) = of("agent");
    let shown = streams.iter().rfind(|shown| shown.from == "agent").expect("a stream of the agent");
    assert_eq!((text.as_str(), track.as_str()), (shown.text.as_str(), shown.track.as_str()));
    caller.leave().await;
}

/// A caller who is muted for a while, and an agent whose connection is made anew.
pub async fn after_a_break(world: World) {
    let (caller, agent) = tokio::join!(world.caller(), world.agent(RoomOptions::default()));
    let (session, room) = agent;
    assert!(caller.agent_done(0, QUIET, PATIENCE).await, "the agent greets");

    caller.mute(true);
    sleep(Duration::from_millis(300)).await;
    caller.say("turn-on-the-kitchen-lights").await;
    sleep(QUIET).await;
    caller.mute(false);
    sleep(Duration::from_millis(300)).await;
    let from = caller.blocks();
    caller.say("what-time-is-it").await;
    assert!(caller.agent_done(from, QUIET, PATIENCE).await, "who was muted is answered again");
    assert_eq!(user(&session), ["what time is it"], "what was said while muted is not heard");

    let before = agents_track(&caller);
    room.room().disturb(Disturbance::Full).await.expect("the connection is disturbed");
    let anew = async {
        while agents_track(&caller) == before {
            sleep(Duration::from_millis(50)).await;
        }
        agents_track(&caller)
    };
    let after = timeout(PATIENCE, anew).await.expect("the agent's track is published anew");
    let kept = caller.kept().events.len();
    // The caller's sound is on its way again, too.
    sleep(Duration::from_secs(2)).await;
    let from = caller.blocks();
    caller.say("what-is-your-name").await;
    assert!(caller.agent_done(from, QUIET, PATIENCE).await, "the call goes on after a full reconnect");
    assert_eq!(user(&session), ["what time is it", "what is your name"]);
    let events = caller.kept().events[kept..].to_vec();
    let shown = transcripts(&events);
    let agents = shown.iter().find(|shown| shown.from == "agent").expect("a transcript of the answer");
    assert_eq!(Some(agents.track.clone()), after, "the transcript is of the track that carries it");
    let states = states(&events);
    assert_eq!(states.last().map(String::as_str), Some("listening"), "{states:?}");
    caller.leave().await;
}

fn user(session: &duologue_agent::AgentSession<super::home::Home>) -> Vec<String> {
    said(session).into_iter().filter(|(role, ..)| *role == Role::User).map(|(_, text, _)| text).collect()
}

/// Sid of the agent's track, as the caller last subscribed to it.
fn agents_track(caller: &Caller) -> Option<String> {
    let kept = caller.kept();
    kept.events.iter().rev().find_map(|(_, event)| match event {
        RoomEvent::TrackSubscribed { participant, track } if participant == "agent" => {
            Some(track.sid.clone())
        }
        _ => None,
    })
}

/// Packets of the old kind, segment by segment: of whom, what, whether final, in which track.
fn packets(caller: &Caller) -> Vec<(String, String, bool, String)> {
    let kept = caller.kept();
    let found = kept.events.iter().filter_map(|(_, event)| match event {
        RoomEvent::Transcription { participant, track_sid, segments } => {
            let of = |part: &Option<String>| part.clone().unwrap_or_default();
            let segment = segments.first()?;
            Some((of(participant), segment.text.trim().to_owned(), segment.is_final, of(track_sid)))
        }
        _ => None,
    });
    found.collect()
}

/// A second person in the room, who is not talked with, asks as the debug panel does: to read, to type, to mute.
pub async fn a_stranger_asks(world: World) {
    let mut options = RoomOptions::default();
    options.debug = DebugPanel::Linked;
    let (ada, agent) = tokio::join!(world.caller(), world.agent(options));
    let (session, _room) = agent;
    assert!(ada.agent_done(0, QUIET, PATIENCE).await, "the agent greets");
    let bob = world.caller_named("bob").await;
    let type_as_the_user = wire::session_request::RunInput { text: "what is your name".into() };
    let mute = wire::session_request::UpdateIo {
        input: Some(wire::session_request::update_io::Input {
            audio_enabled: Some(false),
            ..Default::default()
        }),
        ..Default::default()
    };
    for (id, request) in [
        ("1", Request::GetAgentInfo(Default::default())),
        ("2", Request::GetChatHistory(Default::default())),
        ("3", Request::RunInput(type_as_the_user)),
        ("4", Request::UpdateIo(mute)),
    ] {
        let answer = answer(&bob, id, request).await;
        assert!(answer.response.is_none(), "{answer:?}");
        assert!(answer.error.is_some_and(|error| error.contains("may not")), "a stranger is told so");
    }
    assert_eq!(user(&session), [""; 0], "a stranger's words are not the user's");
    let pong = ask(&ada, "5", Request::Ping(Default::default())).await;
    assert!(matches!(pong, Some(Response::Pong(_))), "whom the agent talks with is answered: {pong:?}");
    let from = ada.blocks();
    ada.say("what-time-is-it").await;
    assert!(ada.agent_done(from, QUIET, PATIENCE).await, "a stranger did not mute the user");
    let told = debug_messages(&bob).into_iter().any(|message| matches!(message, Message::Event(_)));
    assert!(!told, "a stranger is told nothing of the conversation");
}

/// Asks as the debug panel does.
async fn ask(caller: &Caller, id: &str, request: Request) -> Option<Response> {
    let answer = answer(caller, id, request).await;
    assert_eq!(answer.error, None);
    answer.response
}

/// The answer to the debug panel's request.
async fn answer(caller: &Caller, id: &str, request: Request) -> wire::SessionResponse {
    let request = wire::SessionRequest { request_id: id.into(), request: Some(request) };
    let bytes = wire::AgentSessionMessage { message: Some(Message::Request(request)) }.encode_to_vec();
    let options = StreamOptions::topic(DEBUG_TOPIC).with_receiver("agent");
    caller.room.send_bytes(&bytes, &options).await.expect("the request is sent");
    let answered = async {
        loop {
            let answer = debug_messages(caller).into_iter().find_map(|message| match message {
                Message::Response(response) if response.request_id == id => Some(response),
                _ => None,
            });
            match answer {
                Some(answer) => return answer,
                None => sleep(Duration::from_millis(20)).await,
            }
        }
    };
    timeout(PATIENCE, answered).await.unwrap_or_else(|_| panic!("request {id} is not answered"))
}

/// What the debug panel was sent.
fn debug_messages(caller: &Caller) -> Vec<Message> {
    let kept = caller.kept();
    let found = kept.events.iter().filter_map(|(_, event)| match event {
        RoomEvent::Bytes(stream) if stream.topic == DEBUG_TOPIC => {
            wire::AgentSessionMessage::decode(&stream.payload[..]).ok()?.message
        }
        _ => None,
    });
    found.collect()
}
