//! A conversation that is typed: each line is a turn.

use std::io::{BufRead, IsTerminal, Write, stdin, stdout};

use duologue_agent::{Agent, AgentSession, Error, SessionEvents};
use tokio::sync::mpsc;

use super::narrator::tell;

pub(super) async fn run<U: Send + Sync + 'static>(
    session: &AgentSession<U>,
    agent: impl Agent<U>,
) -> Result<(), Error> {
    let mut events = session.events();
    session.start_text(agent).await?;
    let mut lines = lines();
    loop {
        tell_all(&mut events);
        prompt();
        tokio::select! {
            biased;
            // An agent may speak of its own accord.
            Some(event) = events.next() => tell(&event, true),
            line = lines.recv() => match line {
                Some(line) => turn(session, &mut events, &line).await?,
                None => break,
            },
        }
    }
    session.close().await;
    tell_all(&mut events);
    Ok(())
}

/// One turn, told as it happens.
async fn turn<U: Send + Sync + 'static>(
    session: &AgentSession<U>,
    events: &mut SessionEvents,
    line: &str,
) -> Result<(), Error> {
    let turn = session.run(line);
    tokio::pin!(turn);
    loop {
        tokio::select! {
            Some(event) = events.next() => tell(&event, true),
            outcome = &mut turn => return outcome.map(drop),
        }
    }
}

fn tell_all(events: &mut SessionEvents) {
    while let Some(event) = events.try_next() {
        tell(&event, true);
    }
}

fn prompt() {
    if stdin().is_terminal() {
        print!("> ");
        // A terminal that is gone is noticed at the next line.
        let _ = stdout().flush();
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
