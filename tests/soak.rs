//! A thousand turns of one conversation, in simulated time, and a hundred short ones: the memory must not grow.

#[path = "it/common/mod.rs"]
mod common;

use std::time::Duration;

use common::{RATES, builder, line};
use duologue::appliance::Appliance;
use duologue::pipeline::endpoint::simulated::{Caller, SimulatedRoom, SimulatedRoomConfig, When};
use duologue::pipeline::endpoint::{Discard, Duplex, Paced, Silence};

const TURNS: usize = 1_000;
const WARM: usize = 50;

/// Of this process, in KiB.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find(|line| line.starts_with("VmRSS:"))?.split_whitespace().nth(1)?.parse().ok()
}

#[test]
#[ignore = "takes minutes; runs before a change lands"]
fn a_long_conversation_does_not_eat_memory() {
    if resident().is_none() {
        println!("SKIPPED: this system does not tell a process's memory");
        return;
    }
    let lines = ["what-time-is-it", "turn-on-the-kitchen-lights", "what-is-your-name"];
    let caller = (0..TURNS).fold(Caller::new(), |caller, turn| {
        caller.item(line(lines[turn % lines.len()], When::AfterAgentSilence(300)).patience_ms(3_000))
    });
    // A room that keeps no log of the sound: its millisecond peaks alone would be 13 MB.
    let mut config = SimulatedRoomConfig::new(RATES);
    config.caller = caller;
    config.log_s = 10;
    let (room, log) = SimulatedRoom::new(config).unwrap();
    let mut simulation = builder().responder(Appliance::new()).simulate(room).unwrap();
    let events = simulation.events();
    let (mut warm, mut answered) = (None, 0);
    while !log.caller_done() {
        simulation.run_for(Duration::from_secs(1)).unwrap();
        answered += std::iter::from_fn(|| events.try_next())
            .filter(|e| matches!(e.event, duologue::pipeline::conversation::Event::AgentTurn(_)))
            .count();
        if warm.is_none() && answered >= WARM {
            warm = resident();
        }
    }
    let (warm, end) = (warm.expect("fifty turns"), resident().expect("memory"));
    println!(
        "{answered} answers in {:.0} s of conversation: {warm} → {end} KiB",
        simulation.now().as_secs_f64()
    );
    assert!(answered > TURNS * 9 / 10, "only {answered} of {TURNS} were answered");
    assert!(end <= warm * 1.01, "memory grew from {warm} to {end} KiB");
    assert_eq!(simulation.losses(), Default::default());
}

/// What one conversation leaves behind is small, and a worker has many.
#[test]
fn conversations_that_are_over_leave_nothing_behind() {
    let Some(_) = resident() else {
        println!("SKIPPED: this system does not tell a process's memory");
        return;
    };
    let mut warm = 0.0;
    for conversation in 0..100 {
        let endpoint = Duplex::new(Silence::endless(48_000), Discard::new(48_000)).expect("one rate");
        let pipeline = builder()
            .responder(Appliance::new())
            .start(Box::new(Paced::real_time(endpoint)))
            .expect("the pipeline starts");
        drop(pipeline);
        if conversation == 20 {
            warm = resident().expect("memory");
        }
    }
    let grown = resident().expect("memory") - warm;
    println!("80 conversations: {grown} KiB");
    assert!(grown < 80.0 * 100.0, "{grown} KiB stayed behind of 80 conversations");
}
