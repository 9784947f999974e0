//! Whole conversations through the real engines, in simulated time, in a room with echo.

use crate::common;
use std::time::Duration;

use crate::common::{Told, builder, line, models, room, says};
use duologue::appliance::Appliance;
use duologue::models::Stt;
use duologue::models::stt::SttOptions;
use duologue::pipeline::conversation::{Event, IgnoreReason, Role, TurnEnd};
use duologue::pipeline::endpoint::simulated::{Caller, When};
use duologue::pipeline::{Reply, SpeechOutcome, UserTurn, offline};

const LONG: &str = "Once upon a time there was a small house at the edge of a wide forest, and in the house lived an old \
    clock, and every night the clock told the moon what time it was, and the moon was glad to hear it.";

fn long_answer(_: UserTurn, reply: Reply) {
    let _ = reply.text(LONG);
}

#[test]
fn a_question_is_not_left_without_an_answer() {
    let (room, log) =
        room(says([("what-time-is-it", When::At(400)), ("what-is-your-name", When::AfterAgentSilence(600))]));
    let mut simulation = builder().responder(Appliance::new()).simulate(room).unwrap();
    let events = simulation.events();
    let told = Told::run(&mut simulation, &events, &log, Duration::from_secs(6));
    let turns = told.agent_turns();
    assert_eq!(turns.len(), 2, "{:?}", told.user_turns());
    assert!(turns.iter().all(|turn| turn.end == TurnEnd::Finished && turn.heard == turn.text), "{turns:?}");
    assert!(turns[0].text.starts_with("It is "), "{turns:?}");
}

#[test]
fn history_does_not_hold_what_was_never_heard() {
    let (room, log) = room(says([
        ("what-time-is-it", When::At(400)),
        ("stop-what-time-is-it", When::AfterAgentSpeech(2_000)),
    ]));
    let mut simulation = builder().responder(long_answer).simulate(room).unwrap();
    let events = simulation.events();
    let told = Told::run(&mut simulation, &events, &log, Duration::from_secs(2));
    let cut = told.agent_turns()[0];
    assert_eq!(cut.end, TurnEnd::Interrupted);
    assert!(LONG.starts_with(&cut.heard), "{:?}", cut.heard);
    assert!(!cut.heard.is_empty() && cut.heard.len() < LONG.len() / 2, "{:?}", cut.heard);
    let history = simulation.history();
    let agent =
        history.iter().find(|entry| entry.role == Role::Agent).expect("an agent's turn in the history");
    assert_eq!((agent.text.as_str(), agent.interrupted), (cut.heard.as_str(), true));
}

/// The words that sounded, by a recogniser we did not train, are the words that the history has.
#[test]
fn history_does_not_miss_what_was_heard() {
    let Some(ear) = independent_ear() else {
        println!("SKIPPED: ../shared/material/stt/zipformer-3.3m-en is not here");
        return;
    };
    let (room, log) = room(says([
        ("what-time-is-it", When::At(400)),
        ("stop-what-time-is-it", When::AfterAgentSpeech(3_000)),
    ]));
    let mut simulation = builder().responder(long_answer).simulate(room).unwrap();
    let events = simulation.events();
    let told = Told::run(&mut simulation, &events, &log, Duration::from_secs(1));
    let cut = told.agent_turns()[0].heard.clone();
    let first = log.agent()[0];
    let recorded = log.recorded();
    let sounded = &recorded.agent[first.start as usize..(first.end as usize).min(recorded.agent.len())];
    let heard = offline::transcribe(&*ear, sounded, recorded.rate).unwrap().text;
    let said = cut.split_whitespace().count() as f64;
    let understood = heard.split_whitespace().count() as f64;
    assert!(
        (understood - said).abs() <= (0.35 * said).max(2.0),
        "history: {cut:?}, an independent ear: {heard:?}"
    );
}

fn independent_ear() -> Option<Box<dyn Stt>> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/material/stt/zipformer-3.3m-en");
    let dir = std::path::Path::new(dir);
    dir.is_dir().then(|| {
        Box::new(
            duologue::models::stt::StreamingStt::load(dir, &SttOptions::default())
                .expect("the zipformer loads"),
        ) as Box<dyn Stt>
    })
}

#[test]
fn a_backchannel_does_not_end_the_answer() {
    // In the first seconds of a call the echo is not known yet, and a word as short as this may be
    // taken for it: the second answer is the one to look at, and the word is said clearly.
    let caller =
        says([("what-time-is-it", When::At(400)), ("what-is-your-name", When::AfterAgentSilence(700))]);
    let (room, log) = room(caller.item(line("yes", When::AfterAgentSpeech(3_000)).gain_db(6.0)));
    let mut simulation = builder().responder(long_answer).simulate(room).unwrap();
    let events = simulation.events();
    let told = Told::run(&mut simulation, &events, &log, Duration::from_secs(20));
    let turn = told.agent_turns()[1];
    assert_eq!((turn.end, turn.heard.as_str()), (TurnEnd::Finished, LONG), "{:?}", told.user_turns());
    let ignored = told.count(|e| matches!(e, Event::SpeechIgnored { reason: IgnoreReason::Backchannel, .. }));
    let resumed = told.count(|e| matches!(e, Event::Restored { .. } | Event::Resumed { .. }));
    assert!(ignored + resumed > 0, "the backchannel was not even noticed");
}

#[test]
fn the_agent_does_not_interrupt_itself_by_its_echo() {
    let (room, log) = room(Caller::new());
    let mut simulation = builder().simulate(room).unwrap();
    let events = simulation.events();
    let speech = simulation.say(LONG).unwrap();
    simulation.run_for(Duration::from_secs(25)).unwrap();
    assert_eq!(speech.outcome(), Some(SpeechOutcome::Finished));
    assert_eq!(speech.heard(), LONG);
    let told = Told { events: std::iter::from_fn(|| events.try_next()).collect() };
    assert_eq!(told.count(|e| matches!(e, Event::Yielded { .. } | Event::UserTurn { .. })), 0);
    assert!(!log.agent().is_empty());
}

#[test]
fn cancelled_speech_does_not_play_on() {
    let (room, log) = room(Caller::new());
    let mut simulation = builder().simulate(room).unwrap();
    let speech = simulation.say(LONG).unwrap();
    simulation.run_for(Duration::from_secs(3)).unwrap();
    let cut_at = log.now();
    simulation.cancel_tts().unwrap();
    simulation.run_for(Duration::from_secs(3)).unwrap();
    assert_eq!(speech.outcome(), Some(SpeechOutcome::Interrupted));
    assert!(LONG.starts_with(&speech.heard()) && !speech.heard().is_empty(), "{:?}", speech.heard());
    let last = log.agent().last().expect("it was speaking").end;
    let limit = cut_at + u64::from(common::RATES.capture) * 60 / 1_000;
    assert!(last <= limit, "it sounded {} samples after the cancel", last - cut_at);
}

#[test]
fn a_cancelled_speech_does_not_take_the_next_one_along() {
    let (room, _log) = room(Caller::new());
    let mut simulation = builder().simulate(room).unwrap();
    let (first, second, third) =
        (simulation.say(LONG).unwrap(), simulation.say(LONG).unwrap(), simulation.say("I am here.").unwrap());
    simulation.run_for(Duration::from_secs(2)).unwrap();
    assert!(LONG.starts_with(&first.heard()) && !first.heard().is_empty(), "{:?}", first.heard());
    second.cancel().unwrap();
    first.cancel().unwrap();
    simulation.run_for(Duration::from_secs(4)).unwrap();
    assert_eq!(first.outcome(), Some(SpeechOutcome::Interrupted));
    assert_eq!(second.outcome(), Some(SpeechOutcome::Dropped));
    assert_eq!(third.outcome(), Some(SpeechOutcome::Finished));
}

#[test]
fn typed_text_is_not_ignored_while_the_agent_speaks() {
    let (room, _log) = room(Caller::new());
    let mut simulation = builder().responder(Appliance::new()).simulate(room).unwrap();
    let speech = simulation.say(LONG).unwrap();
    simulation.run_for(Duration::from_secs(2)).unwrap();
    simulation.user_text("what is your name").unwrap();
    simulation.run_for(Duration::from_secs(8)).unwrap();
    assert_eq!(speech.outcome(), Some(SpeechOutcome::Interrupted));
    let history = simulation.history();
    assert!(history.last().is_some_and(|entry| entry.text.contains("My name is Duologue")), "{history:?}");
}

#[test]
fn the_same_conversation_does_not_differ_from_run_to_run() {
    let run = || {
        let (room, log) = room(says([("what-time-is-it", When::At(400))]));
        let mut simulation = builder().responder(long_answer).simulate(room).unwrap();
        let events = simulation.events();
        Told::run(&mut simulation, &events, &log, Duration::from_secs(4)).events
    };
    assert_eq!(run(), run());
}

#[test]
fn models_are_not_loaded_once_per_conversation() {
    let streams: Vec<_> = (0..8).map(|_| models().stt.stream().unwrap()).collect();
    assert_eq!(streams.len(), 8);
}
