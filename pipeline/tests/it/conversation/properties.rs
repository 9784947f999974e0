//! Properties of the conversation under any inputs, in any order, at any times.

use std::time::Duration;

use super::driver::{Driver, Op, TEXTS, Which};
use duologue_pipeline::conversation::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn run(ops: &[Op], config: Config) -> Vec<Output> {
    let mut driver = Driver::new(config);
    driver.input(Input::Ready);
    ops.iter().for_each(|op| driver.step(op));
    driver.rest(Duration::from_secs(3_600));
    driver.goes_on();
    driver.outputs
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![8 => Just(Which::Latest), 2 => Just(Which::Earlier), 1 => Just(Which::Never)]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0_u64..60, 4 => 0_u64..100_000, 1 => Just(u64::MAX)]
}

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![Just(Policy::Duck), Just(Policy::Pause), Just(Policy::Immediate), Just(Policy::Off)]
}

fn offset() -> impl Strategy<Value = i64> {
    prop_oneof![6 => -4_000_i64..0, 1 => Just(i64::MAX), 1 => Just(i64::MIN), 1 => 0_i64..100_000]
}

fn op() -> impl Strategy<Value = Op> {
    let text = || 0..TEXTS.len();
    let bits = any::<bool>;
    let user = prop_oneof![
        6 => offset().prop_map(Op::SpeechStarted),
        6 => offset().prop_map(Op::SpeechEnded),
        8 => (bits(), 1_u64..12).prop_map(|(voiced, frames)| Op::Voice(voiced, frames)),
        1 => (bits(), 30_u64..60).prop_map(|(voiced, frames)| Op::Voice(voiced, frames)),
        1 => Just(Op::Starved),
        4 => (which(), text()).prop_map(|(w, t)| Op::Partial(w, t)),
        8 => (which(), text()).prop_map(|(w, t)| Op::Final(w, t)),
        1 => Just(Op::SttFailed),
        4 => (which(), prop_oneof![8 => 0.0_f32..1.0, 1 => Just(f32::NAN), 1 => Just(-5.0_f32)])
            .prop_map(|(w, p)| Op::TurnComplete(w, p)),
        2 => text().prop_map(Op::UserText),
        1 => Just(Op::Mute),
        1 => Just(Op::Unmute),
    ];
    let agent = prop_oneof![
        8 => (which(), text()).prop_map(|(w, t)| Op::AgentText(w, t)),
        4 => which().prop_map(Op::AgentDone),
        1 => which().prop_map(Op::AgentFailed),
        8 => Just(Op::Synthesize),
        1 => (which(), number(), number(), number(), number()).prop_map(|(w, a, b, c, d)| Op::Spoken(w, a, b, c, d)),
        1 => (which(), number()).prop_map(|(w, n)| Op::SynthesisDone(w, n)),
        1 => which().prop_map(Op::SynthesisFailed),
        10 => (1_u64..2_000).prop_map(Op::Play),
        2 => (which(), number(), bits(), bits()).prop_map(|(w, n, a, f)| Op::Playback(w, n, a, f)),
        3 => (text(), bits(), bits()).prop_map(|(t, i, o)| Op::Say(t, i, o)),
        4 => (0..4_u64, text()).prop_map(|(ago, t)| Op::SayMore(ago, t)),
        2 => (text(), bits()).prop_map(|(t, i)| Op::Publish(t, i)),
        2 => (0..4_u64).prop_map(Op::FinishSay),
        1 => Just(Op::CancelSpeech),
        1 => (0..4_u64).prop_map(Op::CancelSay),
    ];
    prop_oneof![
        10 => user,
        10 => agent,
        2 => (text(), bits(), 1_u64..2_000).prop_map(|(t, a, ms)| Op::Answered(t, a, ms)),
        3 => (1_u64..12, bits(), text()).prop_map(|(n, s, t)| Op::BargeIn(n, s, t)),
        4 => (0_u64..400).prop_map(Op::Wait),
        1 => (400_u64..20_000).prop_map(Op::Wait),
        2 => Just(Op::ToTimeout),
        1 => (1_u64..5_000).prop_map(Op::ClockBack),
        1 => policy().prop_map(Op::SetPolicy),
    ]
}

/// Speeches of the agent's own, several at a time, with somebody who now and then interrupts.
fn speaking() -> impl Strategy<Value = Op> {
    let text = || 0..TEXTS.len();
    prop_oneof![
        6 => (text(), prop::bool::weighted(0.1), prop::bool::weighted(0.8)).prop_map(|(t, i, o)| Op::Say(t, i, o)),
        1 => (text(), any::<bool>()).prop_map(|(t, i)| Op::Publish(t, i)),
        14 => (0..8_u64, text()).prop_map(|(ago, t)| Op::SayMore(ago, t)),
        6 => (0..8_u64).prop_map(Op::FinishSay),
        1 => (0..8_u64).prop_map(Op::CancelSay),
        8 => Just(Op::Synthesize),
        8 => (1_u64..4_000).prop_map(Op::Play),
        2 => (0_u64..2_000).prop_map(Op::Wait),
        1 => (1_u64..12, any::<bool>(), text()).prop_map(|(n, s, t)| Op::BargeIn(n, s, t)),
        1 => (text(), any::<bool>(), 1_u64..2_000).prop_map(|(t, a, ms)| Op::Answered(t, a, ms)),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    (policy(), any::<[bool; 3]>(), 1_usize..8, 20_usize..400).prop_map(
        |(policy, bits, max_says, max_reply_bytes)| {
            let [speculate, speculative_speech, turn_detector] = bits;
            Config {
                policy,
                speculate,
                speculative_speech,
                turn_detector,
                max_says,
                max_reply_bytes,
                ..Config::default()
            }
        },
    )
}

/// The same cases every time, unless the environment asks for others (`PROPTEST_RNG_SEED`, `PROPTEST_CASES`).
fn settings() -> ProptestConfig {
    let asked = |key| std::env::var_os(key).is_some();
    let mut settings = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if !asked("PROPTEST_CASES") {
        settings.cases = 1_500;
    }
    if !asked("PROPTEST_RNG_SEED") {
        settings.rng_seed = RngSeed::Fixed(0xD001_060E);
    }
    settings
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn no_order_of_events_leads_astray(ops in prop::collection::vec(op(), 1..150), config in config()) {
        run(&ops, config);
    }

    #[test]
    fn same_inputs_do_not_give_other_outputs(ops in prop::collection::vec(op(), 1..60), config in config()) {
        let (first, second) = (run(&ops, config.clone()), run(&ops, config));
        prop_assert_eq!(first, second);
    }

    #[test]
    fn speeches_are_not_lost_mixed_up_or_spoken_out_of_order(
        ops in prop::collection::vec(speaking(), 1..100),
        config in config(),
    ) {
        run(&ops, config);
    }

    #[test]
    fn closing_leaves_nothing_open(ops in prop::collection::vec(op(), 0..80), config in config()) {
        let mut driver = Driver::new(config);
        driver.input(Input::Ready);
        ops.iter().for_each(|op| driver.step(op));
        driver.input(Input::Close);
        prop_assert_eq!(driver.core.next_timeout(), None);
        driver.model.finish();
        let said = driver.outputs.len();
        ops.iter().for_each(|op| driver.step(op));
        prop_assert_eq!(driver.outputs.len(), said);
    }

    #[test]
    fn nothing_happens_before_it_is_ready(ops in prop::collection::vec(op(), 0..60), config in config()) {
        let mut driver = Driver::new(config);
        for op in &ops {
            driver.step(op);
            prop_assert_eq!(driver.core.state(), State::Initializing);
        }
        driver.input(Input::Ready);
        driver.rest(Duration::from_secs(3_600));
        driver.goes_on();
    }

    #[test]
    fn heard_text_is_not_other_than_a_growing_prefix(
        deltas in prop::collection::vec("[a-zż ,.?🐢]{0,12}", 0..12),
        marks in prop::collection::vec((0_u64..80, 0_u64..12, 0_u64..5_000, 0_u64..900), 0..40),
        mut played in prop::collection::vec(0_u64..6_000, 1..20),
    ) {
        let mut script = Script::default();
        deltas.iter().for_each(|delta| script.push_text(delta));
        for (start, length, from, span) in marks {
            script.mark(&SpokenWord { source: start..start + length, samples: from..from + span });
        }
        played.sort_unstable();
        let mut before = "";
        for at in played {
            let heard = script.heard(at);
            prop_assert!(script.text().starts_with(heard) && heard.starts_with(before));
            before = heard;
        }
    }
}

/// Sequences that once led astray.
#[test]
fn what_was_mended_does_not_break_again() {
    let corpus: &[&[Op]] = &[
        // An edge from nowhere made all later utterances begin there.
        &[Op::SpeechStarted(i64::MAX)],
        &[Op::SpeechStarted(-2), Op::SpeechEnded(19_969), Op::Voice(true, 33)],
        // A say that turned out empty left the next one waiting for another input.
        &[Op::Say(0, false, true), Op::Say(0, false, true)],
    ];
    for ops in corpus {
        run(ops, Config::default());
    }
}

/// The random orders are worth something only if they get everywhere.
#[test]
fn no_corner_is_left_out() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let strategy = (prop::collection::vec(op(), 1..150), config());
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    for _ in 0..1_500 {
        let (ops, config) = strategy.new_tree(&mut runner).unwrap().current();
        for output in run(&ops, config) {
            let text = format!("{output:?}");
            let name: String =
                text.chars().filter(|c| !c.is_whitespace()).take_while(|c| *c != '{').collect();
            *seen.entry(name).or_default() += 1;
        }
    }
    let orders = "Ask CommitAsk Abandon BeginEpoch Speak FinishSpeak Duck Restore Yield Resume Drop StartUtterance EndUtterance \
                  DetectTurn";
    let events = "Ducked Restored Yielded Resumed Silenced SpeechIgnored UserTurn AgentTurn(AgentTurn SayDropped \
                  Metrics(TurnMetrics Fault(AgentSilent Fault(AgentTimedOut Fault(AgentStalled Fault(AgentTooLong \
                  Fault(AgentFailed Fault(SynthesisFailed Fault(PlaybackStalled Fault(SttFailed Fault(FinalTimedOut \
                  Fault(NothingRecognised Fault(Starved Fault(SayRefused";
    for name in orders.split_whitespace() {
        assert!(seen.contains_key(name), "{name} was never reached: {seen:?}");
    }
    for name in events.split_whitespace() {
        assert!(
            seen.keys().any(|seen| seen.starts_with(&format!("Event({name}"))),
            "{name} was never reached: {seen:?}"
        );
    }
    println!("{seen:#?}");
}
