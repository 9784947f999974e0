//! How often the ear takes the agent's own echo for somebody.
//!
//! `cargo run --release -p duologue-pipeline --example self_echo -- [CALLS] [FIRST]`: calls of ten agent turns
//! each by the built-in voices, as `duologue bench --echo` counts them, named one by one where something
//! went wrong. Needs `../shared/material`.

#[path = "../tests/it/echo_cast.rs"]
mod echo_cast;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use duologue_pipeline::echo::score::{Call, Score};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).filter_map(|arg| arg.parse::<usize>().ok());
    let (count, first) = (args.next().unwrap_or(24), args.next().unwrap_or(0));
    let Some((cast, model)) = echo_cast::load() else { return Ok(()) };
    let next = AtomicUsize::new(first);
    let scores = Mutex::new(Vec::new());
    let work = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= first + count {
                return;
            }
            let call = Call::new(&cast, n, 10).expect("the cast is whole");
            let score = Score::of(&call, echo_cast::vad(&model)).expect("calls can be played");
            scores.lock().expect("no thread panicked").push((n, call.name, score));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let mut scores = scores.into_inner()?;
    scores.sort_by_key(|(n, ..)| *n);
    let mut all = Score::default();
    for (_, name, score) in &scores {
        if !score.ducks.is_empty() {
            println!("{name}: ducks {:?}, yields {:?}", score.ducks, score.yields);
        }
        all.add(score);
    }
    let ms = |times: &mut Vec<std::time::Duration>, q: f64| {
        times.sort();
        times.get((times.len() as f64 * q) as usize).map_or(0, |time| time.as_millis())
    };
    println!(
        "{} turns: {} ducks, {} yields; {} interruptions: {} missed, ducked p50 {} p95 {} ms, silenced p50 {} p95 {} ms",
        all.turns,
        all.ducks.len(),
        all.yields.len(),
        all.interruptions,
        all.missed(),
        ms(&mut all.ducked.clone(), 0.5),
        ms(&mut all.ducked.clone(), 0.95),
        ms(&mut all.silenced.clone(), 0.5),
        ms(&mut all.silenced.clone(), 0.95),
    );
    Ok(())
}
