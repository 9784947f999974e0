//! `duologue demo`: a caller talks with a small agent, and everything is written down.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use duologue::appliance::Appliance;
use duologue::caller;
use duologue::config::Config;
use duologue::pipeline::conversation::{Policy, State};
use duologue::pipeline::endpoint::simulated::{
    Caller, Clip, EchoPath, Item, Noise, NoiseKind, NoiseLevel, Recording, Response, SimulatedRoom,
    SimulatedRoomConfig, SimulatedRoomLog, Stretch, When,
};
use duologue::pipeline::endpoint::{Paced, Rates};
use duologue::pipeline::wav::WavReader;
use duologue::pipeline::{Builder, Events, Handle};
use duologue::setup::Models;
use duologue::timeline::{Mark, Timeline};
use duologue::{note, outln};
use serde_json::json;

use super::args::{Common, DemoArgs};
use super::narrate::{Line, Story};
use super::output::{Table, ms, resident_bytes};
use super::talk;

/// Rates of the room: what sound cards do.
const RATES: Rates = Rates { capture: 48_000, playback: 48_000 };
/// Quiet after the script that ends the demonstration.
const QUIET: Duration = Duration::from_millis(1_500);
/// No demonstration of ours is longer.
const LIMIT: Duration = Duration::from_secs(240);
/// Most of a conversation that is drawn.
const DRAWN: Duration = Duration::from_secs(600);

pub fn run(common: &Common, args: &DemoArgs) -> Result<()> {
    let begin = Instant::now();
    let settings = common.settings()?;
    if args.agent && settings.has_agent() {
        return talk::rehearse(common, &settings);
    }
    if args.agent {
        note!("no [agent] or [llm] is set: the small offline agent answers");
    }
    let models = Models::load(&settings, common.offline)?;
    fs::create_dir_all(&args.out).with_context(|| format!("{}: cannot be created", args.out.display()))?;
    let conversation = args.out.join("conversation.wav");
    let (script, limit) = script_or(args.input.as_deref())?;
    let (room, log) = SimulatedRoom::new(room(script, &conversation))?;
    let builder = models.builder(settings.pipeline.clone())?.responder(Appliance::new());
    let quiet = common.json;
    if !quiet {
        introduce(&settings, args)?;
    }

    let mut stage = Stage { story: Story::default(), log, quiet, limit };
    let offset =
        if args.fast { stage.simulate(builder, room)? } else { stage.perform(builder, room, begin)? };
    let report = Report::new(&stage.log, &stage.resumed(offset));
    let timeline = args.out.join("timeline.svg");
    draw(&stage, &report, offset, &conversation, &timeline)?;
    if common.json {
        outln!("{}", report.json(&stage, &conversation, &timeline))?;
    } else {
        outln!("{}", report.tables(&stage).trim_end())?;
        outln!("  wrote {} (caller left, agent right) and {}", conversation.display(), timeline.display())?;
    }
    Ok(())
}

fn introduce(settings: &Config, args: &DemoArgs) -> std::io::Result<()> {
    let who = args.input.as_ref().map_or("a caller".to_owned(), |path| path.display().to_string());
    let policy = match settings.pipeline.conversation.policy {
        Policy::Off => "off",
        _ => "on",
    };
    outln!(
        "{who} and a small offline agent, in a simulated room: speakers 1 m from the microphone, barge-in {policy}\n\
         recogniser {} · voice {} · echo canceller AEC3 · {}\n",
        settings.stt,
        settings.tts,
        if args.fast { "simulated time" } else { "live" }
    )
}

/// Who calls, and how long the call may take.
fn script_or(input: Option<&Path>) -> Result<(Caller, Duration)> {
    let Some(path) = input else { return Ok((script()?, LIMIT)) };
    let clip = Clip::from_wav(path)?;
    let length = Duration::from_secs_f64(clip.samples().len() as f64 / f64::from(clip.rate()));
    Ok((Caller::new().says(clip, When::At(500)), length + LIMIT))
}

/// The caller's lines: each waits for the agent, but for a backchannel and an interruption.
fn script() -> Result<Caller> {
    let answer = When::AfterAgentSilence(700);
    let lines: [(&str, When); 9] = [
        ("hello", When::At(600)),
        ("what-time-is-it", answer),
        ("turn-on-the-kitchen-lights", answer),
        ("set-a-timer", answer),
        ("tell-me-a-story", answer),
        ("uhhuh", When::AfterAgentSpeech(2_500)),
        ("stop-what-time-is-it", When::Gap(4_000)),
        ("what-is-your-name", answer),
        ("thank-you-goodbye", answer),
    ];
    lines.into_iter().try_fold(Caller::new(), |script, (name, when)| {
        Ok(script.item(Item::new(caller::line(name)?.trimmed(20.0), when).patience_ms(5_000)))
    })
}

fn room(script: Caller, conversation: &Path) -> SimulatedRoomConfig {
    let mut config = SimulatedRoomConfig::new(RATES);
    config.caller = script;
    config.echo = Some(EchoPath::new(38.0, -14.0).response(Response::Decay { rt60_ms: 180, direct_db: 3.0 }));
    config.noise = Some(Noise { kind: NoiseKind::Pink, level: NoiseLevel::Dbfs(-62.0) });
    config.recording = Recording::Wav { conversation: conversation.to_owned(), mic: None };
    config
}

/// The performance: the room's truth and the story told of it.
struct Stage {
    story: Story,
    log: SimulatedRoomLog,
    quiet: bool,
    limit: Duration,
}

impl Stage {
    /// Live. Returns the pipeline's time at the room's first sample.
    fn perform(&mut self, builder: Builder, room: SimulatedRoom, begin: Instant) -> Result<Duration> {
        let pipeline = builder.start(Box::new(Paced::real_time(room)))?;
        let offset = offset(&pipeline.handle(), &self.log);
        if !self.quiet {
            let memory = resident_bytes().map_or(String::new(), |b| format!(" · {} MB", b / 1_000_000));
            outln!("    0.00  ready {:.2} s after the start{memory}", begin.elapsed().as_secs_f64())?;
        }
        let events = pipeline.events();
        let mut quiet_since = None;
        while pipeline.now() < self.limit && pipeline.ended().is_none_or(|end| end.is_ok()) {
            if let Some(event) = events.next_within(Duration::from_millis(50)) {
                self.story.tell(&event, self.quiet);
            }
            if self.is_over(&mut quiet_since, pipeline.now()) {
                break;
            }
        }
        if let Some(Err(error)) = pipeline.ended() {
            return Err(error.into());
        }
        drop(pipeline);
        self.tell_rest(&events);
        Ok(offset)
    }

    /// In simulated time.
    fn simulate(&mut self, builder: Builder, room: SimulatedRoom) -> Result<Duration> {
        let mut simulation = builder.simulate(room)?;
        let events = simulation.events();
        let mut quiet_since = None;
        while simulation.now() < self.limit {
            simulation.step()?;
            self.tell_rest(&events);
            if self.is_over(&mut quiet_since, simulation.now()) {
                break;
            }
        }
        simulation.finish()?;
        Ok(Duration::ZERO)
    }

    fn tell_rest(&mut self, events: &Events) {
        while let Some(event) = events.try_next() {
            self.story.tell(&event, self.quiet);
        }
    }

    /// When the agent went on after a false interruption, in seconds of the room.
    fn resumed(&self, offset: Duration) -> Vec<f64> {
        let resumes = self.story.marks.iter().filter(|(_, mark)| *mark == Mark::Resume);
        resumes.map(|(at, _)| at.saturating_sub(offset).as_secs_f64()).collect()
    }

    fn is_over(&self, quiet_since: &mut Option<Duration>, now: Duration) -> bool {
        let quiet = self.log.caller_done() && matches!(self.story.state, None | Some(State::Idle));
        if !quiet {
            *quiet_since = None;
            return false;
        }
        now - *quiet_since.get_or_insert(now) >= QUIET
    }
}

fn offset(handle: &Handle, log: &SimulatedRoomLog) -> Duration {
    handle.now().saturating_sub(Duration::from_secs_f64(log.now() as f64 / f64::from(log.rate())))
}

/// What the room says of the latencies: measured on the sound itself.
struct Report {
    rate: u32,
    answers: Vec<Answer>,
    interruptions: Vec<Interruption>,
}

/// From the caller's last sample to the agent's first.
struct Answer {
    item: usize,
    from: u64,
    to: u64,
}

/// From the caller's first sample while the agent spoke.
struct Interruption {
    item: usize,
    ducked: Option<Duration>,
    silent: Option<Duration>,
}

/// Whether what begins at sample `start` is what was held before: it sounds within 300 ms after the decision. The
/// decision's time is exact to 50 ms where the room's clock is not the pipeline's.
fn goes_on(rate: u32, start: u64, resumed: &[f64]) -> bool {
    let start = start as f64 / f64::from(rate);
    resumed.iter().any(|at| (-0.05..0.3).contains(&(start - at)))
}

impl Report {
    /// `resumed`: when the agent went on where it was held, in seconds.
    fn new(log: &SimulatedRoomLog, resumed: &[f64]) -> Self {
        let items = log.items();
        let stretches = log.agent();
        let mut answers = Vec::new();
        let mut interruptions = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let Some(end) = item.end else { continue };
            let next = items.get(i + 1).map_or(u64::MAX, |next| next.start);
            if stretches.iter().any(|s| s.start < item.start && s.end > item.start) {
                interruptions.push(Interruption {
                    item: item.item,
                    ducked: log.time_until_ducked(item.start, 9.0),
                    silent: log.time_until_silent(item.start).filter(|d| *d < Duration::from_secs(1)),
                });
            }
            let begins =
                |s: &&Stretch| s.start >= end && s.start < next && !goes_on(log.rate(), s.start, resumed);
            if let Some(stretch) = stretches.iter().find(begins) {
                answers.push(Answer { item: item.item, from: end, to: stretch.start });
            }
        }
        Self { rate: log.rate(), answers, interruptions }
    }

    fn seconds(&self, samples: u64) -> f64 {
        samples as f64 / f64::from(self.rate)
    }

    fn latency(&self, answer: &Answer) -> Duration {
        Duration::from_secs_f64(self.seconds(answer.to - answer.from))
    }

    fn tables(&self, stage: &Stage) -> String {
        let mut parts =
            Table::new(&["turn", "final", "turn over", "first text", "first audio", "end to end"]);
        for metrics in stage.story.metrics.iter().filter(|m| m.end_to_end.is_some()) {
            parts.row([
                format!("{}{}", metrics.turn.0, if metrics.speculative { " (begun early)" } else { "" }),
                ms(metrics.transcription_delay),
                ms(metrics.end_of_turn_delay),
                ms(metrics.first_text),
                ms(metrics.first_audio),
                ms(metrics.end_to_end),
            ]);
        }
        let mut out = String::from("\nlatency, after the end of the caller's speech as detected\n");
        out.push_str(&parts.render());
        let mut heard =
            Table::new(&["in the room's own samples", "answered after", "ducked after", "silent after"]);
        for answer in &self.answers {
            heard.row([
                format!("line {}", answer.item + 1),
                ms(Some(self.latency(answer))),
                String::new(),
                String::new(),
            ]);
        }
        for cut in &self.interruptions {
            heard.row([
                format!("line {} (agent speaking)", cut.item + 1),
                String::new(),
                ms(cut.ducked),
                ms(cut.silent),
            ]);
        }
        out.push('\n');
        out.push_str(&heard.render());
        out.push('\n');
        out
    }

    fn json(&self, stage: &Stage, conversation: &Path, timeline: &Path) -> serde_json::Value {
        let millis = |d: Option<Duration>| d.map(|d| d.as_secs_f64() * 1000.0);
        json!({
            "conversation": conversation,
            "timeline": timeline,
            "lines": stage.story.lines.iter().map(Line::json).collect::<Vec<_>>(),
            "ignored": stage.story.ignored.iter().map(|(_, text)| text).collect::<Vec<_>>(),
            "faults": stage.story.faults,
            "turns": stage.story.metrics.iter().map(|m| json!({
                "turn": m.turn.0,
                "final_ms": millis(m.transcription_delay),
                "turn_over_ms": millis(m.end_of_turn_delay),
                "first_text_ms": millis(m.first_text),
                "first_audio_ms": millis(m.first_audio),
                "end_to_end_ms": millis(m.end_to_end),
                "speculative": m.speculative,
            })).collect::<Vec<_>>(),
            "answers_ms": self.answers.iter().map(|a| json!({ "line": a.item + 1, "ms": millis(Some(self.latency(a))) })).collect::<Vec<_>>(),
            "interruptions": self.interruptions.iter().map(|c| json!({
                "line": c.item + 1, "ducked_ms": millis(c.ducked), "silent_ms": millis(c.silent),
            })).collect::<Vec<_>>(),
        })
    }
}

fn draw(stage: &Stage, report: &Report, offset: Duration, wav: &Path, svg: &PathBuf) -> Result<()> {
    let mut reader = WavReader::open(wav)?;
    let rate = reader.spec().rate;
    let mut timeline = Timeline::new(rate);
    let mut frames = [0.0; 9_600];
    while timeline.seconds() < DRAWN.as_secs_f64() {
        let n = reader.read_frames(&mut frames)?;
        if n == 0 {
            break;
        }
        let (caller, agent): (Vec<f32>, Vec<f32>) = frames[..n * 2].chunks(2).map(|f| (f[0], f[1])).unzip();
        timeline.push(&caller, &agent);
    }
    stage.story.draw(&mut timeline, offset);
    for answer in &report.answers {
        timeline.latency(report.seconds(answer.from), report.seconds(answer.to));
    }
    fs::write(svg, timeline.to_svg()).with_context(|| format!("{}: cannot be written", svg.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_goes_on_does_not_answer() {
        assert!(goes_on(16_000, 16_000 * 8 + 1_000, &[3.0, 8.0]));
        assert!(!goes_on(16_000, 16_000 * 9, &[3.0, 8.0]));
        assert!(!goes_on(16_000, 16_000 * 9, &[]));
    }
}
