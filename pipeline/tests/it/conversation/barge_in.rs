//! Barge-in in simulated time: scenarios, named after the failure they forbid.

use super::world::{Answer, Ending, World};
use duologue_pipeline::conversation::*;

fn interrupted(event: &Event) -> bool {
    matches!(event, Event::AgentTurn(AgentTurn { end: TurnEnd::Interrupted, .. }))
}

const TRAIN: &str = "The train to the north leaves at nine every morning.";

#[test]
fn agent_does_not_talk_over_the_user() {
    let mut world =
        World::conversing().says(3_000, 4_200, "no wait I mean the bus").answers("The bus leaves at ten. ");
    world.run(12_000);
    let ducked = world.at(|event| matches!(event, Event::Ducked { .. })).unwrap();
    let yielded = world.at(|event| matches!(event, Event::Yielded { .. })).unwrap();
    assert!((3_000..3_000 + 130).contains(&ducked), "ducked at {ducked} ms of the simulation");
    assert!((3_000..3_000 + 180).contains(&yielded), "yielded at {yielded} ms of the simulation");
    assert!(!world.sounds(yielded + 20, 4_200), "silent while the user speaks");
    let decided =
        world.at(|event| matches!(event, Event::FinalTranscript { text, .. } if text.starts_with("no")));
    assert!(
        world.at(interrupted).is_some() && world.at(interrupted) == decided,
        "the final transcript decides"
    );
    assert!(world.has(|event| matches!(event, Event::Silenced { .. })));
    assert_eq!(world.user_turns(), ["tell me about the train", "no wait I mean the bus"]);
    assert!(world.played_text().ends_with("The bus leaves at ten."));
}

#[test]
fn a_key_does_not_interrupt_unless_the_configuration_says_so() {
    for (keypad_interrupts, ends) in [(false, TurnEnd::Finished), (true, TurnEnd::Interrupted)] {
        let mut world = World::talking(Config { keypad_interrupts, ..Config::default() });
        world.run(3_000);
        world.input(Input::Keypad { at: 48_000, key: '5' });
        world.run(12_000);
        assert!(world.has(|event| matches!(event, Event::Keypad { key: '5', at: 48_000 })));
        assert_eq!(world.agent_turns()[0].end, ends);
    }
}

#[test]
fn history_holds_only_what_was_heard() {
    let mut world =
        World::conversing().says(3_000, 4_200, "no wait I mean the bus").answers("The bus leaves at ten. ");
    world.run(12_000);
    let turns = world.agent_turns();
    assert_eq!(turns.len(), 2);
    let cut = &turns[0];
    assert!(cut.text.starts_with(&cut.heard) && cut.heard.len() < cut.text.trim().len(), "{cut:?}");
    let played: Vec<_> = world.played.iter().map(|(_, word)| word.as_str()).collect();
    let count = played.len() - "The bus leaves at ten.".split(' ').count();
    assert_eq!(cut.heard, played[..count].join(" "));
    let entries: Vec<_> =
        world.core.history().iter().map(|e| (e.role, e.text.trim(), e.interrupted)).collect();
    assert_eq!(entries[1], (Role::Agent, cut.heard.as_str(), true));
    assert_eq!(entries[3], (Role::Agent, "The bus leaves at ten.", false));
    let yielded = world.events().find_map(|(_, event)| match event {
        Event::Yielded { heard, .. } => Some(heard.clone()),
        _ => None,
    });
    assert_eq!(yielded.as_deref(), Some(cut.heard.as_str()));
}

#[test]
fn stale_agent_text_is_not_spoken() {
    let mut world = World::conversing().says(2_300, 3_000, "stop that now").answers("Very well. ");
    world.deaf_agent = true;
    let slow = (0..40).map(|_| (150, "stale ".to_owned())).collect();
    world.answers[0] = Answer { pieces: slow, ending: Ending::Done };
    world.run(12_000);
    assert!(world.played_text().ends_with("stale Very well."), "{}", world.played_text());
    assert!(world.core.counters().stale > 10);
}

#[test]
fn false_interruption_resumes_from_held_sample() {
    let mut world = World::conversing().says(3_000, 3_400, "");
    world.run(10_000);
    assert!(world.has(|event| matches!(event, Event::Yielded { .. })));
    assert!(world.has(|event| matches!(event, Event::Resumed { .. })));
    assert!(!world.has(interrupted));
    assert_eq!(world.played_text(), TRAIN, "no word lost, none twice");
    assert_eq!(world.core.state(), State::Idle);
}

#[test]
fn short_noise_does_not_silence_the_agent() {
    let mut world = World::conversing().says(3_000, 3_100, "");
    world.run(10_000);
    assert!(world.has(|event| matches!(event, Event::Ducked { .. })));
    assert!(world.has(|event| matches!(event, Event::Restored { .. })));
    assert!(!world.has(|event| matches!(event, Event::Yielded { .. })));
    assert_eq!(world.played_text(), TRAIN);
}

#[test]
fn sure_voice_is_not_waited_for_as_long_as_doubtful_voice() {
    let yielded = |sure: f32| {
        let mut world = World::conversing().says(3_000, 4_500, "");
        world.sure = sure;
        world.run(4_400);
        world.at(|event| matches!(event, Event::Yielded { .. })).unwrap()
    };
    assert_eq!(yielded(0.6) - yielded(0.95), 32, "one frame");
    assert_eq!(yielded(0.6), yielded(0.7));
}

#[test]
fn agent_is_not_stuck_ducked() {
    // The detector says that speech began, and then neither level nor edge says anything of it.
    let mut world = World::conversing();
    world.run(3_000);
    world.ear_dies = 3_000;
    world.input(Input::SpeechStarted { at: 2_900 * 16 });
    world.run(10_000);
    assert!(world.has(|event| matches!(event, Event::Ducked { .. })));
    assert!(world.has(|event| matches!(event, Event::Restored { .. })));
    assert_eq!(world.played_text(), TRAIN);
    assert_eq!((world.core.state(), world.core.next_timeout()), (State::Idle, None));
}

#[test]
fn flickering_noise_does_not_keep_the_agent_ducked() {
    // Never enough voice to confirm, never enough silence to end the speech: two frames of voice, seven of silence.
    let mut world = World::conversing().says(94 * 32, 97 * 32, "");
    for start in (104 * 32..6_000).step_by(9 * 32) {
        world.user.push(super::world::Said { from: start, to: start + 64, text: "" });
    }
    world.run(10_000);
    let restored = world.at(|event| matches!(event, Event::Restored { .. })).unwrap();
    let ended =
        world.events().filter(|(_, event)| matches!(event, Event::SpeechEnded { .. })).nth(1).unwrap().0;
    assert!(restored < 4_000 && ended > 5_000, "restored at {restored}, while speech ends at {ended}");
    assert_eq!(world.played_text(), TRAIN);
}

#[test]
fn agent_is_not_stuck_yielded_when_the_recogniser_is_dead() {
    let mut world = World::conversing();
    world.run(2_900);
    world.dead_stt = true;
    world.user.push(super::world::Said { from: 3_000, to: 3_600, text: "hello" });
    world.run(15_000);
    assert!(world.has(|event| matches!(event, Event::Yielded { .. })));
    assert!(world.has_fault(|fault| matches!(fault, Fault::FinalTimedOut { .. })));
    assert!(world.has(|event| matches!(event, Event::Resumed { .. })));
    assert_eq!(world.played_text(), TRAIN);
    assert_eq!(world.core.state(), State::Idle);
}

#[test]
fn endless_noise_does_not_hold_the_agent_for_ever() {
    let mut world = World::conversing().says(3_000, 60_000, "");
    world.run(20_000);
    assert!(world.has(|event| matches!(event, Event::Resumed { .. })));
    assert_eq!(world.played_text(), TRAIN, "after the limit the agent goes on over the noise");
    world.run(70_000);
    assert_eq!(world.core.state(), State::Idle);
}

#[test]
fn noise_does_not_make_the_agent_stutter() {
    let mut world = World::talking(Config::default());
    world.answers[0] = Answer::text(&"many words to be said here and now ".repeat(6));
    for start in (3_000..14_000).step_by(1_000) {
        world.user.push(super::world::Said { from: start, to: start + 250, text: "" });
    }
    world.run(40_000);
    let yields = world.events().filter(|(_, event)| matches!(event, Event::Yielded { .. })).count();
    assert!(yields <= 2, "{yields} yields to eleven noises");
    assert_eq!(world.agent_turns()[0].end, TurnEnd::Finished);
}

#[test]
fn backchannel_does_not_interrupt() {
    for text in ["mhm", "uh huh", "okay right"] {
        let mut world = World::conversing().says(3_000, 3_500, text);
        world.run(10_000);
        let ignored =
            |event: &Event| matches!(event, Event::SpeechIgnored { reason: IgnoreReason::Backchannel, .. });
        assert!(world.has(ignored), "{text}");
        let resumed = world.at(|event| matches!(event, Event::Resumed { .. }));
        assert!(resumed.is_some() && resumed == world.at(ignored), "{text}: the agent goes on at once");
        assert!(!world.has(interrupted), "{text}");
        assert_eq!(world.played_text(), TRAIN, "{text}");
        assert_eq!(world.user_turns().len(), 1);
    }
}

#[test]
fn yes_is_not_ignored() {
    // Said alone, it is a turn.
    let mut world = World::new(Config::default()).says(500, 900, "yes");
    world.run(6_000);
    assert_eq!(world.user_turns(), ["yes"]);
    // Said to a question while the agent goes on, it is the answer.
    let mut world = World::new(Config::default())
        .says(500, 1_500, "book a table for me")
        .answers("For two? I could also make it three or four. ")
        .answers("Done. ");
    world.user.push(super::world::Said { from: 2_700, to: 3_100, text: "yes" });
    world.run(10_000);
    assert_eq!(world.user_turns(), ["book a table for me", "yes"], "{:?}", world.agent_turns());
    // Said after the agent has finished, it is a turn.
    let mut world = World::conversing().says(7_500, 7_900, "yes");
    world.run(12_000);
    assert_eq!(world.user_turns().len(), 2);
}

#[test]
fn agent_does_not_interrupt_itself_by_its_echo() {
    let mut world = World::conversing();
    world.leak = (0, u64::MAX / 100);
    world.run(20_000);
    assert!(world.has(|event| matches!(event, Event::SpeechIgnored { reason: IgnoreReason::Echo, .. })));
    let yields = world.events().filter(|(_, event)| matches!(event, Event::Yielded { .. })).count();
    assert!(yields <= 1, "once it has heard itself, voice alone does not stop it: {yields}");
    assert!(!world.has(interrupted));
    assert_eq!(world.user_turns().len(), 1);
    assert_eq!(world.played_text(), TRAIN);
    assert_eq!(world.core.state(), State::Idle);
}

#[test]
fn user_is_not_taken_for_the_echo() {
    // The loudspeaker leaks all the time, and the user interrupts all the same.
    let mut world = World::conversing().says(3_500, 4_500, "stop I mean the bus").answers("The bus then. ");
    world.leak = (0, u64::MAX / 100);
    world.run(20_000);
    assert!(world.has(interrupted), "{:?}", world.user_turns());
    assert_eq!(world.user_turns().len(), 2, "{:?}", world.user_turns());
}

#[test]
fn echo_of_the_last_words_does_not_become_a_turn() {
    let mut world = World::conversing();
    let end = world.run_to_the_end_of_a_turn();
    let mut world = World::conversing();
    world.leak = (end - 250, end + 1_000);
    world.run(end + 6_000);
    assert!(world.has(|event| matches!(event, Event::SpeechIgnored { reason: IgnoreReason::Echo, .. })));
    assert_eq!(world.user_turns().len(), 1, "{:?}", world.user_turns());
    assert_eq!(world.core.state(), State::Idle);
}

#[test]
fn answer_in_the_agents_own_words_is_not_taken_for_echo() {
    let mut world = World::new(Config::default())
        .says(500, 1_500, "I am thirsty now")
        .answers("Coffee or tea? ")
        .answers("Tea it is. ");
    let end = world.run_to_the_end_of_a_turn();
    world.user.push(super::world::Said { from: end + 100, to: end + 500, text: "tea" });
    world.run(end + 6_000);
    assert_eq!(world.user_turns(), ["I am thirsty now", "tea"]);
}

#[test]
fn typed_text_is_not_queued_behind_speech() {
    let mut world = World::conversing().answers("Typed and done. ");
    world.run(3_000);
    world.input(Input::UserText("the bus, please".into()));
    assert!(world.has(interrupted));
    world.run(9_000);
    assert_eq!(world.user_turns(), ["tell me about the train", "the bus, please"]);
    assert!(world.played_text().ends_with("Typed and done."));
}

#[test]
fn policies_are_not_alike() {
    let run = |policy, text| {
        let mut world = World::talking(Config { policy, ..Config::default() }).says(3_000, 3_600, text);
        world.answers.push(Answer::text("Yes. "));
        world.run(12_000);
        world
    };
    let pause = run(Policy::Pause, "mhm");
    assert!(!pause.sound.iter().any(|(_, _, ducked)| *ducked), "held, not ducked");
    assert!(!pause.sounds(3_140, 3_600));
    assert!(!pause.has(interrupted));
    assert!(run(Policy::Pause, "stop the train").has(interrupted));

    let immediate = run(Policy::Immediate, "mhm");
    assert!(immediate.has(interrupted));
    assert!(!immediate.sounds(3_140, 3_600));

    let off = run(Policy::Off, "stop the train");
    assert!(!off.has(interrupted));
    assert_eq!(off.played_text(), TRAIN);
    assert!(off.has(|event| matches!(event, Event::SpeechIgnored { reason: IgnoreReason::PolicyOff, .. })));
    assert_eq!(off.user_turns().len(), 1);
}

#[test]
fn policy_changed_in_the_middle_does_not_leave_the_agent_ducked() {
    let mut world = World::conversing().says(3_000, 3_100, "");
    world.run(3_110);
    assert!(world.has(|event| matches!(event, Event::Ducked { .. })));
    world.input(Input::SetPolicy(Policy::Off));
    assert!(world.log.iter().any(|(_, output)| matches!(output, Output::Restore { .. })));
    world.run(10_000);
    assert_eq!(world.played_text(), TRAIN);
}
