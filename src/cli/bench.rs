//! `duologue bench`: the latency budgets, measured on this machine over the simulated room.
//!
//! Latencies of conversation are live, in real time; stop latencies are read off the sound that was
//! really played. Each figure stands beside its budget.

#[cfg(feature = "llm")]
mod answers;
mod echo;
mod endpointing;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use duologue::caller;
use duologue::models::{Cancel, SpeakOptions};
use duologue::pipeline::capture::capture_ring;
use duologue::pipeline::conversation::{Event, TurnMetrics};
use duologue::pipeline::ear::{Ear, EarConfig};
use duologue::pipeline::endpoint::simulated::{
    Caller, Clip, EchoPath, Item, Noise, NoiseKind, NoiseLevel, Response, SimulatedRoom, SimulatedRoomConfig,
    SimulatedRoomLog, When,
};
use duologue::pipeline::endpoint::{Paced, Rates};
use duologue::pipeline::playback::{Epoch, PlaybackConfig, playback_ring};
use duologue::pipeline::{Reply, UserTurn, offline};
use duologue::setup::Models;
use duologue::vad::Vad;
use duologue::vad::score::Labels;
use duologue::{note, outln};
use serde_json::{Value, json};

use super::args::{BenchArgs, Common};
use super::output::{Table, quantile, resident_bytes};

const RATES: Rates = Rates { capture: 48_000, playback: 48_000 };
/// Long enough to be interrupted anywhere in its first seconds.
const ANSWER: &str = "I will tell you everything I know about the weather, and there is a lot to tell. It rains on some days, \
    and on other days the sun comes out, and nobody knows quite why. People talk about it all the time.";
/// Longest interruption, in s, and the shortest taken from a labelled recording.
const CUT_S: f64 = 2.5;
const LEAST_CUT_S: f64 = 0.4;
/// Drop in level that counts as ducked, in dB; the duck itself is deeper.
const DUCKED_DB: f32 = 9.0;

pub fn run(common: &Common, args: &BenchArgs) -> Result<()> {
    let settings = common.settings()?;
    let mut results = Results::default();
    let begin = Instant::now();
    let models = Models::load(&settings, common.offline)?;
    if args.echo > 0 {
        let people = args.speech.as_deref().map_or(Ok(Vec::new()), recordings)?;
        echo::run(&models, args.echo, people, &mut results)?;
        results.print(common.json, &models)?;
        return results.verdict();
    }
    if let Some(dir) = &args.endpointing {
        endpointing::run(&models, &settings.pipeline.conversation, dir, &settings.turn, &mut results)?;
        return results.print(common.json, &models);
    }
    let idle = models.builder(settings.pipeline.clone())?.start(Box::new(Paced::real_time(quiet_room()?)))?;
    results.budget("start_to_ready", "start to ready", begin.elapsed().as_secs_f64() * 1e3, "ms", 500.0);
    let note = |text: &str| {
        if !common.json {
            note!("{text}");
        }
    };
    note("idle for 5 s …");
    results.budget(
        "idle_share_of_core",
        "idle listening, of one core",
        idle_share(Duration::from_secs(5))? * 100.0,
        "%",
        3.0,
    );
    drop(idle);
    note("stages …");
    stages(&models, &mut results)?;
    note(&format!("{} turns, live, about {} s …", args.turns, args.turns * 20));
    conversation(&models, &settings.pipeline, args, &mut results)?;
    if let Some(bytes) = resident_bytes() {
        results.budget("resident_memory", "resident memory", bytes as f64 / 1e6, "MB", 150.0);
    }
    #[cfg(not(feature = "llm"))]
    if args.llm > 0 {
        bail!("bench --llm needs a build with `--features llm`, which this one is not");
    }
    #[cfg(feature = "llm")]
    if args.llm > 0 {
        note(&format!("a model's first token, {} turns each, live, about {} s …", args.llm, args.llm * 36));
        answers::run(&models, &settings.pipeline, args.llm, &mut results)?;
    }
    if args.soak > 0 {
        note(&format!("{} turns in simulated time …", args.soak));
        soak(&models, &settings.pipeline, args.soak, &mut results)?;
    }
    results.print(common.json, &models)?;
    results.verdict()
}

/// One figure and what it may be.
struct Line {
    /// Stable, for programs.
    id: String,
    /// Of a distribution.
    percentile: Option<u32>,
    samples: Option<usize>,
    what: String,
    value: f64,
    unit: &'static str,
    budget: Option<f64>,
}

impl Line {
    fn is_over(&self) -> bool {
        self.budget.is_some_and(|budget| self.value > budget)
    }
}

#[derive(Default)]
struct Results {
    lines: Vec<Line>,
}

impl Results {
    fn budget(&mut self, id: &str, what: &str, value: f64, unit: &'static str, budget: f64) {
        self.line(id, what, value, unit, Some(budget));
    }

    fn figure(&mut self, id: &str, what: &str, value: f64, unit: &'static str) {
        self.line(id, what, value, unit, None);
    }

    fn line(&mut self, id: &str, what: &str, value: f64, unit: &'static str, budget: Option<f64>) {
        let (id, what) = (id.to_owned(), what.to_owned());
        self.lines.push(Line { id, percentile: None, samples: None, what, value, unit, budget });
    }

    fn quantiles(&mut self, id: &str, what: &str, values: &[Duration], budgets: [Option<f64>; 2]) {
        for (percentile, budget) in [50, 95].into_iter().zip(budgets) {
            let Some(value) = quantile(values, f64::from(percentile) / 100.0) else { continue };
            let (samples, value) = (values.len(), value.as_secs_f64() * 1e3);
            let what = format!("{what}, p{percentile} of {samples}");
            let (percentile, samples) = (Some(percentile), Some(samples));
            self.lines.push(Line { id: id.to_owned(), percentile, samples, what, value, unit: "ms", budget });
        }
    }

    /// An error if a budget was exceeded.
    fn verdict(&self) -> Result<()> {
        let over: Vec<&str> =
            self.lines.iter().filter(|line| line.is_over()).map(|line| line.what.as_str()).collect();
        if over.is_empty() {
            return Ok(());
        }
        bail!("over budget: {}", over.join("; "))
    }

    fn print(&self, json: bool, models: &Models) -> Result<()> {
        if json {
            let lines: Vec<Value> = self
                .lines
                .iter()
                .map(|line| {
                    json!({
                        "id": line.id, "percentile": line.percentile, "samples": line.samples, "value": line.value,
                        "unit": line.unit, "budget": line.budget, "within": line.budget.map(|_| !line.is_over()),
                    })
                })
                .collect();
            outln!("{}", json!({ "stt": models.stt.name(), "tts": models.tts.name(), "results": lines }))?;
            return Ok(());
        }
        outln!("recogniser {} · voice {}\n", models.stt.name(), models.tts.name())?;
        let mut table = Table::new(&["what", "measured", "budget", ""]);
        for line in &self.lines {
            let verdict = line.budget.map_or("", |budget| if line.value <= budget { "ok" } else { "OVER" });
            table.row([
                line.what.clone(),
                format!("{} {}", digits(line.value), line.unit),
                line.budget.map_or(String::new(), |budget| format!("{} {}", digits(budget), line.unit)),
                verdict.to_owned(),
            ]);
        }
        outln!("{}", table.render().trim_end())?;
        Ok(())
    }
}

fn digits(value: f64) -> String {
    if value < 10.0 { format!("{value:.3}") } else { format!("{value:.0}") }
}

/// Each stage alone, over the same speech.
fn stages(models: &Models, results: &mut Results) -> Result<()> {
    let begin = Instant::now();
    let speech = offline::speak(&*models.tts, ANSWER, &SpeakOptions::default(), &Cancel::new())?;
    let seconds = speech.samples.len() as f64 / f64::from(models.tts.sample_rate());
    results.figure("voice_rtf", "voice, RTF", begin.elapsed().as_secs_f64() / seconds, "");
    let begin = Instant::now();
    offline::transcribe(&*models.stt, &speech.samples, models.tts.sample_rate())?;
    results.figure("recogniser_rtf", "recogniser, RTF", begin.elapsed().as_secs_f64() / seconds, "");
    results.budget(
        "ear_mean_per_block",
        "ear, mean per 10 ms block",
        ear(models.vad()?, &speech.samples)?,
        "µs",
        150.0,
    );
    Ok(())
}

/// Time, in µs, that the ear takes over 10 ms while the agent speaks `speech` into its microphone.
fn ear(vad: Box<dyn Vad>, speech: &[f32]) -> Result<f64> {
    const BLOCKS: usize = 2_000;
    let (mut writer, mut capture) = capture_ring(RATES.capture, 1_000);
    let (mut mouth, control, mut renderer, mut reference) =
        playback_ring(&PlaybackConfig::new(RATES.playback))?;
    let mut ear = Ear::new(&EarConfig::default(), vad, RATES.capture, RATES.playback)?;
    let epoch = Epoch(1);
    control.begin(epoch);
    let mut played = [0.0; 480];
    let mut busy = Duration::ZERO;
    for block in speech.chunks_exact(480).cycle().take(BLOCKS) {
        mouth.push(epoch, block);
        renderer.render(&mut played);
        writer.push(&played.map(|x| x * 0.3));
        let begin = Instant::now();
        ear.process(&mut capture, &mut reference, &mut |_| {})?;
        busy += begin.elapsed();
    }
    Ok(busy.as_secs_f64() * 1e6 / BLOCKS as f64)
}

/// Nobody speaks, as quietly as a microphone hears it: digital silence would flatter whoever takes its absence for
/// a reason to work.
fn quiet_room() -> Result<SimulatedRoom> {
    let mut room = SimulatedRoomConfig::new(RATES);
    room.noise = Some(Noise { kind: NoiseKind::Pink, level: NoiseLevel::Dbfs(-60.0) });
    Ok(SimulatedRoom::new(room)?.0)
}

/// Share of one core that this process uses over `time`.
fn idle_share(time: Duration) -> Result<f64> {
    let before = cpu_seconds()?;
    std::thread::sleep(time);
    Ok((cpu_seconds()? - before) / time.as_secs_f64())
}

/// Processor time of this process's threads. The kernel's ticks would not do: threads that wake up with
/// the clock are charged too much or too little by them.
fn cpu_seconds() -> Result<f64> {
    const TASKS: &str = "/proc/self/task";
    let tasks = std::fs::read_dir(TASKS)
        .with_context(|| format!("processor time is read from {TASKS}, which is not here"))?;
    let nanoseconds = tasks.filter_map(|task| {
        let stat = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        stat.split_whitespace().next()?.parse::<u64>().ok()
    });
    Ok(nanoseconds.sum::<u64>() as f64 / 1e9)
}

/// Asks and interrupts, live.
fn conversation(
    models: &Models,
    config: &duologue::pipeline::PipelineConfig,
    args: &BenchArgs,
    results: &mut Results,
) -> Result<()> {
    let (caller, interruptions) = script(args.turns, args.speech.as_deref())?;
    let mut room = SimulatedRoomConfig::new(RATES);
    room.caller = caller;
    room.echo = Some(EchoPath::new(38.0, -14.0).response(Response::Decay { rt60_ms: 180, direct_db: 3.0 }));
    let (room, log) = SimulatedRoom::new(room)?;
    let pipeline = models
        .builder(config.clone())?
        .responder(|_: UserTurn, reply: Reply| {
            let _ = reply.text(ANSWER);
        })
        .start(Box::new(Paced::real_time(room)))?;
    let events = pipeline.events();
    let mut metrics: Vec<TurnMetrics> = Vec::new();
    let limit = Duration::from_secs(u64::from(args.turns) * 20 + 30);
    while !log.caller_done() && pipeline.now() < limit {
        if let Some(stamped) = events.next_within(Duration::from_millis(200))
            && let Event::Metrics(turn) = stamped.event
        {
            metrics.push(turn);
        }
    }
    let losses = pipeline.losses();
    drop(pipeline);

    let pick = |f: fn(&TurnMetrics) -> Option<Duration>| metrics.iter().filter_map(f).collect::<Vec<_>>();
    results.quantiles(
        "end_of_speech_to_first_sample",
        "end of speech → first sample of the answer",
        &pick(|m| m.end_to_end),
        [None, None],
    );
    results.quantiles(
        "end_of_speech_to_turn_over",
        "end of speech → turn over",
        &pick(|m| m.end_of_turn_delay),
        [None, None],
    );
    results.quantiles(
        "turn_over_to_final",
        "turn over → final transcript",
        &pick(final_after_decision),
        [Some(40.0), None],
    );
    results.quantiles(
        "first_text_to_first_sample",
        "first text → first sample",
        &pick(|m| m.first_audio),
        [Some(60.0), None],
    );
    stops(&log, &interruptions, results)?;
    results.figure(
        "lost",
        "blocks, signals, samples and underruns lost",
        (losses.blocks + losses.signals + losses.unheard + losses.underruns) as f64,
        "",
    );
    Ok(())
}

/// A final that is there before the turn is over costs nothing.
fn final_after_decision(metrics: &TurnMetrics) -> Option<Duration> {
    Some(metrics.transcription_delay?.saturating_sub(metrics.end_of_turn_delay?))
}

/// How fast the agent gave way, read off the sound it made.
fn stops(log: &SimulatedRoomLog, interruptions: &[usize], results: &mut Results) -> Result<()> {
    let stretches = log.agent();
    let spoken_over: Vec<u64> = log
        .items()
        .iter()
        .filter(|item| interruptions.contains(&item.item))
        .map(|item| item.start)
        .filter(|start| stretches.iter().any(|s| s.start < *start && s.end > *start))
        .collect();
    if spoken_over.is_empty() {
        bail!(
            "the agent was never interrupted: the recogniser understood none of the questions; try other models"
        );
    }
    let until =
        |f: &dyn Fn(u64) -> Option<Duration>| spoken_over.iter().filter_map(|at| f(*at)).collect::<Vec<_>>();
    let ducked = until(&|at| log.time_until_ducked(at, DUCKED_DB));
    let silent = until(&|at| log.time_until_silent(at));
    results.quantiles(
        "first_user_sample_to_ducked",
        "first user sample → agent ducked",
        &ducked,
        [Some(120.0), Some(220.0)],
    );
    results.quantiles(
        "first_user_sample_to_silent",
        "first user sample → agent silent",
        &silent,
        [Some(200.0), Some(350.0)],
    );
    results.figure("interruptions", "interruptions", spoken_over.len() as f64, "");
    Ok(())
}

/// Question, interruption, question, … and which items are interruptions.
fn script(turns: u32, speech: Option<&Path>) -> Result<(Caller, Vec<usize>)> {
    let question = clip("what-time-is-it")?;
    let cuts = match speech {
        Some(dir) => recordings(dir)?,
        None => vec![clip("stop-what-time-is-it")?, clip("turn-on-the-kitchen-lights")?],
    };
    let mut caller = Caller::new();
    let mut interruptions = Vec::new();
    for turn in 0..turns {
        let asked =
            Item::new(question.clone(), if turn == 0 { When::At(500) } else { When::AfterAgentSilence(900) });
        // Over one second of positions, so that onsets fall everywhere in words and frames.
        let position = 1_500 + u64::from(turn * 137 % 1_000);
        let cut = cuts[turn as usize % cuts.len()].clone();
        caller = caller
            .item(asked.patience_ms(15_000))
            .item(Item::new(cut, When::AfterAgentSpeech(position)).patience_ms(8_000));
        interruptions.push(turn as usize * 2 + 1);
    }
    Ok((caller, interruptions))
}

fn clip(name: &str) -> Result<Clip> {
    Ok(caller::line(name)?.trimmed(10.0))
}

/// The beginnings of speech in the recordings of `dir`: all that a person labelled in an `.scv` beside
/// them; without one, the first.
fn recordings(dir: &Path) -> Result<Vec<Clip>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("{}: cannot be read", dir.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "wav"));
    files.sort();
    let mut clips = Vec::new();
    for file in &files {
        let clip = Clip::from_wav(file)?;
        let labels = file.with_extension("scv");
        if labels.is_file() {
            clips.extend(Labels::read(&labels)?.speech().filter_map(|stretch| labelled_cut(&clip, stretch)));
        } else {
            clips.push(clip.trimmed(CUT_S as f32));
        }
    }
    if clips.is_empty() {
        bail!("{}: holds no .wav file with speech", dir.display());
    }
    Ok(clips)
}

/// What a person labelled as speech, up to [`CUT_S`]; `None` if it is too short to interrupt anybody.
fn labelled_cut(clip: &Clip, (start, end): (f64, f64)) -> Option<Clip> {
    let end = end.min(start + CUT_S);
    let sample = |time: f64| ((time * f64::from(clip.rate())) as usize).min(clip.samples().len());
    let long = end - start >= LEAST_CUT_S;
    long.then(|| Clip::new(&clip.samples()[sample(start)..sample(end)], clip.rate()).ok()).flatten()
}

/// Many turns in simulated time; the memory must not grow.
fn soak(
    models: &Models,
    config: &duologue::pipeline::PipelineConfig,
    turns: u32,
    results: &mut Results,
) -> Result<()> {
    let question = clip("what-time-is-it")?;
    let mut caller = Caller::new();
    for _ in 0..turns {
        caller = caller.item(Item::new(question.clone(), When::AfterAgentSilence(400)).patience_ms(3_000));
    }
    let mut room = SimulatedRoomConfig::new(RATES);
    room.caller = caller;
    let (room, log) = SimulatedRoom::new(room)?;
    let mut simulation = models
        .builder(config.clone())?
        .responder(|_: UserTurn, reply: Reply| {
            let _ = reply.text("It is nine o'clock.");
        })
        .simulate(room)?;
    let mut early = None;
    while !log.caller_done() {
        simulation.run_for(Duration::from_secs(1))?;
        if early.is_none() && log.items().len() >= turns.min(50) as usize {
            early = resident_bytes();
        }
    }
    let (Some(early), Some(late)) = (early, resident_bytes()) else { return Ok(()) };
    let growth = (late as f64 - early as f64) / early as f64 * 100.0;
    results.budget("memory_growth", &format!("memory growth, turns 50 to {turns}"), growth, "%", 1.0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_not_misread() {
        let before = cpu_seconds().unwrap();
        let mut x = 1u64;
        while cpu_seconds().unwrap() <= before {
            x = x.wrapping_mul(31).rotate_left(7);
        }
        assert_ne!(x, 0);
    }
}
