//! How often the agent takes its own echo for somebody: whole calls in simulated rooms, in simulated time.
//!
//! Every voice of the model speaks, echo from −20 to −6 dB comes back after 5 to 180 ms in four rooms, with noise and
//! without, with questions, interruptions and assent in between. The loop is open; see
//! [`duologue::pipeline::echo::score`].

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use duologue::caller;
use duologue::models::{Cancel, SpeakOptions};
use duologue::pipeline::echo::score::{Call, Cast, Score};
use duologue::pipeline::endpoint::simulated::{Clip, Response};
use duologue::pipeline::offline;
use duologue::setup::Models;

use super::Results;

const ANSWERS: [&str; 12] = [
    "It is nine o'clock.",
    "The lights are on.",
    "Hello! What can I do for you?",
    "I have set a timer for ten minutes. Tell me if you want another.",
    "Once upon a time there was a fox who lived beside a slow river, and every evening it counted the boats.",
    "Today it will be sunny, with a little wind from the west, and rain tomorrow morning.",
    "Stop me if you have heard this one before.",
    "Please say that again.",
    "My name is Duologue, and I run on this machine, without any network at all.",
    "The kitchen is warm, the door is closed, and nobody has called.",
    "Two plus two is four, and four and four is eight.",
    "Goodbye, and thank you for calling.",
];
const QUESTIONS: [&str; 8] = [
    "cancel-the-timer",
    "set-a-timer",
    "stop-what-time-is-it",
    "stop",
    "tell-me-a-joke",
    "turn-on-the-kitchen-lights",
    "what-is-your-name",
    "what-time-is-it",
];
/// Agent turns of one call.
const TURNS: u32 = 10;
/// Voices that speak, at most.
const VOICES: usize = 4;
/// Of 1,000 turns so many may be ducked, and so many silenced, without anybody there.
const DUCKS: f64 = 2.0;
const YIELDS: f64 = 0.0;

/// Plays `turns` agent turns; `people`, if any, call beside the built-in caller.
pub fn run(models: &Models, turns: u32, people: Vec<Clip>, results: &mut Results) -> Result<()> {
    let cast = cast(models, people)?;
    let calls = turns.div_ceil(TURNS) as usize;
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Score::default());
    let work = || -> Result<()> {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= calls {
                return Ok(());
            }
            let score = Score::of(&Call::new(&cast, n, TURNS as usize)?, models.vad()?)?;
            total.lock().expect("invariant: nobody panics with it").add(&score);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    let total = total.into_inner().expect("invariant: nobody panics with it");
    report(&total, results);
    Ok(())
}

fn report(score: &Score, results: &mut Results) {
    let per_thousand = |count: usize| count as f64 * 1_000.0 / score.turns.max(1) as f64;
    results.figure("echo_agent_turns", "agent turns over echo", score.turns as f64, "");
    let (ducks, yields) = (per_thousand(score.ducks.len()), per_thousand(score.yields.len()));
    results.budget("echo_ducks_per_1000_turns", "ducked by nobody, of 1,000 turns", ducks, "", DUCKS);
    results.budget("echo_yields_per_1000_turns", "silenced by nobody, of 1,000 turns", yields, "", YIELDS);
    results.figure("echo_interruptions", "interruptions over echo", score.interruptions as f64, "");
    results.figure("echo_interruptions_missed", "interruptions missed", score.missed() as f64, "");
    let (ducked, silenced) =
        ("first user sample → ducked, over echo", "first user sample → silenced, over echo");
    results.quantiles("echo_first_user_sample_to_ducked", ducked, &score.ducked, [None, None]);
    results.quantiles("echo_first_user_sample_to_silenced", silenced, &score.silenced, [None, None]);
}

fn cast(models: &Models, people: Vec<Clip>) -> Result<Cast> {
    let speak = |voice: &String, text: &str| -> Result<Clip> {
        let options = SpeakOptions { voice: voice.clone(), ..SpeakOptions::default() };
        let speech = offline::speak(&*models.tts, text, &options, &Cancel::new())?;
        Ok(Clip::new(speech.samples, models.tts.sample_rate())?)
    };
    let voice = |voice: &String| ANSWERS.iter().map(|text| speak(voice, text)).collect::<Result<Vec<_>>>();
    let agents = models.tts.voices().iter().take(VOICES).map(voice).collect::<Result<Vec<_>>>()?;
    let line = |name: &str| -> Result<Clip> { Ok(caller::line(name)?.trimmed(2.0)) };
    let mut users = QUESTIONS.iter().map(|name| line(name)).collect::<Result<Vec<_>>>()?;
    users.extend(people);
    let decay = |rt60_ms, direct_db| Response::Decay { rt60_ms, direct_db };
    let rooms = vec![decay(180, 3.0), decay(450, 0.0), decay(300, -3.0), Response::Direct];
    Ok(Cast { agents, users, backchannel: line("uhhuh")?, rooms })
}
