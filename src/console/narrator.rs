//! Tells on the terminal what happens in a session.

use duologue_agent::SessionEvent;
use duologue_agent::chat::{ChatContent, ChatItem, Role};

/// Prints `event` if people want to know of it; what the user said, only if they did not type it.
pub(super) fn tell(event: &SessionEvent, typed: bool) {
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
        SessionEvent::Error { message, .. } => eprintln!("  ! {message}"),
        _ => {}
    }
}
