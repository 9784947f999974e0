//! Sound of the application's own as a speech of the agent: `publish_audio`.

use std::time::Duration;

use crate::session_rig::{RATE, Rig};
use duologue_agent::{SessionEvent, SpeechHandle, SpeechOutcome};
use duologue_eval::{Rule, Script, ScriptedLlm};
use duologue_pipeline::Clip;

/// Ten words in five seconds, at another rate than playback's.
const WORDS: &str = "one two three four five six seven eight nine ten";

fn clip(ms: usize) -> Clip {
    Clip::new(vec![0.3; 48 * ms], 48_000).unwrap()
}

fn publish(rig: &Rig, text: &str) -> SpeechHandle {
    rig.session().publish_audio(clip(5_000), text).unwrap()
}

#[test]
fn sound_is_not_played_before_what_was_said_first_nor_after_what_was_said_later() {
    let mut rig = Rig::new(&[]);
    rig.run_ms(200);
    let before = rig.session().say("Listen to this.").unwrap();
    let sound = publish(&rig, WORDS);
    let after = rig.session().say("That was it.").unwrap();
    rig.run_ms(10_000);
    for speech in [&before, &sound, &after] {
        assert_eq!(speech.outcome(), Some(SpeechOutcome::Finished), "{:?}", rig.heard);
    }
    assert_eq!(sound.heard(), WORDS);
    assert_eq!(sound.played(), Duration::from_secs(5), "some of the sound is lost");
    let said = |text: &str| format!("Assistant: {text}");
    assert_eq!(rig.told_history(), [said("Listen to this."), said(WORDS), said("That was it.")]);
    rig.close();
    rig.check();
}

#[test]
fn what_was_not_heard_of_a_sound_is_not_remembered() {
    // The user speaks over it from 2 s after its beginning on.
    let mut rig = Rig::new(&[(2_200, 1_200, "no wait stop that please")]);
    rig.run_ms(200);
    let sound = publish(&rig, WORDS);
    rig.run_ms(9_000);
    assert_eq!(sound.outcome(), Some(SpeechOutcome::Interrupted));
    assert!(
        sound.heard().starts_with("one two three") && !sound.heard().contains("seven"),
        "{}",
        sound.heard()
    );
    let played = sound.played().as_millis();
    assert!((1_900..3_000).contains(&played), "{played} ms were played");
    assert_eq!(rig.told_history()[0], format!("Assistant: {} …", sound.heard()));
    assert_eq!(rig.user_turns, ["no wait stop that please"]);
    rig.close();
    rig.check();
}

#[test]
fn a_sound_is_not_broken_off_by_a_listening_noise() {
    let mut rig = Rig::new(&[(2_200, 350, "mhm")]);
    rig.run_ms(200);
    let sound = publish(&rig, "");
    rig.run_ms(9_000);
    assert_eq!(sound.outcome(), Some(SpeechOutcome::Finished), "{:?}", rig.heard);
    assert_eq!(sound.played(), Duration::from_secs(5));
    rig.close();
    rig.check();
}

#[test]
fn a_sound_without_words_leaves_nothing_in_history_and_is_stopped_by_its_handle() {
    let mut rig = Rig::new(&[]);
    rig.run_ms(200);
    let (sound, waiting) = (publish(&rig, ""), publish(&rig, WORDS));
    rig.until("some of it", |_| sound.played() > Duration::from_millis(700));
    waiting.interrupt();
    sound.interrupt();
    rig.run_ms(100);
    assert!(!rig.is_audible(), "it sounds on");
    assert_eq!(sound.outcome(), Some(SpeechOutcome::Interrupted));
    assert_eq!(waiting.outcome(), Some(SpeechOutcome::Dropped));
    assert_eq!((waiting.heard().as_str(), waiting.played()), ("", Duration::ZERO));
    assert!(rig.told_history().is_empty(), "{:?}", rig.told_history());
    let finished = rig.seen.iter().filter(|event| matches!(event, SessionEvent::SpeechFinished { .. }));
    assert_eq!(finished.count(), 1, "nobody was told of its end");
    rig.close();
    rig.check();
}

#[test]
fn a_sound_that_is_published_while_the_model_answers_is_not_run_into_the_answer() {
    let answer = "This is a rather long answer of many words.";
    let script = Script::new().pace(Duration::from_millis(180), 10.0).rule(Rule::any().say(answer));
    let mut rig =
        Rig::with(&[(300, 1_000, "tell me a story")], ScriptedLlm::new(script), crate::session_rig::config());
    rig.until("the answer", Rig::is_audible);
    let sound = publish(&rig, WORDS);
    rig.run_ms(12_000);
    assert_eq!(sound.outcome(), Some(SpeechOutcome::Finished));
    let told = rig.told_history();
    assert_eq!(told[1..], [format!("Assistant: {answer}"), format!("Assistant: {WORDS}")], "{told:?}");
    rig.close();
    rig.check();
}

#[tokio::test]
async fn a_session_without_sound_does_not_wait_for_any() {
    let session = duologue_agent::AgentSession::new(());
    session.start_text(duologue_agent::SimpleAgent::new("You play.")).await.unwrap();
    let sound = session.publish_audio(Clip::new(vec![0.0; 10], RATE).unwrap(), "A bell.").unwrap();
    assert_eq!(sound.wait().await, SpeechOutcome::Finished);
    assert_eq!((sound.heard().as_str(), sound.played()), ("A bell.", Duration::ZERO));
    session.close().await;
    assert!(session.publish_audio(Clip::new(vec![0.0; 10], RATE).unwrap(), "").is_err());
}
