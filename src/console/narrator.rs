//! Tells on the terminal what happens in a session: for people, or as the envelopes of a frontend.

use duologue_agent::SessionEvent;
use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::message::Message;
use duologue_agent::session::Envelopes;

/// How it is told.
pub(super) enum Narrator {
    /// For people; what the user said, only if they did not type it.
    People { typed: bool },
    /// One envelope a line.
    Json(Envelopes),
}

impl Narrator {
    pub fn new(json: bool, typed: bool) -> Self {
        if json { Self::Json(Envelopes::new()) } else { Self::People { typed } }
    }

    /// Prints `event` if whoever reads wants to know of it.
    pub fn tell(&mut self, event: &SessionEvent) {
        match self {
            Self::People { typed } => tell(event, *typed),
            Self::Json(envelopes) => {
                if let Some(envelope) = envelopes.next(event) {
                    println!("{}", envelope.to_json());
                }
            }
        }
    }
}

fn tell(event: &SessionEvent, typed: bool) {
    match event {
        SessionEvent::ItemAdded(ChatItem { agent, content, .. }) => match content {
            ChatContent::Message { role: Role::Assistant, text, interrupted } => {
                println!("{agent}: {text}{}", if *interrupted { " …" } else { "" });
            }
            ChatContent::Message { role: Role::User, text, .. } if !typed => println!("you: {text}"),
            _ => {}
        },
        SessionEvent::ToolFinished { name, output, is_error, .. } => {
            println!("  {} {name}: {output}", if *is_error { "✗" } else { "✓" });
        }
        SessionEvent::Handoff { from: Some(from), to } => println!("  {from} → {to}"),
        SessionEvent::Status(status) => println!("  {status}"),
        SessionEvent::Todo(list) => println!("  {}", Message::Todo(list.clone()).readable()),
        SessionEvent::Error { message, .. } => eprintln!("  ! {message}"),
        _ => {}
    }
}
