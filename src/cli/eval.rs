//! `duologue eval`: scenarios, played in text and spoken, compared with what must come of them.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use anyhow::{Result, bail};
use duologue::agent::llm::Llm;
#[cfg(feature = "llm")]
use duologue::agent::llm::openai::OpenAi;
use duologue::config::Config;
use duologue::eval::{
    Mode, Progress, RunEvent, Scenario, ScenarioParts, ScenarioReport, Stage, StepReport, play, run_spoken,
    run_text,
};
use duologue::outln;
use duologue::setup::Models;

use super::args::{Common, EvalArgs};
use super::output::{Table, ms};

/// Longest text in a cell of the table.
const CELL: usize = 44;

pub fn run(common: &Common, args: &EvalArgs) -> Result<()> {
    let settings = common.settings()?;
    // A bad file is told of before anything is played.
    let scenarios = args.files.iter().map(|file| Scenario::load(file)).collect::<Result<Vec<_>, _>>()?;
    let configured = scenarios.iter().any(Scenario::needs_configured_llm)
        || settings.llm.table().get("base_url").is_some_and(|url| url.as_str() != Some(""));
    let llm = if configured { Some(model(&settings)?) } else { None };
    let parts = ScenarioParts { llm };
    let models = if args.text { None } else { Some(Models::load(&settings, common.offline)?) };
    let (mut played, mut failed) = (0, 0);
    for scenario in &scenarios {
        let text = (!args.spoken).then_some(None);
        let spoken = models.as_ref().map(Some);
        for models in text.into_iter().chain(spoken) {
            let report = perform(scenario, &parts, models, &settings)?;
            played += 1;
            failed += usize::from(!report.passed);
            if common.json {
                outln!("{}", serde_json::to_string(&report)?)?;
            } else {
                outln!("{}", told(&report).trim_end())?;
            }
        }
    }
    if failed > 0 {
        bail!("{failed} of {played} runs came out otherwise than expected");
    }
    Ok(())
}

#[cfg(feature = "llm")]
fn model(settings: &Config) -> Result<Arc<dyn Llm>> {
    Ok(Arc::new(OpenAi::new(settings.llm()?)?))
}

#[cfg(not(feature = "llm"))]
fn model(_: &Config) -> Result<Arc<dyn Llm>> {
    bail!("a language model needs a build with `--features llm`, which this one is not")
}

/// Plays `scenario`: spoken if there are models, else in text.
fn perform(
    scenario: &Scenario,
    parts: &ScenarioParts,
    models: Option<&Models>,
    settings: &Config,
) -> Result<ScenarioReport> {
    let real_time = scenario.needs_real_time();
    let report = match models {
        None => play(real_time, run_text(scenario, parts, show))??,
        Some(models) => {
            let stage = Stage { pipeline: models.builder(settings.pipeline.clone())?, caller: &*models.tts };
            play(real_time, run_spoken(scenario, parts, stage, show))??
        }
    };
    clear();
    Ok(report)
}

/// One line that is overwritten, where somebody looks.
fn show(progress: Progress) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        let Progress { mode, step, steps, user } = progress;
        // Who looks away misses nothing.
        let _ =
            write!(err, "\r\x1b[K  {mode}: step {} of {steps}: {}", step + 1, short(&user)).and(err.flush());
    }
}

fn clear() {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        let _ = write!(err, "\r\x1b[K").and(err.flush());
    }
}

fn told(report: &ScenarioReport) -> String {
    let verdict = if report.passed { "passed" } else { "FAILED" };
    let mut out = format!("{} ({}): {verdict}\n", report.name, report.mode);
    let mut table = match report.mode {
        Mode::Text => Table::new(&["user", "agent", "result"]),
        Mode::Spoken => Table::new(&["user", "heard", "agent", "answered after", "result"]),
    };
    for step in &report.steps {
        let result = if step.passed() { "ok" } else { "failed" }.to_owned();
        let (user, agent) = (short(&step.user), short(&deeds(step)));
        match report.mode {
            Mode::Text => table.row([user, agent, result]),
            Mode::Spoken => {
                let heard = short(step.heard.as_deref().unwrap_or("–"));
                table.row([user, heard, agent, ms(step.latency), result]);
            }
        }
    }
    out.push_str(&table.render());
    for line in report.remarks().lines() {
        out.push_str(&format!("  {line}\n"));
    }
    out.push('\n');
    out
}

/// What the agent said and did, in one line.
fn deeds(step: &StepReport) -> String {
    let deed = |event: &RunEvent| match event {
        RunEvent::Message { text, interrupted, .. } => {
            Some(format!("{text}{}", if *interrupted { " …" } else { "" }))
        }
        RunEvent::FunctionCall { name, .. } => Some(format!("[{name}]")),
        RunEvent::AgentHandoff { to, .. } => Some(format!("[→ {to}]")),
        _ => None,
    };
    step.events.iter().filter_map(deed).collect::<Vec<_>>().join(" ")
}

/// The beginning, and the end of what was cut off: both matter.
fn short(text: &str) -> String {
    let count = text.chars().count();
    if count <= CELL {
        return text.to_owned();
    }
    let half = CELL / 2 - 1;
    let (begin, end): (String, String) =
        (text.chars().take(half).collect(), text.chars().skip(count - half).collect());
    format!("{begin} … {end}")
}
