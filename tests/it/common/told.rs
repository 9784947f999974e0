//! What happened in a session, to look at.
#![allow(dead_code, reason = "each test uses its part")]

use duologue::agent::chat::{ChatContent, ChatItem, Role};
use duologue::agent::{AgentSession, SessionEvent, SessionEvents};

/// What `role` said so far.
pub fn said<U: Send + Sync + 'static>(session: &AgentSession<U>, role: Role) -> Vec<String> {
    session.history().items().iter().filter_map(|item| message(item, role)).collect()
}

fn message(item: &ChatItem, by: Role) -> Option<String> {
    match &item.content {
        ChatContent::Message { role, text, .. } if *role == by => Some(text.clone()),
        _ => None,
    }
}

/// To whom the conversation was handed over in `events`.
pub fn handoffs(events: &[SessionEvent]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| match event {
            SessionEvent::Handoff { from: Some(_), to } => Some(to.clone()),
            _ => None,
        })
        .collect()
}

/// How often the tool `wanted` began.
pub fn calls(events: &[SessionEvent], wanted: &str) -> usize {
    events
        .iter()
        .filter(|event| matches!(event, SessionEvent::ToolStarted { name, .. } if name == wanted))
        .count()
}

/// Everything that happened and was not looked at yet.
pub fn drain(events: &mut SessionEvents) -> Vec<SessionEvent> {
    std::iter::from_fn(|| events.try_next()).collect()
}
