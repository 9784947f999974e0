//! A conversation that is typed: each line is a turn or a command.

use std::io::{BufRead, IsTerminal, stdin};

use duologue_agent::{Agent, AgentSession, Error, SessionEvents};
use tokio::signal::ctrl_c;
use tokio::sync::mpsc;

use super::Typed;
use super::narrator::Narrator;

pub(super) async fn run<U: Send + Sync + 'static>(
    session: &AgentSession<U>,
    agent: impl Agent<U>,
    mut narrator: Narrator,
    mut command: impl AsyncFnMut(&str) -> Result<Typed, Error>,
) -> Result<(), Error> {
    let mut events = session.events();
    session.start_text(agent).await?;
    let mut lines = lines();
    loop {
        tell_all(&mut events, &mut narrator)?;
        prompt();
        tokio::select! {
            biased;
            // An agent may speak of its own accord.
            Some(event) = events.next() => narrator.tell(&event)?,
            line = lines.recv() => {
                let Some(line) = line else { break };
                match command(line.trim()).await? {
                    Typed::Turn => turn(session, &mut events, line.trim(), &mut narrator).await?,
                    Typed::Done => {}
                    Typed::Quit => break,
                }
            }
            _ = ctrl_c() => break,
        }
    }
    session.close().await;
    tell_all(&mut events, &mut narrator)
}

/// One turn, told as it happens; Ctrl-C cuts it off.
async fn turn<U: Send + Sync + 'static>(
    session: &AgentSession<U>,
    events: &mut SessionEvents,
    line: &str,
    narrator: &mut Narrator,
) -> Result<(), Error> {
    let turn = session.run(line);
    tokio::pin!(turn);
    loop {
        tokio::select! {
            Some(event) = events.next() => narrator.tell(&event)?,
            outcome = &mut turn => return outcome.map(drop),
            _ = ctrl_c() => session.interrupt()?,
        }
    }
}

fn tell_all(events: &mut SessionEvents, narrator: &mut Narrator) -> Result<(), Error> {
    while let Some(event) = events.try_next() {
        narrator.tell(&event)?;
    }
    Ok(())
}

fn prompt() {
    if stdin().is_terminal() {
        // A terminal that is gone is noticed at the next line.
        let _ = crate::terminal::write(b"> ");
    }
}

/// What is typed; ends with the input. The thread stays in its last read, which nothing can end.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if !line.trim().is_empty() && sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
