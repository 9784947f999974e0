//! Echoes a caller: whatever is said in a recording is said back.
//!
//!     cargo run --release --example echo_caller [caller.wav]
//!
//! Without a file the built-in caller asks for the time. Writes `echo.wav`, what the agent said.

use std::error::Error;
use std::time::Duration;

use duologue::caller;
use duologue::config::Config;
use duologue::pipeline::conversation::{Event, State};
use duologue::pipeline::endpoint::{Duplex, Paced, WavSink, WavSource};
use duologue::pipeline::wav::WavWriter;
use duologue::pipeline::{Reply, UserTurn};
use duologue::setup::Models;

fn main() -> Result<(), Box<dyn Error>> {
    let recording = match std::env::args().nth(1) {
        Some(file) => file.into(),
        None => built_in_caller()?,
    };
    let config = Config::load(None)?;
    let models = Models::load(&config, false)?;
    let file = Duplex::new(WavSource::open(recording)?, WavSink::create("echo.wav", 24_000)?)?;
    let pipeline = models
        .builder(config.pipeline)?
        .responder(|turn: UserTurn, reply: Reply| {
            let _ = reply.text(&format!("You said: {}.", turn.text));
        })
        .start(Box::new(Paced::real_time(file)))?;

    let events = pipeline.events();
    let mut idle = false;
    while !(idle && pipeline.ended().is_some()) {
        let Some(stamped) = events.next_within(Duration::from_secs(5)) else {
            idle |= pipeline.ended().is_some();
            continue;
        };
        idle = false;
        match stamped.event {
            Event::PartialTranscript { text, .. } => println!("… {text}"),
            Event::UserTurn { text, .. } => println!("user:  {text}"),
            Event::AgentTurn(turn) => println!("agent: {}", turn.heard),
            Event::StateChanged(State::Closed) => break,
            _ => {}
        }
    }
    println!("wrote echo.wav");
    Ok(())
}

/// The built-in caller's question, as a file.
fn built_in_caller() -> Result<std::path::PathBuf, Box<dyn Error>> {
    let path = std::env::temp_dir().join("duologue-caller.wav");
    let speech = caller::line("what-time-is-it")?;
    let mut writer = WavWriter::create(&path, speech.rate(), 1)?;
    writer.write(speech.samples())?;
    writer.write(&vec![0.0; speech.rate() as usize])?;
    writer.finish()?;
    Ok(path)
}
