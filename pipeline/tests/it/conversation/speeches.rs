//! Speech of the agent's own accord: one queue, in which several may still be written.

use super::world::World;
use duologue_pipeline::conversation::*;

#[test]
fn says_are_not_spoken_over_each_other_or_without_bound() {
    let mut world = World::new(Config::default());
    let options = |key, interrupt| SayOptions { key, interrupt, ..SayOptions::default() };
    for key in 0..80 {
        world.input(Input::Say { text: format!("Number {key}."), options: options(key, false) });
    }
    assert!(world.has_fault(|fault| matches!(fault, Fault::SayRefused { .. })));
    world.run(1_000);
    world.input(Input::CancelSpeech);
    let dropped = world.events().filter(|(_, event)| matches!(event, Event::SayDropped { .. })).count();
    assert!(dropped >= 62);
    world.input(Input::Say { text: "One two three four.".into(), options: options(1, false) });
    world.input(Input::Say { text: "Five.".into(), options: options(2, false) });
    world.run(4_000);
    assert!(world.played_text().ends_with("One two three four. Five."), "{}", world.played_text());
    world.input(Input::Say { text: "A long speech of many words.".into(), options: options(3, false) });
    world.run(4_600);
    world.input(Input::Say { text: "Fire!".into(), options: options(4, true) });
    world.run(7_000);
    assert!(world.played_text().ends_with("A Fire!") || world.played_text().ends_with("A long Fire!"));
}

#[test]
fn open_say_that_is_never_finished_does_not_hold_the_floor() {
    let mut world = World::new(Config::default());
    let options = SayOptions { open: true, ..SayOptions::default() };
    world.input(Input::Say { text: "One ".into(), options });
    world.run(100);
    world.input(Input::SayMore { key: 0, text: "two ".into() });
    world.run(14_000);
    assert!(world.has_fault(|fault| matches!(fault, Fault::AgentStalled { .. })));
    assert_eq!(world.played_text(), "One two");
    assert_eq!(world.core.state(), State::Idle);
}

#[test]
fn speeches_that_wait_are_written_while_another_sounds() {
    let mut world = World::new(Config::default());
    let open = |key| SayOptions { key, open: true, ..SayOptions::default() };
    let more = |key, text: &str| Input::SayMore { key, text: text.into() };
    for key in 0..3 {
        world.input(Input::Say { text: String::new(), options: open(key) });
    }
    world.input(more(2, "Five "));
    world.input(more(0, "One "));
    world.run(300);
    world.input(more(1, "three "));
    world.input(Input::FinishSay { key: 2 });
    world.input(more(0, "two. "));
    world.input(more(2, "never. "));
    world.input(Input::FinishSay { key: 0 });
    world.run(2_000);
    world.input(more(1, "four. "));
    world.input(Input::FinishSay { key: 1 });
    world.run(8_000);
    assert_eq!(world.played_text(), "One two. three four. Five");
    let ended: Vec<_> = world
        .events()
        .filter_map(|(_, event)| match event {
            Event::AgentTurn(turn) => Some((turn.origin, turn.end)),
            _ => None,
        })
        .collect();
    let wanted: Vec<_> = (0..3).map(|key| (Origin::Say { key }, TurnEnd::Finished)).collect();
    assert_eq!(ended, wanted, "each ends once, in the order in which they were opened");
}

#[test]
fn a_speech_that_waits_does_not_grow_without_bound_and_its_cut_is_told() {
    let mut world = World::new(Config { max_reply_bytes: 40, ..Config::default() });
    world.input(Input::Say { text: "One. ".into(), options: SayOptions::default() });
    let options = SayOptions { key: 1, open: true, ..SayOptions::default() };
    world.input(Input::Say { text: String::new(), options });
    for _ in 0..10 {
        world.input(Input::SayMore { key: 1, text: "Two words. ".into() });
    }
    world.run(20_000);
    assert!(world.has_fault(|fault| matches!(fault, Fault::AgentTooLong { .. })));
    assert_eq!(world.played_text(), "One. Two words. Two words. Two words. Two wor");
    assert_eq!(world.core.state(), State::Idle);
}

#[test]
fn a_key_that_is_in_use_does_not_name_two_speeches() {
    let mut world = World::new(Config::default());
    let options = SayOptions { key: 7, open: true, ..SayOptions::default() };
    world.input(Input::Say { text: "One. ".into(), options });
    world.input(Input::Say { text: "Two. ".into(), options });
    assert!(world.has_fault(|fault| matches!(fault, Fault::SayRefused { key: 7 })));
    world.input(Input::FinishSay { key: 7 });
    world.run(3_000);
    world.input(Input::Say { text: "Three. ".into(), options });
    world.input(Input::FinishSay { key: 7 });
    world.run(6_000);
    assert_eq!(world.played_text(), "One. Three.");
}
