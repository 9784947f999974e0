//! Commands a device by voice: a lamp that is switched by what a caller says, in simulated time.
//!
//!     cargo run --release --example voice_command

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use duologue::caller;
use duologue::config::Config;
use duologue::pipeline::conversation::Event;
use duologue::pipeline::endpoint::Rates;
use duologue::pipeline::endpoint::simulated::{Caller, EchoPath, SimulatedRoom, SimulatedRoomConfig, When};
use duologue::pipeline::{Reply, UserTurn};
use duologue::setup::Models;

fn main() -> Result<(), Box<dyn Error>> {
    let lamp = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&lamp);
    let device = move |turn: UserTurn, reply: Reply| {
        let words: Vec<&str> = turn.text.split_whitespace().collect();
        let answer = match (words.contains(&"lights") || words.contains(&"light"), words.contains(&"off")) {
            (false, _) => "I only know about the lights.",
            (true, off) => {
                switch.store(!off, Ordering::Relaxed);
                if off { "The lights are off." } else { "The lights are on." }
            }
        };
        let _ = reply.text(answer);
    };

    let mut room = SimulatedRoomConfig::new(Rates { capture: 48_000, playback: 48_000 });
    room.caller = Caller::new().says(caller::line("turn-on-the-kitchen-lights")?, When::At(500));
    room.echo = Some(EchoPath::new(40.0, -14.0));
    let (room, _log) = SimulatedRoom::new(room)?;

    let config = Config::load(None)?;
    let models = Models::load(&config, false)?;
    let mut simulation = models.builder(config.pipeline)?.responder(device).simulate(room)?;
    let events = simulation.events();
    simulation.run_for(Duration::from_secs(6))?;
    while let Some(stamped) = events.try_next() {
        match stamped.event {
            Event::UserTurn { text, .. } => println!("{:6.2} s  caller: {text}", stamped.at.as_secs_f64()),
            Event::AgentTurn(turn) => println!("{:6.2} s  device: {}", stamped.at.as_secs_f64(), turn.heard),
            _ => {}
        }
    }
    println!("the lamp is {}", if lamp.load(Ordering::Relaxed) { "on" } else { "off" });
    Ok(())
}
