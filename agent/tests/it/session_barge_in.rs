//! The user interrupts at any time: history is what was heard, no effect happens twice, and nothing
//! speaks on.

use std::sync::atomic::Ordering;

use crate::session_rig::Rig;
use proptest::prelude::*;

#[test]
fn an_answer_is_heard_and_remembered() {
    let mut rig = Rig::new(&[(300, 1_000, "tell me a story")]);
    rig.until("the answer", |rig| rig.heard.len() == 1);
    assert_eq!(
        rig.told_history(),
        [
            "User: tell me a story",
            "Assistant: This is a rather long answer. It has two sentences, or even three. Yes, three."
        ]
    );
    rig.close();
    rig.check();
}

#[test]
fn barge_in_while_speech_plays_does_not_leave_unheard_words_in_history() {
    let mut rig = Rig::new(&[(300, 1_000, "tell me a story"), (4_000, 1_500, "no wait stop that please")]);
    rig.until("both answers", |rig| rig.heard.len() == 2);
    let told = rig.told_history();
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(told[1].ends_with('…') && !told[1].contains("Yes, three"), "{told:#?}");
    rig.close();
    rig.check();
}

#[test]
fn barge_in_before_the_model_speaks_leaves_no_answer() {
    let mut rig = Rig::new(&[(300, 1_000, "tell me a story"), (2_120, 1_000, "or rather not that")]);
    rig.run_ms(12_000);
    rig.close();
    rig.check();
}

#[test]
fn barge_in_while_a_tool_without_effect_runs_cancels_it() {
    let mut rig = Rig::new(&[(300, 1_000, "please look it up")]);
    rig.until("the tool runs", |rig| {
        rig.look.begun.load(Ordering::SeqCst) == 1 && !rig.user_turns.is_empty()
    });
    rig.session().user_text("never mind").unwrap();
    rig.run_ms(12_000);
    assert_eq!(rig.look.ended.load(Ordering::SeqCst), 0);
    assert!(rig.told_history().contains(&"look: not done: the user interrupted".to_owned()));
    rig.close();
    rig.check();
}

#[test]
fn barge_in_while_a_tool_with_effect_runs_does_not_lose_its_result() {
    let mut rig = Rig::new(&[(300, 1_000, "please count it all")]);
    rig.until("the tool runs", |rig| rig.count.begun.load(Ordering::SeqCst) == 1);
    rig.session().user_text("never mind").unwrap();
    rig.run_ms(12_000);
    let told = rig.told_history();
    assert_eq!(told.iter().filter(|line| *line == "count: count is done").count(), 1, "{told:#?}");
    rig.close();
    rig.check();
}

#[test]
fn an_effect_does_not_happen_before_the_turn_is_certain() {
    // The pause is long enough for a speculative question, and short enough for the same turn.
    let mut rig = Rig::new(&[(300, 800, "please count it"), (1_500, 1_000, "or rather do not")]);
    rig.run_ms(12_000);
    rig.close();
    rig.check();
}

#[test]
fn a_transfer_speaks_with_the_next_agent() {
    let mut rig = Rig::new(&[(300, 1_000, "please transfer me now")]);
    rig.until("the greeting", |rig| rig.heard.iter().any(|turn| turn.heard.contains("Billing")));
    assert_eq!(
        rig.told_history(),
        [
            "User: please transfer me now",
            "Assistant: I will transfer you.",
            "call transfer",
            "transfer: transferring",
            "to billing",
            "Assistant: Billing here, how can I help you today?",
        ]
    );
    rig.close();
    rig.check();
}

#[derive(Clone, Debug)]
enum Act {
    Say,
    SayNow,
    Generate,
    Interrupt,
    Type(usize),
    Update,
}

const LINES: [&str; 6] = [
    "tell me a story",
    "please count it all",
    "please look it up",
    "please transfer me now",
    "mhm",
    "no wait stop that please",
];

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        Just(Act::Say),
        Just(Act::SayNow),
        Just(Act::Generate),
        Just(Act::Interrupt),
        (0..LINES.len()).prop_map(Act::Type),
        Just(Act::Update),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_interleaving_breaks_history_or_repeats_an_effect(
        speech in prop::collection::vec((100u64..4_000, 60u64..2_000, 0..LINES.len()), 1..6),
        acts in prop::collection::vec((0u64..2_500, act()), 0..6),
    ) {
        let mut at = 0;
        let calls: Vec<_> = speech.iter().map(|(gap, length, line)| {
            let start = at + gap;
            at = start + length;
            (start, *length, LINES[*line])
        }).collect();
        let mut rig = Rig::new(&calls);
        for (wait, act) in acts {
            rig.run_ms(wait);
            let session = rig.session();
            match act {
                Act::Say => drop(session.say("By the way, this is said.").unwrap()),
                Act::SayNow => drop(session.say_now("This is urgent.").unwrap()),
                Act::Generate => drop(session.generate_reply("Say more.").unwrap()),
                Act::Interrupt => session.interrupt().unwrap(),
                Act::Type(line) => session.user_text(LINES[line]).unwrap(),
                Act::Update => session.update_agent(duologue_agent::Handoff::to(crate::session_rig::billing())).unwrap(),
            }
        }
        rig.run_ms(at + 8_000);
        rig.close();
        rig.check();
    }
}
