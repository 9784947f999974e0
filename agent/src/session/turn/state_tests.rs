use proptest::prelude::*;

use super::state::{Heard, Input, Output, SinkKind, State, View, Words};
use crate::session::SpeechOutcome;

type Machine = State<u32>;

fn words(text: &str, begins: bool, tag: u32) -> Words<u32> {
    Words { text: text.to_owned(), begins, tag }
}

fn heard(text: &str, outcome: SpeechOutcome) -> Heard {
    Heard { text: text.to_owned(), outcome }
}

/// A world around the machine that takes what it is given, in a sink of so much room.
struct World {
    state: Machine,
    room: usize,
    opens: Option<SinkKind>,
    outputs: Vec<Output<u32>>,
    said: String,
    taken: Vec<u32>,
}

impl World {
    fn new(state: Machine) -> Self {
        let opens = Some(SinkKind::Speech);
        Self { state, room: usize::MAX, opens, outputs: Vec::new(), said: String::new(), taken: Vec::new() }
    }

    fn feed(&mut self, input: Input<u32>) -> &mut Self {
        self.state.handle(input);
        while let Some(output) = self.state.poll_output() {
            self.outputs.push(output.clone());
            let answer = match output {
                Output::Open => Input::Opened(self.opens),
                Output::Put { words, .. } if self.room == 0 => Input::Full(words),
                Output::Put { space, words } => {
                    self.room -= 1;
                    self.said.push_str(if space { " " } else { "" });
                    self.said.push_str(&words.text);
                    self.taken.push(words.tag);
                    Input::Taken
                }
                _ => continue,
            };
            self.state.handle(answer);
        }
        self
    }

    fn write(&mut self, text: &str, tag: u32) -> &mut Self {
        self.feed(Input::Write(words(text, true, tag)))
    }

    fn count(&self, is: impl Fn(&Output<u32>) -> bool) -> usize {
        self.outputs.iter().filter(|output| is(output)).count()
    }

    fn refused(&self) -> Vec<u32> {
        let tag = |output: &Output<u32>| match output {
            Output::Refuse(words) => Some(words.tag),
            _ => None,
        };
        self.outputs.iter().filter_map(tag).collect()
    }

    fn ends(&self) -> Vec<Option<SpeechOutcome>> {
        let end = |output: &Output<u32>| match output {
            Output::End(heard) => Some(heard.as_ref().map(|heard| heard.outcome)),
            _ => None,
        };
        self.outputs.iter().filter_map(end).collect()
    }
}

#[test]
fn a_message_of_its_own_is_not_run_together_with_the_one_before() {
    let mut world = World::new(Machine::reply(true));
    world.write("Let me look.", 1).feed(Input::Write(words(" Now", false, 2)));
    world.write("It is noon. ", 3).write("Bye.", 4);
    assert_eq!(world.said, "Let me look. Now It is noon. Bye.");
}

#[test]
fn what_is_held_is_said_in_its_order_once_the_turn_is_clear() {
    let mut world = World::new(Machine::reply(false));
    world.feed(Input::Hold).write("one", 1).write("two", 2).feed(Input::Complete);
    assert!(world.taken.is_empty() && !world.state.view().ended, "what is held does not end the turn");
    world.feed(Input::Committed).feed(Input::Clear { keep: true }).write("three", 3);
    assert_eq!((world.said.as_str(), &world.taken[..]), ("one two three", &[1, 2, 3][..]));
}

#[test]
fn what_was_held_is_forgotten_when_the_question_was_another() {
    let mut world = World::new(Machine::reply(false));
    world.feed(Input::Hold).write("one", 1).feed(Input::Committed).feed(Input::Clear { keep: false });
    world.write("two", 2);
    assert_eq!((world.refused(), world.said.as_str()), (vec![1], "two"));
}

#[test]
fn no_effect_is_allowed_in_a_turn_that_is_taken_back() {
    for taken_back in [Input::ReplyStopped, Input::Stop] {
        let mut world = World::new(Machine::reply(false));
        world.feed(Input::Lend).feed(taken_back).feed(Input::Clear { keep: true });
        assert_eq!(world.count(|output| *output == Output::AllowEffects), 0);
        assert_eq!(world.count(|output| *output == Output::ForbidEffects), 1);
        assert_eq!(world.count(|output| *output == Output::Deny), 1, "who waits for the floor is told");
        let View { certain, cleared, stopped, .. } = world.state.view();
        assert!(!certain && !cleared && stopped);
    }
}

#[test]
fn frontends_are_not_shown_what_may_be_taken_back() {
    let mut world = World::new(Machine::reply(false));
    world.feed(Input::Show("one".into())).feed(Input::Committed);
    assert_eq!(world.count(|output| matches!(output, Output::Show(_))), 0);
    world.feed(Input::Clear { keep: true }).feed(Input::Show("two".into()));
    assert_eq!(world.count(|output| matches!(output, Output::Show(_))), 2);
}

#[test]
fn a_full_reply_makes_words_wait_and_loses_none() {
    let mut world = World::new(Machine::reply(true));
    world.room = 1;
    world.write("one", 1).write("two", 2).write("three", 3);
    assert!(world.state.is_blocked());
    assert_eq!(world.taken, [1]);
    world.room = 1;
    world.feed(Input::Room);
    assert_eq!(world.taken, [1, 2]);
    world.room = 9;
    world.feed(Input::Room);
    assert_eq!((world.said.as_str(), world.refused()), ("one two three", vec![]));
}

#[test]
fn a_stop_is_not_waited_for_by_words_that_found_no_room() {
    let mut world = World::new(Machine::reply(true));
    world.room = 0;
    world.write("one", 1).write("two", 2).feed(Input::ReplyStopped);
    world.room = 9;
    world.feed(Input::Room).write("three", 3);
    assert_eq!((world.refused(), world.taken.len()), (vec![1, 2, 3], 0));
}

#[test]
fn the_floor_is_lent_once_the_step_is_written_and_to_one_at_a_time() {
    let granted = |world: &World| world.count(|output| *output == Output::Grant);
    let mut world = World::new(Machine::reply(false));
    world.feed(Input::StepBegins).write("Wait.", 1).feed(Input::Lend).feed(Input::Lend);
    world.feed(Input::Committed).feed(Input::Clear { keep: true });
    assert_eq!(granted(&world), 0, "the step is still being written");
    world.feed(Input::StepEnds);
    assert_eq!((granted(&world), world.state.view().lent), (1, true));
    world.feed(Input::ReplyStopped);
    assert!(!world.state.view().stopped, "no interruption concerns a turn without the floor");
    world.feed(Input::Returned);
    assert_eq!(granted(&world), 2);
    world.feed(Input::Returned).write("Done.", 2);
    assert_eq!(world.count(|output| *output == Output::Open), 1);
    assert_eq!((world.said.as_str(), world.state.view().lent), ("Wait.Done.", false));
}

#[test]
fn a_speech_is_over_when_its_last_word_was_heard() {
    let mut world = World::new(Machine::speech(Some(SinkKind::Speech)));
    world.write("Hello.", 1).feed(Input::Finish);
    assert_eq!(world.ends(), []);
    world.feed(Input::SpeechOver(heard("Hello.", SpeechOutcome::Finished)));
    assert_eq!(world.ends(), [Some(SpeechOutcome::Finished)]);
    assert!(world.state.is_over());
}

#[test]
fn a_speech_that_is_cut_off_writes_no_further() {
    let mut world = World::new(Machine::speech(Some(SinkKind::Speech)));
    world.write("Hello, you.", 1).feed(Input::SpeechOver(heard("Hello", SpeechOutcome::Interrupted)));
    assert!(world.state.view().stopped);
    world.write("Well.", 2).feed(Input::Finish);
    assert_eq!((world.refused(), world.ends()), (vec![2], vec![Some(SpeechOutcome::Interrupted)]));
}

#[test]
fn a_speech_that_lent_the_floor_and_says_nothing_more_is_over_all_the_same() {
    let mut world = World::new(Machine::speech(Some(SinkKind::Speech)));
    world.write("One moment.", 1).feed(Input::Lend);
    assert!(world.state.view().lent);
    world.feed(Input::SpeechOver(heard("One", SpeechOutcome::Interrupted)));
    assert!(!world.state.view().stopped);
    world.feed(Input::Returned).feed(Input::Finish);
    assert_eq!(world.ends(), [Some(SpeechOutcome::Interrupted)]);
}

#[test]
fn a_speech_without_words_is_over_at_once() {
    for open in [Some(SinkKind::Speech), None] {
        let mut world = World::new(Machine::speech(open));
        world.feed(Input::Finish);
        assert_eq!(world.ends(), [None]);
    }
}

#[test]
fn words_are_refused_where_nothing_can_be_opened() {
    let mut world = World::new(Machine::speech(None));
    world.opens = None;
    world.write("Hello.", 1).write("You.", 2);
    assert_eq!((world.refused(), world.said.as_str()), (vec![1, 2], ""));
}

/// What happens to a turn, in any order.
#[derive(Clone, Debug)]
enum Act {
    Feed(Input<u32>),
    Write { text: String, begins: bool },
    Room(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let outcome = prop_oneof![
        Just(SpeechOutcome::Finished),
        Just(SpeechOutcome::Interrupted),
        Just(SpeechOutcome::Failed),
        Just(SpeechOutcome::Dropped)
    ];
    prop_oneof![
        8 => ("[a-c]{1,3} ?", any::<bool>()).prop_map(|(text, begins)| Act::Write { text, begins }),
        3 => (0..4usize).prop_map(Act::Room),
        1 => prop_oneof![
            Just(Input::Committed), Just(Input::ReplyStopped), Just(Input::Stop), Just(Input::Hold),
            any::<bool>().prop_map(|keep| Input::Clear { keep }), Just(Input::Finish), Just(Input::Complete),
            Just(Input::Release), Just(Input::Fail("no".into()))
        ].prop_map(Act::Feed),
        4 => prop_oneof![
            Just(Input::StepBegins), Just(Input::StepEnds), Just(Input::Lend), Just(Input::Returned),
            Just(Input::Show("shown".into())), Just(Input::Committed), Just(Input::Clear { keep: true }),
            outcome.prop_map(|outcome| Input::SpeechOver(heard("heard", outcome)))
        ].prop_map(Act::Feed),
    ]
}

fn machine() -> impl Strategy<Value = Machine> {
    let kinds = prop_oneof![Just(0), Just(1), Just(2), Just(3), Just(4)];
    kinds.prop_map(|kind| match kind {
        0 => Machine::reply(true),
        1 => Machine::reply(false),
        2 => Machine::text(),
        3 => Machine::speech(None),
        _ => Machine::speech(Some(SinkKind::Speech)),
    })
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.view())
    }
}

/// What must hold of any sequence of outputs; `writes` words came in, tagged from 0 in their order.
fn check(world: &World, writes: u32) -> Result<(), TestCaseError> {
    prop_assert!(world.taken.is_sorted_by(|a, b| a < b), "said out of order: {:?}", world.taken);
    let mut fates: Vec<u32> = world.taken.iter().copied().chain(world.refused()).collect();
    let known = fates.len();
    fates.sort_unstable();
    fates.dedup();
    prop_assert_eq!(fates.len(), known, "words had two fates");
    prop_assert!(known <= writes as usize);
    let effects = |output: &Output<u32>| matches!(output, Output::AllowEffects | Output::ForbidEffects);
    prop_assert!(world.count(effects) <= 1, "effects were decided twice");
    prop_assert!(world.ends().len() <= 1, "the turn was over twice");
    Ok(())
}

/// A loan is given back before the next; nobody speaks into it.
fn check_loans(history: &[(Input<u32>, Vec<Output<u32>>)]) -> Result<(), TestCaseError> {
    let mut lent = false;
    for (input, outputs) in history {
        lent &= *input != Input::Returned;
        for output in outputs {
            if *output == Output::Grant {
                prop_assert!(!lent, "two had the floor");
                lent = true;
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_order_of_events_breaks_an_invariant(
        machine in machine(),
        acts in prop::collection::vec(act(), 0..60),
    ) {
        let mut world = World::new(machine);
        let (mut writes, mut history) = (0, Vec::new());
        for act in acts {
            let input = match act {
                Act::Feed(input) => input,
                Act::Write { text, begins } => {
                    writes += 1;
                    Input::Write(words(&text, begins, writes - 1))
                }
                Act::Room(room) => {
                    world.room = room;
                    Input::Room
                }
            };
            let before = world.state.view();
            let known = world.outputs.len();
            world.feed(input.clone());
            let after = world.state.view();
            let new = world.outputs[known..].to_vec();
            // What is certain, cleared, stopped or ended stays so.
            prop_assert!(!before.stopped || after.stopped);
            prop_assert!(!before.ended || after.ended);
            prop_assert!(!before.cleared || after.cleared);
            prop_assert!(!before.certain || after.certain);
            prop_assert!(after.lendings >= before.lendings);
            let spoke = new.iter().any(|output| matches!(output, Output::Put { .. } | Output::Open));
            prop_assert!(!spoke || !(before.stopped || before.ended), "it spoke on: {:?}", new);
            let shown = new.iter().any(|output| matches!(output, Output::Show(_)));
            prop_assert!(!shown || after.cleared, "shown before it was certain");
            let granted = new.contains(&Output::Grant);
            prop_assert!(!granted || after.cleared, "lent before effects were allowed");
            history.push((input, new));
        }
        check(&world, writes)?;
        check_loans(&history)?;

        // Whatever happened: with room, an end and what was said heard, nothing is left open.
        world.room = usize::MAX;
        world.feed(Input::Room).feed(Input::Returned).feed(Input::Finish);
        world.feed(Input::SpeechOver(heard("", SpeechOutcome::Dropped)));
        check(&world, writes)?;
        prop_assert!(world.state.is_over(), "the turn never ends");
        let fates = world.taken.len() + world.refused().len();
        prop_assert_eq!(fates, writes as usize, "words were lost");
    }
}
