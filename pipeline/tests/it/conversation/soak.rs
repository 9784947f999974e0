//! A million inputs: what the conversation keeps does not grow.

use std::time::Duration;

use duologue_pipeline::conversation::*;

/// Inputs in all.
const INPUTS: u64 = 1_000_000;
/// Inputs between two looks at the size.
const LOOK: u64 = 20_000;

/// A deterministic stream of numbers (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

#[derive(Default)]
struct Seen {
    turn: TurnId,
    epoch: Epoch,
    utterance: UtteranceId,
    user_turns: u64,
    agent_turns: u64,
    played: u64,
    says: u64,
    ask: u64,
}

impl Seen {
    fn drain(&mut self, core: &mut Conversation) {
        while let Some(output) = core.poll_output() {
            match output {
                Output::Ask { turn, .. } => self.turn = turn,
                Output::BeginEpoch { epoch, .. } => (self.epoch, self.played) = (epoch, 0),
                Output::StartUtterance { utterance, .. } => self.utterance = utterance,
                Output::DetectTurn { ask, .. } => self.ask = ask,
                Output::Event(Event::UserTurn { .. }) => self.user_turns += 1,
                Output::Event(Event::AgentTurn(_)) => self.agent_turns += 1,
                _ => {}
            }
        }
    }
}

fn input(numbers: &mut Numbers, seen: &mut Seen, sample: u64) -> Input {
    let long = || "many more words that go on ".repeat(40);
    let Seen { turn, epoch, utterance, .. } = *seen;
    match numbers.next(40) {
        0..10 => Input::Voice { at: sample, voiced: numbers.next(3) > 0, probability: 0.6 },
        10..12 => Input::SpeechStarted { at: sample },
        12..15 => Input::SpeechEnded { at: sample },
        15 => Input::Partial { utterance, text: long() },
        16..20 => Input::Final { utterance, text: "some words of the user".into() },
        20 => Input::TurnComplete { utterance, ask: seen.ask, probability: 1.0 },
        21..25 => Input::AgentText { turn, delta: long() },
        25 => Input::AgentDone { turn },
        26..30 => {
            seen.played += 4_800;
            Input::Playback { epoch, played: seen.played, audible: true, finished: false }
        }
        30..34 => {
            let start = numbers.next(4_000);
            let words = (start..start + 20)
                .map(|n| SpokenWord { source: n * 3..n * 3 + 2, samples: n * 9..n * 9 + 9 });
            Input::Spoken { epoch, words: words.collect(), end_sample: numbers.next(1 << 20) }
        }
        34 => Input::SynthesisDone { epoch, total_samples: numbers.next(1 << 20) },
        35 => {
            seen.says += 1;
            let options = SayOptions { open: numbers.next(2) > 0, key: seen.says, ..SayOptions::default() };
            Input::Say { text: long(), options }
        }
        36 => Input::SayMore { key: seen.says - numbers.next(64).min(seen.says), text: long() },
        37 => Input::UserText(long()),
        38 => Input::FinishSay { key: seen.says - numbers.next(64).min(seen.says) },
        _ => Input::Timeout,
    }
}

#[test]
fn a_million_inputs_do_not_grow_memory() {
    let mut core = Conversation::new(Config::default()).unwrap();
    core.handle(Input::Ready, Duration::ZERO);
    let (mut numbers, mut seen, mut now) = (Numbers(0x9E37_79B9_7F4A_7C15), Seen::default(), Duration::ZERO);
    let (mut early, mut late) = (0, 0);
    for count in 0..INPUTS {
        now += Duration::from_millis(numbers.next(40));
        let next = input(&mut numbers, &mut seen, now.as_millis() as u64 * 16);
        core.handle(next, now);
        seen.drain(&mut core);
        if count % LOOK == 0 {
            // All that the conversation holds is in its debug output.
            let size = format!("{core:?}").len();
            let half = if count < INPUTS / 2 { &mut early } else { &mut late };
            *half = size.max(*half);
        }
    }
    println!(
        "{} user turns, {} agent turns; largest {early} then {late} bytes of text",
        seen.user_turns, seen.agent_turns
    );
    println!("{:?}", core.counters());
    assert!(seen.user_turns > 1_000 && seen.agent_turns > 1_000);
    assert!(late < early + early / 4, "grew from {early} to {late}");
}

#[test]
fn outputs_that_nobody_polls_do_not_pile_up() {
    let mut core = Conversation::new(Config::default()).unwrap();
    core.handle(Input::Ready, Duration::ZERO);
    for count in 0..200_000_u64 {
        core.handle(Input::UserText("hello".into()), Duration::from_millis(count));
    }
    assert!(core.counters().undrained > 100_000);
    let mut polled = 0;
    while core.poll_output().is_some() {
        polled += 1;
    }
    assert!(polled < 17_000, "{polled} outputs were kept");
    core.handle(Input::UserText("again".into()), Duration::from_secs(1_000));
    assert!(core.poll_output().is_some(), "once polled, it goes on");
}
