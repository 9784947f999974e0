//! A console that is a frontend: it shows the envelopes that a session sends, and sends its own.

use std::io::BufRead;

use duologue::agent::message::{Control, ControlAction, Message};
use duologue::agent::session::Envelopes;
use duologue::agent::{AgentSession, Error, SessionEvents};
use tokio::signal::ctrl_c;
use tokio::sync::mpsc;

/// Lines that wait to be read.
const LINES: usize = 16;

/// Shows what happens until the session is over: for people, or as JSON, one envelope a line.
pub async fn show(mut events: SessionEvents, json: bool) {
    let mut envelopes = Envelopes::new();
    while let Some(event) = events.next().await {
        let Some(envelope) = envelopes.next(&event) else { continue };
        match &envelope.message {
            _ if json => println!("{}", envelope.to_json()),
            Message::AgentText(text) if text.is_final => println!("agent   {}", text.text),
            Message::Transcript(heard) if heard.is_final => println!("user    {}", heard.text),
            Message::Todo(_) | Message::Handoff(_) | Message::Error(_) | Message::ToolCall(_) => {
                println!("{:<7} {}", envelope.message.type_name(), envelope.message.readable());
            }
            Message::Status(status) => {
                if let Some(text) = &status.text {
                    println!("status  {text}");
                }
            }
            _ => {}
        }
    }
}

/// Takes typed lines as the user's turns, one after the other, until the input ends or `command`
/// says so. Ctrl-C cuts an answer off, or ends the conversation between two.
pub async fn converse<U: Send + Sync + 'static>(
    session: &AgentSession<U>,
    mut command: impl AsyncFnMut(&str) -> Result<Typed, Error>,
) -> Result<(), Error> {
    let mut lines = lines();
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            _ = ctrl_c() => None,
        };
        let Some(line) = line else { return Ok(()) };
        match command(line.trim()).await? {
            Typed::Turn => answer(session, line.trim()).await?,
            Typed::Done => {}
            Typed::Quit => return Ok(()),
        }
    }
}

/// What a typed line is.
pub enum Typed {
    /// The user's turn.
    Turn,
    /// A command, which has been carried out.
    Done,
    /// The end.
    Quit,
}

async fn answer<U: Send + Sync + 'static>(session: &AgentSession<U>, line: &str) -> Result<(), Error> {
    let mut answer = std::pin::pin!(session.run(line));
    loop {
        tokio::select! {
            result = &mut answer => return result.map(drop),
            _ = ctrl_c() => session.receive(Message::Control(Control::new(ControlAction::Interrupt)))?,
        }
    }
}

/// What is typed, by lines. Reading blocks, so it has a thread of its own.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(LINES);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if !line.trim().is_empty() && sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
