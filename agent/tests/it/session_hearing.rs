//! What an agent hears: a recogniser of its own, and its `stt_node`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::session_rig::{Lines, Listener, Rig, config};
use duologue_agent::agent::{AudioStream, TranscriptStream};
use duologue_agent::session::{Recogniser, TranscriptEvent};
use duologue_agent::{Agent, Handoff, Overrides, SessionEvent, SimpleAgent};
use duologue_eval::{Rule, Script, ScriptedLlm};
use futures_util::StreamExt;

fn model() -> ScriptedLlm {
    ScriptedLlm::new(Script::new().rule(Rule::any().say("Yes.")))
}

#[test]
fn the_next_agent_does_not_hear_with_the_ears_of_the_one_before() {
    let calls = [(300, 1_000, "heard by the first"), (4_000, 1_000, "the first hears again")];
    let mut rig = Rig::of(&calls, model(), config(), SimpleAgent::new("You listen."));
    rig.run_ms(3_000);
    let lines: Lines = Arc::new(Mutex::new(VecDeque::from(["heard by the second".to_owned()])));
    let overrides = Overrides { stt: Some(Arc::new(Listener(lines))), ..Overrides::default() };
    let next = SimpleAgent::new("You listen, too.").id("second").greeting("Here.").overrides(overrides);
    rig.session().update_agent(Handoff::to(next)).unwrap();
    rig.run_ms(5_000);
    assert_eq!(rig.user_turns, ["heard by the first", "heard by the second"]);
    // One that says nothing of its ears has the session's.
    rig.session().update_agent(Handoff::to(SimpleAgent::new("You listen again."))).unwrap();
    rig.told.simulation().exchange().calls.push((10_000 * 16, 1_000 * 16));
    rig.run_ms(6_000);
    assert_eq!(rig.user_turns[2..], ["the first hears again"]);
    rig.close();
    rig.check();
}

/// Hears sound `gain` times as loud, and knows how a name is written.
struct Ears {
    gain: f32,
}

impl Agent for Ears {
    fn instructions(&self) -> String {
        "You listen.".into()
    }
    fn stt_node(&self, audio: AudioStream, recogniser: Recogniser) -> TranscriptStream {
        let gain = self.gain;
        let audio = audio.map(move |block| block.iter().map(|sample| sample * gain).collect());
        let heard = recogniser.recognise(audio.boxed());
        heard
            .map(|mut said| {
                said.text = said.text.replace("north light", "Northlight");
                said
            })
            .boxed()
    }
}

#[test]
fn what_a_node_makes_of_sound_and_words_is_not_ignored() {
    let calls = [(300, 1_000, "is this north light"), (4_000, 1_000, "is this north light")];
    let mut rig = Rig::of(&calls, model(), config(), Ears { gain: 1.0 });
    rig.run_ms(3_500);
    assert_eq!(rig.user_turns, ["is this Northlight"]);
    let transcripts: Vec<&str> = rig
        .seen
        .iter()
        .filter_map(|event| match event {
            SessionEvent::UserTranscript { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert!(transcripts.len() > 2, "no partial transcripts: {transcripts:?}");
    assert!(transcripts.iter().all(|text| !text.contains("north light")), "{transcripts:?}");
    // So soft that the recogniser hears nothing.
    rig.session().update_agent(Handoff::to(Ears { gain: 0.1 })).unwrap();
    rig.run_ms(4_000);
    assert_eq!(rig.user_turns.len(), 1, "the recogniser has heard what the node held back");
    rig.close();
    rig.check();
}

/// Breaks on its first utterance, in one way or another; afterwards it listens.
struct Broken {
    how: &'static str,
    first: Mutex<bool>,
}

impl Agent for Broken {
    fn instructions(&self) -> String {
        "You break.".into()
    }
    fn stt_node(&self, audio: AudioStream, recogniser: Recogniser) -> TranscriptStream {
        if !std::mem::replace(&mut *self.first.lock().unwrap(), false) {
            return recogniser.recognise(audio);
        }
        match self.how {
            "at once" => panic!("no ears"),
            "later" => recogniser.recognise(audio.map(|_| panic!("no nerves")).boxed()),
            "keeps its recogniser" => {
                std::mem::forget(recogniser);
                futures_util::stream::pending().boxed()
            }
            _ => futures_util::stream::empty().boxed(),
        }
    }
}

#[test]
fn a_node_that_breaks_does_not_end_the_conversation() {
    for how in ["at once", "later", "keeps its recogniser", "hears nothing"] {
        let calls = [(300, 1_000, "lost or not"), (4_000, 1_000, "are you there")];
        let mut rig = Rig::of(&calls, model(), config(), Broken { how, first: Mutex::new(true) });
        rig.run_ms(8_000);
        let last = rig.user_turns.last().map(String::as_str);
        assert!(matches!(last, Some("are you there" | "lost or not")), "{how}: {:?}", rig.user_turns);
        let told = rig.seen.iter().any(|event| matches!(event, SessionEvent::Fault(_)));
        assert!(told, "{how}: nobody was told");
        rig.close();
        rig.check();
    }
}

/// Asks somebody else for the words, who takes his time.
struct Asking;

impl Agent for Asking {
    fn instructions(&self) -> String {
        "You ask.".into()
    }
    fn stt_node(&self, audio: AudioStream, _: Recogniser) -> TranscriptStream {
        let words = async move {
            audio.for_each(|_| async {}).await;
            let (sender, words) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(50));
                sender.send("told by another".to_owned())
            });
            TranscriptEvent { text: words.await.unwrap_or_default(), is_final: true }
        };
        futures_util::stream::once(words).boxed()
    }
}

#[test]
fn a_node_that_asks_somebody_else_is_waited_for() {
    let mut rig = Rig::of(&[(300, 1_000, "not by this one")], model(), config(), Asking);
    rig.run_ms(3_500);
    assert_eq!(rig.user_turns, ["told by another"]);
    rig.close();
    rig.check();
}
