//! An endpoint of your own: anything that can swap 10 ms of sound both ways.
//!
//!     cargo run --release --example own_endpoint
//!
//! This one is a telephone line that carries 8 kHz and 8 bits, like the old ones did.

use std::error::Error;
use std::time::Duration;

use duologue::appliance::Appliance;
use duologue::caller;
use duologue::config::Config;
use duologue::pipeline::conversation::Event;
use duologue::pipeline::endpoint::{Exchange, Flow, Rates};
use duologue::pipeline::resample::Resampler;
use duologue::setup::Models;

/// A caller at the other end of the line.
struct Telephone {
    speech: Vec<f32>,
    at: usize,
    heard: usize,
}

impl Telephone {
    const RATE: u32 = 8_000;

    fn new(speech: &[f32], rate: u32) -> Result<Self, Box<dyn Error>> {
        let mut line = vec![0.0; Self::RATE as usize];
        let mut resampler = Resampler::new(rate, Self::RATE)?;
        resampler.whole(speech, &mut line);
        Ok(Self { speech: line, at: 0, heard: 0 })
    }
}

impl Exchange for Telephone {
    fn rates(&self) -> Rates {
        Rates { capture: Self::RATE, playback: Self::RATE }
    }

    fn exchange(&mut self, played: &[f32], captured: &mut [f32]) -> Result<Flow, duologue::pipeline::Error> {
        self.heard += played.iter().filter(|sample| sample.abs() > 0.01).count();
        for sample in captured.iter_mut() {
            let said = self.speech.get(self.at).copied().unwrap_or(0.0);
            *sample = (said * 127.0).round() / 127.0;
            self.at += 1;
        }
        Ok(if self.at < self.speech.len() { Flow::Continue } else { Flow::Ended })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let question = caller::line("what-is-your-name")?;
    let telephone = Telephone::new(question.samples(), question.rate())?;
    let config = Config::load(None)?;
    let models = Models::load(&config, false)?;
    let mut simulation = models.builder(config.pipeline)?.responder(Appliance::new()).simulate(telephone)?;
    let events = simulation.events();
    simulation.run_for(Duration::from_secs(8))?;
    while let Some(stamped) = events.try_next() {
        match stamped.event {
            Event::UserTurn { text, .. } => println!("caller: {text}"),
            Event::AgentTurn(turn) => println!("agent:  {}", turn.heard),
            _ => {}
        }
    }
    println!("{} samples of the agent went down the line", simulation.exchange().heard);
    Ok(())
}
