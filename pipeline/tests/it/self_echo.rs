//! The agent does not interrupt itself: whole calls in simulated rooms, with questions, interruptions and assent,
//! echo from −20 to −6 dB, in simulated time. `duologue bench --echo` plays more of them.

use super::echo_cast;

use duologue_pipeline::echo::score::{Call, Score};

/// Calls by number: all levels, rooms, delays and voices, with noise and without. Each took the agent's echo for
/// somebody once.
const CALLS: [usize; 8] = [0, 2, 7, 9, 11, 13, 14, 21];
const TURNS: usize = 6;

#[test]
fn the_agent_does_not_interrupt_itself_after_an_interruption() {
    let Some((cast, model)) = echo_cast::load() else { return };
    let mut score = Score::default();
    for n in CALLS {
        let call = Call::new(&cast, n, TURNS).unwrap();
        let one = Score::of(&call, echo_cast::vad(&model)).unwrap();
        println!("{}: {one:?}", call.name);
        score.add(&one);
    }
    assert_eq!(score.turns, CALLS.len() * TURNS);
    assert!(score.yields.is_empty(), "silenced itself at {:?}", score.yields);
    assert!(score.ducks.len() <= 1, "ducked under its own echo at {:?}", score.ducks);
    let missed = score.missed() as f64 / score.interruptions as f64;
    assert!(score.interruptions > 10 && missed < 0.05, "{} of {}", score.missed(), score.interruptions);
}
