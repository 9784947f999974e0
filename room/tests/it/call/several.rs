//! More than one caller in a room: one is talked with, the other is overheard at most.

use std::sync::Arc;
use std::time::Duration;

use duologue_agent::chat::{ChatContent, Role};
use duologue_agent::llm::intents::{APPLIANCE, Intents};
use duologue_agent::{AgentSession, SessionEvent};
use duologue_room::session::{RoomOptions, RoomOver};
use tokio::time::{sleep, timeout};

use super::home::Home;
use super::world::World;
use super::{PATIENCE, QUIET, models, said, transcripts};

/// The second caller is not answered, until the agent is told to listen to it; and the first no more then.
pub async fn another_is_chosen(world: World) {
    let (ada, agent) = tokio::join!(world.caller(), world.agent(RoomOptions::default()));
    let (session, room) = agent;
    assert!(ada.agent_done(0, QUIET, PATIENCE).await, "the agent greets");
    let bob = world.caller_named("bob").await;
    bob.say("turn-on-the-kitchen-lights").await;
    sleep(QUIET).await;
    assert!(!said(&session).iter().any(|(role, ..)| *role == Role::User), "{:?}", said(&session));

    room.choose(Some("bob".into())).await.expect("the session runs");
    sleep(Duration::from_secs(1)).await;
    let from = ada.blocks();
    bob.say("what-is-your-name").await;
    assert!(ada.agent_done(from, QUIET, PATIENCE).await, "whom the agent listens to now is answered");
    ada.say("turn-on-the-kitchen-lights").await;
    ada.type_text("what lights are on").await;
    sleep(QUIET).await;
    let user: Vec<String> = said(&session)
        .into_iter()
        .filter(|(role, ..)| *role == Role::User)
        .map(|(_, text, _)| text)
        .collect();
    assert_eq!(user, ["what is your name"], "nobody else is answered");
    let shown = transcripts(&ada.kept().events);
    let bobs = shown.iter().find(|shown| shown.from == "bob").expect("a transcript in the name of who spoke");
    assert_eq!((bobs.text.as_str(), bobs.track.as_str()), ("what is your name", bob.sid().as_str()));

    // The one that was linked first may go: the session is the other's.
    ada.leave().await;
    sleep(Duration::from_millis(500)).await;
    assert!(session.say("Still here.").is_ok(), "the session goes on");
    bob.leave().await;
    let over = timeout(PATIENCE, room.over()).await.expect("the session ends when its participant has left");
    assert!(matches!(over, RoomOver::ParticipantLeft(_)), "{over:?}");
}

/// What the second caller says is shown and remembered under its name; the first is answered as if nobody
/// else were there.
pub async fn another_is_overheard(world: World) {
    let options = RoomOptions::default().overhear(models::listener);
    let intents = Intents::parse(APPLIANCE, "appliance.toml").expect("the intents");
    let session = AgentSession::builder(Home::default()).llm(intents).build().expect("a session");
    let mut events = session.events();
    let overheard = tokio::spawn(async move {
        let mut overheard = Vec::new();
        while let Some(event) = events.next().await {
            if let SessionEvent::Overheard { speaker, text, is_final } = event {
                overheard.push((speaker.identity, text, is_final));
            }
        }
        overheard
    });
    let (ada, room) = tokio::join!(world.caller(), world.agent_in(&session, options));
    assert!(ada.agent_done(0, QUIET, PATIENCE).await, "the agent greets");
    let bob = Arc::new(world.caller_named("bob").await);
    sleep(Duration::from_secs(1)).await;

    // Both at once.
    let from = ada.blocks();
    let beside = tokio::spawn({
        let bob = Arc::clone(&bob);
        async move { bob.say("turn-on-the-kitchen-lights").await }
    });
    ada.say("what-time-is-it").await;
    beside.await.expect("bob has spoken");
    assert!(ada.agent_done(from, QUIET, PATIENCE).await, "the question is answered");
    // While the agent speaks: it is not interrupted.
    let from = ada.blocks();
    session.user_text("tell me a joke").expect("the session runs");
    ada.agent_speaks(from, PATIENCE).await.expect("the joke begins");
    bob.say("stop-what-time-is-it").await;
    assert!(ada.agent_done(from, QUIET, PATIENCE).await, "the joke ends");
    sleep(Duration::from_millis(500)).await;

    let history = said(&session);
    let of = |wanted: Role| {
        let texts =
            history.iter().filter(move |(role, ..)| *role == wanted).map(|(_, text, _)| text.as_str());
        texts.collect::<Vec<_>>()
    };
    assert_eq!(of(Role::User), ["what time is it", "tell me a joke"], "bob's words are no turns");
    assert!(history.iter().all(|(.., interrupted)| !interrupted), "bob does not interrupt: {history:?}");
    assert_eq!(of(Role::Assistant).len(), 3, "{history:?}");
    let remembered: Vec<(String, String)> = session
        .history()
        .items()
        .iter()
        .filter_map(|item| match &item.content {
            ChatContent::Overheard { speaker, text, .. } => Some((speaker.clone(), text.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(remembered[0], ("bob".into(), "turn on the kitchen lights".into()));
    assert!(remembered[1..].iter().any(|(_, text)| text.contains("what time is it")), "{remembered:?}");

    let shown = transcripts(&ada.kept().events);
    let bobs: Vec<_> = shown.iter().filter(|shown| shown.from == "bob").collect();
    assert_eq!(bobs.len(), remembered.len(), "{bobs:?}");
    assert!(bobs.iter().all(|shown| shown.track == bob.sid()), "{bobs:?}");
    assert!(shown.iter().any(|shown| shown.from == "caller" && shown.text == "what time is it"), "{shown:?}");
    ada.leave().await;
    timeout(PATIENCE, room.over()).await.expect("the session ends with its participant");
    let told = overheard.await.expect("the events end");
    assert!(told.iter().all(|(speaker, ..)| speaker == "bob"), "{told:?}");
    assert_eq!(told.iter().filter(|(.., is_final)| *is_final).count(), remembered.len());
    assert!(told.len() > remembered.len(), "words are told as they come: {told:?}");
}
