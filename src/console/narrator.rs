//! Tells on the terminal what happens in a session: for people, or as the envelopes of a frontend.

use std::io;

use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::message::Message;
use duologue_agent::session::Envelopes;
use duologue_agent::{Error, ErrorKind, SessionEvent};

use crate::{note, outln};

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
    pub fn tell(&mut self, event: &SessionEvent) -> Result<(), Error> {
        let told = match self {
            Self::People { typed } => tell(event, *typed),
            Self::Json(envelopes) => match envelopes.next(event) {
                Some(envelope) => outln!("{}", envelope.to_json()),
                None => Ok(()),
            },
        };
        match told {
            // Whoever read has left, and with them the conversation.
            Err(error) => Err(Error::new(ErrorKind::Closed, error.to_string())),
            Ok(()) => Ok(()),
        }
    }
}

fn tell(event: &SessionEvent, typed: bool) -> io::Result<()> {
    match event {
        SessionEvent::ItemAdded(ChatItem { agent, content, .. }) => match content {
            ChatContent::Message { role: Role::Assistant, text, interrupted } => {
                outln!("{agent}: {text}{}", if *interrupted { " …" } else { "" })
            }
            ChatContent::Message { role: Role::User, text, .. } if !typed => outln!("you: {text}"),
            _ => Ok(()),
        },
        SessionEvent::ToolFinished { name, output, is_error, .. } => {
            outln!("  {} {name}: {output}", if *is_error { "✗" } else { "✓" })
        }
        SessionEvent::Handoff { from: Some(from), to } => outln!("  {from} → {to}"),
        SessionEvent::Status(status) => outln!("  {status}"),
        SessionEvent::Todo(list) => outln!("  {}", Message::Todo(list.clone()).readable()),
        SessionEvent::Error { message, .. } => {
            note!("  ! {message}");
            Ok(())
        }
        _ => Ok(()),
    }
}
