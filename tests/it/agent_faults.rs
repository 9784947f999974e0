//! An agent that panics, hangs, says nothing or never stops: each ends in a named event, and the
//! conversation goes on.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::{Told, builder, line, room};
use duologue::pipeline::conversation::{Event, Fault, State, TurnEnd};
use duologue::pipeline::endpoint::simulated::{Caller, When};
use duologue::pipeline::{Reply, ReplyError, UserTurn};

/// The caller asks twice; `first` answers the first time, a good agent the second. The gap is long
/// enough for every deadline.
fn ask_twice(first: impl Fn(Reply) + Send + Sync + 'static) -> Told {
    let caller = Caller::new()
        .item(line("what-time-is-it", When::At(300)))
        .item(line("what-is-your-name", When::At(25_000)).patience_ms(60_000));
    let (room, log) = room(caller);
    let asked = AtomicUsize::new(0);
    let responder = move |_: UserTurn, reply: Reply| {
        if asked.fetch_add(1, Ordering::Relaxed) == 0 {
            first(reply);
        } else {
            let _ = reply.text("I am well again.");
        }
    };
    let mut simulation = builder().responder(responder).simulate(room).unwrap();
    let events = simulation.events();
    let told = Told::run(&mut simulation, &events, &log, Duration::from_secs(6));
    assert_eq!(simulation.conversation().state(), State::Idle);
    let last = told.agent_turns().last().copied().cloned().expect("the second question is answered");
    assert_eq!((last.heard.as_str(), last.end), ("I am well again.", TurnEnd::Finished));
    told
}

#[test]
fn an_agent_that_panics_does_not_take_the_conversation_along() {
    let told = ask_twice(|_reply| panic!("no idea"));
    assert_eq!(told.count(|e| matches!(e, Event::Fault(Fault::AgentFailed { .. }))), 1);
}

#[test]
fn an_agent_that_hangs_does_not_hold_the_turn() {
    let kept = Mutex::new(Vec::new());
    let told = ask_twice(move |reply| kept.lock().unwrap().push(reply));
    assert_eq!(
        told.count(|e| matches!(e, Event::Fault(Fault::AgentTimedOut { .. }))),
        1,
        "{:#?}",
        told.events
    );
}

#[test]
fn an_agent_that_says_nothing_is_not_waited_for() {
    let told = ask_twice(drop);
    assert_eq!(told.count(|e| matches!(e, Event::Fault(Fault::AgentSilent { .. }))), 1);
}

#[test]
fn an_agent_that_never_stops_is_not_followed_forever() {
    let told = ask_twice(|reply| {
        let written = (0..1_000_000).take_while(|_| reply.try_text("and so on and on, ") == Ok(())).count();
        assert!(written < 1_000_000, "the reply must be bounded");
        assert_eq!(reply.try_text("more"), Err(ReplyError::Full));
        std::mem::forget(reply);
    });
    // The second question interrupts it; or its own limit has ended it before.
    assert!(told.agent_turns().iter().any(|turn| turn.end != TurnEnd::Finished), "{:?}", told.agent_turns());
}

#[test]
fn an_agent_that_fails_in_the_middle_does_not_lose_what_it_said() {
    let told = ask_twice(|reply| {
        reply.text("I know that. ").unwrap();
        reply.fail("the model went away");
    });
    let first = told.agent_turns()[0];
    assert_eq!(first.heard.trim(), "I know that.");
}
