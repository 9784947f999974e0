//! When the turn detector is asked, and which of its answers counts.

use super::world::ms;
use duologue_pipeline::conversation::*;

/// A conversation in which the user has said something: voice up to 500 ms, then silence up to 600 ms.
struct Pause {
    core: Conversation,
    now: u64,
}

impl Pause {
    fn new() -> Self {
        let mut pause = Self { core: Conversation::new(Config::default()).unwrap(), now: 0 };
        pause.input(Input::Ready);
        pause.input(Input::SpeechStarted { at: 0 });
        pause.frames(true, 500);
        pause.frames(false, 600);
        pause
    }

    fn input(&mut self, input: Input) {
        self.core.handle(input, ms(self.now));
    }

    fn frames(&mut self, voiced: bool, until: u64) {
        while self.now < until {
            self.now += 20;
            self.input(Input::Voice { at: self.now * 16, voiced, probability: 0.9 });
        }
    }

    /// The questions to the turn detector so far, and the user's turns.
    fn asked(&mut self) -> (Vec<(u64, String)>, Vec<String>) {
        let (mut asks, mut turns) = (Vec::new(), Vec::new());
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::DetectTurn { ask, text, .. } => asks.push((ask, text)),
                Output::Event(Event::UserTurn { text, .. }) => turns.push(text),
                _ => {}
            }
        }
        (asks, turns)
    }
}

#[test]
fn an_answer_about_other_words_does_not_end_the_turn() {
    let mut pause = Pause::new();
    let utterance = UtteranceId(1);
    pause.input(Input::SpeechEnded { at: 8_000 });
    pause.input(Input::Final { utterance, text: "the train to".into() });
    let (asks, _) = pause.asked();
    let (Some((first, _)), Some((last, words))) = (asks.first(), asks.last()) else { panic!("{asks:?}") };
    assert!(first < last && words == "the train to", "{asks:?}");
    let stale = pause.core.counters().stale;
    pause.input(Input::TurnComplete { utterance, ask: *first, probability: 1.0 });
    assert_eq!(pause.core.counters().stale, stale + 1);
    pause.input(Input::TurnComplete { utterance, ask: *last, probability: 0.0 });
    pause.now = 500 + Config::default().max_endpoint_delay.as_millis() as u64 - 100;
    pause.input(Input::Timeout);
    assert!(pause.asked().1.is_empty(), "the user was cut off by the answer about nothing");
    pause.now += 200;
    pause.input(Input::Timeout);
    assert_eq!(pause.asked().1, ["the train to"]);
}

#[test]
fn the_detector_is_asked_at_each_pause_even_about_the_same_words() {
    let mut pause = Pause::new();
    pause.input(Input::Partial { utterance: UtteranceId(1), text: "the train".into() });
    assert_eq!(pause.asked().0, [(1, "the train".to_owned())]);
    pause.input(Input::Partial { utterance: UtteranceId(1), text: "the train".into() });
    assert!(pause.asked().0.is_empty(), "once at one pause");
    pause.frames(true, 900);
    pause.frames(false, 1_000);
    pause.input(Input::SpeechEnded { at: 900 * 16 });
    assert_eq!(pause.asked().0, [(2, "the train".to_owned())]);
}
