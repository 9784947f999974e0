//! Sessions of the examples, spoken in simulated time with the built-in models.
#![allow(dead_code, reason = "each test uses its part")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use duologue::agent::chat::Role;
use duologue::agent::{Agent, AgentSession, SessionEvents};
use duologue::config::Config;
use duologue::eval::SimulatedSession;
use duologue::models::{Cancel, Error, LastWords, SpeakOptions, Speech, Tts};
use duologue::pipeline::Builder;
use duologue::pipeline::endpoint::simulated::{SimulatedRoom, SimulatedRoomLog, When};

use super::told::said;
use super::{line, models, room, says};

/// Texts that were spoken, with the voice that spoke them.
pub type Spoken = Arc<Mutex<Vec<(String, String)>>>;

/// The built-in voices, and who spoke what.
struct Witness {
    tts: Arc<dyn Tts>,
    spoken: Spoken,
}

impl Tts for Witness {
    fn sample_rate(&self) -> u32 {
        self.tts.sample_rate()
    }
    fn voices(&self) -> &[String] {
        self.tts.voices()
    }
    fn name(&self) -> &str {
        self.tts.name()
    }
    fn speak(&self, text: &str, options: &SpeakOptions, cancel: &Cancel) -> Result<Speech, Error> {
        self.spoken.lock().unwrap().push((options.voice.clone(), text.to_owned()));
        self.tts.speak(text, options, cancel)
    }
}

/// A spoken conversation.
pub struct Talk<U: Send + Sync + 'static> {
    pub stage: SimulatedSession<SimulatedRoom, U>,
    pub log: SimulatedRoomLog,
    pub spoken: Spoken,
    pub events: SessionEvents,
}

impl<U: Send + Sync + 'static> Talk<U> {
    /// With the built-in caller, who waits for the agent before each of `lines`.
    pub fn start(session: AgentSession<U>, agent: impl Agent<U>, lines: &[&str]) -> Self {
        let caller =
            lines.iter().fold(says([]), |caller, name| caller.item(line(name, When::AfterAgentSilence(700))));
        let (room, log) = room(caller);
        Self::in_room(session, agent, room, log)
    }

    /// In a room of one's own.
    pub fn in_room(
        session: AgentSession<U>,
        agent: impl Agent<U>,
        room: SimulatedRoom,
        log: SimulatedRoomLog,
    ) -> Self {
        let (models, spoken) = (models(), Spoken::default());
        let tts = Witness { tts: Arc::clone(&models.tts), spoken: Arc::clone(&spoken) };
        let pipeline =
            Builder::new(Arc::clone(&models.stt), Arc::new(tts), models.vad().expect("a detector"))
                .turn_detector(Arc::new(LastWords))
                .config(Config::default().pipeline);
        let events = session.events();
        let stage = SimulatedSession::start(session, agent, pipeline, room).expect("the session starts");
        Self { stage, log, spoken, events }
    }

    /// Runs until the caller is done, and then for `after`.
    pub fn run(&mut self, after: Duration) {
        let log = self.log.clone();
        let done =
            self.stage.run_until(Duration::from_secs(180), |_| log.caller_done()).expect("the room runs");
        assert!(done, "the caller never came to the end: {:?}", self.log.items());
        self.stage.run_for(after).expect("the room runs");
    }

    /// Which voice spoke the text that contains `part`.
    pub fn voice_of(&self, part: &str) -> Option<String> {
        let spoken = self.spoken.lock().unwrap();
        spoken.iter().find(|(_, text)| text.contains(part)).map(|(voice, _)| voice.clone())
    }

    pub fn heard(&self) -> Vec<String> {
        said(self.stage.session(), Role::Assistant)
    }
}
