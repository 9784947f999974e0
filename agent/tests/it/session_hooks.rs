//! What an agent is told of, what its nodes make of words, and what a session says on the side.

use std::sync::{Arc, Mutex};

use crate::session_rig::{Rig, config};
use async_trait::async_trait;
use duologue_agent::agent::TextStream;
use duologue_agent::chat::{ChatContent, Role};
use duologue_agent::message::{DataMessage, Message};
use duologue_agent::session::Participant;
use duologue_agent::{Agent, AgentSession, Error, SessionEvent, SimpleAgent, SpeechOutcome, TurnDecision};
use duologue_eval::{Rule, Script, ScriptedLlm};
use futures_util::StreamExt;
use serde_json::json;

/// Writes down what it is told of.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Agent for Diary {
    fn instructions(&self) -> String {
        "You keep a diary.".into()
    }
    async fn on_enter(&self, _: &AgentSession) -> Result<(), Error> {
        self.note("enter");
        Ok(())
    }
    async fn on_exit(&self, _: &AgentSession) -> Result<(), Error> {
        self.note("exit");
        Ok(())
    }
    async fn on_connect(&self, _: &AgentSession) -> Result<(), Error> {
        self.note("connect");
        Ok(())
    }
    async fn on_disconnect(&self, _: &AgentSession) -> Result<(), Error> {
        self.note("disconnect");
        Ok(())
    }
    async fn on_user_turn(&self, _: &AgentSession, text: &mut String) -> Result<TurnDecision, Error> {
        self.note(format!("turn: {text}"));
        Ok(TurnDecision::Generate)
    }
    async fn on_transcript(&self, _: &AgentSession, text: &str, is_final: bool) {
        if is_final {
            self.note(format!("final: {text}"));
        } else if !self.lines().contains(&"partial".to_owned()) {
            self.note("partial");
        }
    }
    async fn on_data_message(&self, _: &AgentSession, message: &DataMessage) -> Result<(), Error> {
        self.note(format!("data: {}", message.payload));
        Ok(())
    }
    async fn on_participant_joined(&self, _: &AgentSession, participant: &Participant) {
        self.note(format!("joined: {}", participant.name));
    }
    async fn on_participant_left(&self, _: &AgentSession, participant: &Participant) {
        self.note(format!("left: {}", participant.name));
    }
}

fn saying(text: &str) -> ScriptedLlm {
    ScriptedLlm::new(Script::new().rule(Rule::any().say(text)))
}

#[test]
fn no_hook_is_forgotten_or_comes_out_of_turn() {
    let diary = Diary::default();
    let mut rig = Rig::of(&[(300, 1_000, "tell me a story")], saying("Once."), config(), diary.clone());
    rig.until("the answer", |rig| rig.heard.len() == 1);
    let guest = Participant { identity: "guest-1".into(), name: "Ada".into() };
    rig.session().participant_joined(guest.clone());
    rig.run_ms(50);
    let data = DataMessage { topic: "menu".into(), payload: json!({ "dish": 3 }), from: None };
    rig.session().receive(Message::Data(data)).unwrap();
    rig.run_ms(50);
    rig.session().participant_left(guest);
    rig.run_ms(50);
    rig.close();
    assert_eq!(
        diary.lines(),
        [
            "connect",
            "enter",
            "partial",
            "final: tell me a story",
            "turn: tell me a story",
            "joined: Ada",
            "data: {\"dish\":3}",
            "left: Ada",
            "exit",
            "disconnect",
        ]
    );
}

/// Changes words at each of the three places.
struct Editor;

fn replaced(text: TextStream, from: &'static str, to: &'static str) -> TextStream {
    text.map(move |piece| piece.replace(from, to)).boxed()
}

impl Agent for Editor {
    fn instructions(&self) -> String {
        "You edit.".into()
    }
    fn llm_node(&self, text: TextStream) -> TextStream {
        replaced(text, "secret", "public")
    }
    fn tts_node(&self, text: TextStream) -> TextStream {
        replaced(text, "API", "interface")
    }
    fn transcription_node(&self, text: TextStream) -> TextStream {
        replaced(text, "API", "API (interface)")
    }
}

#[test]
fn what_a_node_makes_of_the_words_is_not_ignored() {
    let mut rig = Rig::of(&[(300, 1_000, "what is it")], saying("A secret API."), config(), Editor);
    rig.until("the answer", |rig| rig.heard.len() == 1);
    assert_eq!(rig.told_history(), ["User: what is it", "Assistant: A public interface."]);
    let spoken: String = rig.spoken.lock().unwrap().iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(spoken.trim(), "A public interface.");
    let shown: String = rig
        .seen
        .iter()
        .filter_map(|event| match event {
            SessionEvent::AgentTranscript { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(shown, "A public API (interface).");
    rig.close();
    rig.check();
}

#[test]
fn what_was_typed_is_not_taken_for_what_was_said() {
    let mut rig =
        Rig::of(&[(300, 1_000, "tell me a story")], saying("Yes."), config(), SimpleAgent::new("You."));
    rig.until("the answer", |rig| rig.heard.len() == 1);
    rig.session().user_text("and another one").unwrap();
    rig.until("the second answer", |rig| rig.heard.len() == 2);
    let typed: Vec<bool> = rig
        .history()
        .iter()
        .filter(|item| matches!(item.content, ChatContent::Message { role: Role::User, .. }))
        .map(|item| item.typed)
        .collect();
    assert_eq!(typed, [false, true], "{:#?}", rig.told_history());
    rig.close();
    rig.check();
}

#[test]
fn words_recognised_elsewhere_are_shown_and_are_no_turn() {
    let mut rig = Rig::of(&[], saying("Yes."), config(), SimpleAgent::new("You."));
    rig.run_ms(100);
    rig.session().send_transcript("from the other ear", true);
    rig.session().send_status("thinking");
    rig.run_ms(1_000);
    let shown = |event: &SessionEvent| matches!(event, SessionEvent::UserTranscript { text, is_final: true } if text == "from the other ear");
    assert!(rig.seen.iter().any(shown));
    assert!(
        rig.seen.iter().any(|event| matches!(event, SessionEvent::Status(status) if status == "thinking"))
    );
    assert!(rig.user_turns.is_empty() && rig.heard.is_empty());
    rig.close();
}

#[test]
fn speaking_and_replying_of_its_own_accord_do_not_pass_each_other() {
    let llm = saying("And this is what I think.");
    let mut rig = Rig::of(&[], llm.clone(), config(), SimpleAgent::new("You."));
    rig.run_ms(100);
    let session = rig.session();
    let spoken = rig.told.drive(std::time::Duration::from_secs(20), async move {
        let spoken = session.speak("First this.").await;
        let reply = session.generate_reply("Say what you think.").unwrap();
        (spoken, reply.wait().await, reply.heard())
    });
    let (spoken, outcome, heard) = spoken.unwrap();
    assert_eq!((spoken.unwrap(), outcome), (SpeechOutcome::Finished, SpeechOutcome::Finished));
    assert_eq!(heard, "And this is what I think.");
    let asked = llm.requests().pop().unwrap();
    assert!(format!("{:?}", asked.items).contains("Say what you think."), "{:?}", asked.items);
    assert_eq!(rig.told_history(), ["Assistant: First this.", "Assistant: And this is what I think."]);
    rig.close();
}
