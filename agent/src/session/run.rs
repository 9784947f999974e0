//! A turn in text, without audio, and everything that came of it.

use super::turn::Turn;
use super::{AgentSession, Output, SessionEvent};
use crate::chat::ChatItem;
use crate::{Error, ErrorKind};

/// Everything that happened in one [`AgentSession::run`], in order.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// What the session told.
    pub events: Vec<SessionEvent>,
}

impl RunResult {
    /// What became history: messages, calls, results, hand-offs.
    pub fn items(&self) -> impl Iterator<Item = &ChatItem> {
        self.events.iter().filter_map(|event| match event {
            SessionEvent::ItemAdded(item) => Some(item),
            _ => None,
        })
    }

    /// All that the agent said, in one line.
    pub fn text(&self) -> String {
        self.items().filter_map(ChatItem::spoken).collect::<Vec<_>>().join(" ")
    }
}

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// The user says `input`; returns when the session waits for the user again, with everything that
    /// happened. One at a time; for sessions started by [`AgentSession::start_text`].
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the session is not running; [`ErrorKind::Invalid`] if it has audio.
    pub async fn run(&self, input: &str) -> Result<RunResult, Error> {
        self.check_running()?;
        if !matches!(self.shared.core.output()?, Output::Text) {
            let message = "run() is for sessions without audio; use user_text(), or start_text()";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let _one = self.shared.running.lock().await;
        let mut stream = self.events();
        let turn = Turn::text(&self.shared.core, &self.agent_id(), input);
        self.without_turn().answer(turn, input.to_owned());
        let mut events = Vec::new();
        let idle = self.shared.core.idle();
        tokio::pin!(idle);
        loop {
            tokio::select! {
                biased;
                event = stream.next() => match event {
                    Some(event) => events.push(event),
                    None => break,
                },
                () = &mut idle => break,
            }
        }
        events.extend(std::iter::from_fn(|| stream.try_next()));
        Ok(RunResult { events })
    }
}
