//! Playing a scenario aloud, in a simulated room.
//!
//! Time is stepped: 10 ms of sound, then whatever the session has to do, then the next 10 ms. With
//! models inside this process nothing depends on how fast the machine is; with a configured language
//! model the room keeps to real time.
//!
//! Life cycle: the agent greets → for each step the user speaks, the agent answers, and all is quiet
//! for a second, unless the user is to interrupt → everything is compared with the scenario.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_models::{Cancel, SpeakOptions, Tts};
use duologue_pipeline::endpoint::simulated::{Clip, SimulatedRoomLog};
use duologue_pipeline::{Builder as PipelineBuilder, STEP, Simulation, offline};
use tokio::task::yield_now;
use tokio::time::{Instant, advance, sleep_until};

use super::caller::{CallerRoom, Spoken};
use super::cast::{Cast, ScenarioParts, judge};
use super::check::{Cut, Happened, check};
use super::report::{Mode, Progress, ScenarioReport};
use super::text::{items_of, words_of_user};
use super::{Scenario, StepSpec};
use crate::run::{errors_of, events_of};
use duologue_agent::session::{AgentSession, AgentState, SessionEvent, SessionEvents};
use duologue_agent::{Error, ErrorKind};

/// Quiet that ends a step.
const QUIET: Duration = Duration::from_millis(1_000);
/// Longest step.
const STEP_LIMIT: Duration = Duration::from_secs(300);
/// How often the session's tasks may wake each other within 10 ms.
const ROUNDS: usize = 24;

/// The sound of a spoken run.
pub struct Stage<'a> {
    /// What hears and speaks for the agent.
    pub pipeline: PipelineBuilder,
    /// What speaks for the user.
    pub caller: &'a dyn Tts,
}

/// Plays `scenario` aloud; `progress` is told of each step. Within [`play`](super::play), in real
/// time if [`Scenario::needs_real_time`] says so, and else under its paused clock.
///
/// # Errors
/// [`ErrorKind::Config`] if a file or voice that the scenario names cannot be used;
/// [`ErrorKind::Pipeline`] if a model fails; [`ErrorKind::TimedOut`] if a step does not end within
/// 300 s. What is otherwise than expected is in the report and no error.
pub async fn run_spoken(
    scenario: &Scenario,
    parts: &ScenarioParts,
    mut stage: Stage<'_>,
    mut progress: impl FnMut(Progress),
) -> Result<ScenarioReport, Error> {
    let cast = Cast::new(scenario, parts).await?;
    let judge = judge(scenario, parts)?;
    let mut lines = lines(scenario, &mut stage)?;
    let session =
        AgentSession::builder(()).shared_llm(cast.llm()).config(scenario.session.clone()).build()?;
    let stream = session.events();
    let (room, log) = CallerRoom::new()?;
    let simulation = session.start_simulation(cast.first(), stage.pipeline, room)?;
    let real_time = scenario.needs_real_time().then(Instant::now);
    let mut play = Play { session, simulation, stream, events: Vec::new(), real_time };
    play.until_quiet().await?;
    let mut marks: Vec<Mark> = Vec::new();
    for (index, step) in scenario.steps.iter().enumerate() {
        let (steps, user) = (scenario.steps(), step.user.clone());
        progress(Progress { mode: Mode::Spoken, step: index, steps, user });
        let line = lines.pop_front().expect("invariant: each step has a line");
        marks.push(play.step(step, &line).await?);
    }
    let Play { session, events, simulation, .. } = play;
    session.close().await;
    simulation.finish()?;
    let (opening, happened) = apart(&events, &marks, &log);
    let mut reports = Vec::new();
    for (step, happened) in scenario.steps.iter().zip(happened) {
        reports.push(check(step, Mode::Spoken, happened, judge.as_ref()).await);
    }
    let opening = opening.events;
    Ok(ScenarioReport::new(&scenario.name, scenario.file.clone(), Mode::Spoken, opening, reports))
}

/// When a step began, what came of it at once.
struct Mark {
    /// Sorts before the ids of all that happened since.
    id: String,
    /// Events of the session before it.
    events: usize,
    spoken: Spoken,
    cut: Option<Cut>,
}

struct Play {
    session: AgentSession,
    simulation: Simulation<CallerRoom>,
    stream: SessionEvents,
    events: Vec<SessionEvent>,
    /// When the next 10 ms begin, if the room keeps to real time.
    real_time: Option<Instant>,
}

impl Play {
    /// 10 ms of sound, and what the session makes of it.
    async fn tick(&mut self) -> Result<(), Error> {
        self.simulation.step()?;
        for _ in 0..ROUNDS {
            yield_now().await;
        }
        self.events.extend(std::iter::from_fn(|| self.stream.try_next()));
        match &mut self.real_time {
            Some(next) => {
                *next += STEP;
                sleep_until(*next).await;
            }
            None => advance(STEP).await,
        }
        Ok(())
    }

    async fn step(&mut self, step: &StepSpec, line: &Clip) -> Result<Mark, Error> {
        let id = uuid::Uuid::now_v7().to_string();
        let events = self.events.len();
        let spoken = self.simulation.exchange().say(line)?;
        while !self.simulation.exchange().is_quiet() {
            self.tick().await?;
        }
        let cut = match &step.interrupted_at {
            Some(word) => self.until_word(word).await?,
            None => {
                self.until_quiet().await?;
                None
            }
        };
        Ok(Mark { id, events, spoken, cut })
    }

    /// Until nobody has anything to say.
    async fn until_quiet(&mut self) -> Result<(), Error> {
        self.until(|_| None::<()>).await.map(|_| ())
    }

    /// Until the agent comes to `word`, or there is nothing more that it might say.
    async fn until_word(&mut self, word: &str) -> Result<Option<Cut>, Error> {
        self.until(|play| {
            let (text, heard) = play.simulation.conversation().speaking()?;
            Cut::at(word, text, heard).filter(|_| play.session.state() == AgentState::Speaking)
        })
        .await
    }

    async fn until<T>(&mut self, mut done: impl FnMut(&Self) -> Option<T>) -> Result<Option<T>, Error> {
        let begin = self.simulation.now();
        let mut quiet = Duration::ZERO;
        while quiet < QUIET {
            self.tick().await?;
            if let Some(found) = done(self) {
                return Ok(Some(found));
            }
            let idle = matches!(self.session.state(), AgentState::Idle | AgentState::Closed);
            quiet = if idle { quiet + STEP } else { Duration::ZERO };
            if self.simulation.now() - begin > STEP_LIMIT {
                let message = format!("a step did not end within {STEP_LIMIT:?}; let the agent say less");
                return Err(Error::new(ErrorKind::TimedOut, message));
            }
        }
        Ok(None)
    }
}

/// What the user says, as sound.
fn lines(scenario: &Scenario, stage: &mut Stage<'_>) -> Result<VecDeque<Clip>, Error> {
    let fault = |key: &str, problem: String| {
        Error::new(ErrorKind::Config, format!("scenario {}: {key}: {problem}", scenario.file.display()))
    };
    let voices = stage.caller.voices();
    for (key, voice) in [("agent.voice", &scenario.agent.voice), ("caller.voice", &scenario.caller.voice)] {
        if let Some(voice) = voice.as_ref().filter(|voice| !voices.contains(voice)) {
            let known = voices.join(", ");
            return Err(fault(key, format!("there is no voice {voice:?}; choose one of {known}")));
        }
    }
    let of_pipeline = Some(&stage.pipeline.config_mut().voice.name).filter(|name| !name.is_empty()).cloned();
    let of_agent = scenario.agent.voice.clone().or(of_pipeline).or_else(|| voices.first().cloned());
    let other = || voices.iter().find(|voice| Some(*voice) != of_agent.as_ref()).cloned();
    let voice = scenario.caller.voice.clone().or_else(other).unwrap_or_default();
    let options = SpeakOptions { voice, speed: scenario.caller.speed.unwrap_or(1.0) };
    let mut lines = VecDeque::new();
    for (index, step) in scenario.steps.iter().enumerate() {
        let key = |name| format!("step {}: {name}", index + 1);
        lines.push_back(match &step.wav {
            Some(path) => Clip::from_wav(scenario.beside(path))
                .map_err(|error| fault(&key("wav"), error.to_string()))?,
            None => {
                let speech = offline::speak(stage.caller, &step.user, &options, &Cancel::new())
                    .map_err(|error| fault(&key("user"), error.to_string()))?;
                if speech.samples.is_empty() {
                    return Err(fault(&key("user"), "there is nothing to say; write words".to_owned()));
                }
                Clip::new(speech.samples, stage.caller.sample_rate())?
            }
        });
    }
    Ok(lines)
}

/// What happened before the first step, and in each.
fn apart(events: &[SessionEvent], marks: &[Mark], log: &SimulatedRoomLog) -> (Happened, Vec<Happened>) {
    let items = items_of(events);
    let first = marks.first();
    let between = |from: Option<&Mark>, to: Option<&Mark>| {
        let after = |id: &str| from.is_none_or(|mark| id >= mark.id.as_str());
        let before = |id: &str| to.is_none_or(|mark| id < mark.id.as_str());
        let mine: Vec<_> = items.iter().copied().filter(|item| after(&item.id) && before(&item.id)).collect();
        let told = from.map_or(0, |mark| mark.events)..to.map_or(events.len(), |mark| mark.events);
        Happened {
            heard: words_of_user(mine.iter().copied()),
            events: events_of(mine.iter().copied()),
            errors: errors_of(&events[told]),
            latency: from.and_then(|mark| latency(log, mark.spoken, to.map(|mark| mark.spoken))),
            cut: from.and_then(|mark| mark.cut.clone()),
        }
    };
    let steps = marks.iter().enumerate().map(|(index, mark)| between(Some(mark), marks.get(index + 1)));
    (between(None, first), steps.collect())
}

/// From the last sample of the user's speech to the first of the answer.
fn latency(log: &SimulatedRoomLog, spoken: Spoken, next: Option<Spoken>) -> Option<Duration> {
    let before_next = |start: u64| next.is_none_or(|next| start < next.start);
    let stretches = log.agent();
    let answer =
        stretches.iter().find(|stretch| stretch.start >= spoken.end && before_next(stretch.start))?;
    Some(Duration::from_secs_f64((answer.start - spoken.end) as f64 / f64::from(log.rate())))
}
