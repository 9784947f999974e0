//! Whether a step came out as its scenario says.

use std::time::Duration;

use super::StepSpec;
use super::report::{Mode, StepReport};
use crate::check::{Check, Mismatch};
use crate::expected::{plain_words, says};
use crate::judge::Judge;
use crate::run::RunEvent;

/// What happened in a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Happened {
    pub heard: Option<String>,
    pub events: Vec<RunEvent>,
    pub errors: Vec<String>,
    pub latency: Option<Duration>,
    /// The moment at which the user interrupted.
    pub cut: Option<Cut>,
}

/// Where the user began to interrupt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// What the agent had to say, as far as it was written.
    pub words: Vec<String>,
    /// Which of them it was about to say.
    pub index: usize,
}

impl Cut {
    /// The moment at which an agent that says `text`, of which `heard` was heard, comes to `word`.
    pub fn at(word: &str, text: &str, heard: &str) -> Option<Self> {
        let words = plain_words(text);
        let wanted = plain_words(word);
        let index = words.iter().position(|word| wanted.first() == Some(word))?;
        (plain_words(heard).len() >= index.max(1)).then_some(Self { words, index })
    }
}

/// Compares `happened` with `step`.
pub(super) async fn check(
    step: &StepSpec,
    mode: Mode,
    happened: Happened,
    judge: Option<&Judge>,
) -> StepReport {
    let mut failures = Vec::new();
    let mut unchecked = Vec::new();
    let cursor = Check::new(happened.events.clone(), happened.errors.clone());
    if !happened.errors.is_empty() && !step.allow_errors {
        let message = "the session reported errors; mend them, or set allow_errors = true";
        failures.push(cursor.mismatch(message).to_string());
    }
    failures.extend(expectations(step, cursor.clone(), judge).await);
    for words in step.absent.list() {
        if let Some(said) =
            happened.events.iter().filter_map(RunEvent::spoken).find(|said| says(said, &words))
        {
            failures.push(format!("absent: the agent said {words:?}: {said:?}"));
        }
    }
    match mode {
        Mode::Text => {
            let timed =
                [("within_ms", step.within_ms.is_some()), ("interrupted_at", step.interrupted_at.is_some())];
            let told = |(key, _): &(&str, bool)| format!("{key}: text takes no time; play it with --spoken");
            unchecked.extend(timed.iter().filter(|(_, given)| *given).map(told));
        }
        Mode::Spoken => failures.extend(timing(step, &happened)),
    }
    StepReport {
        user: step.user.clone(),
        heard: happened.heard,
        events: happened.events,
        latency: happened.latency,
        failures,
        unchecked,
        errors: happened.errors,
    }
}

async fn expectations(step: &StepSpec, mut check: Check, judge: Option<&Judge>) -> Vec<String> {
    let mut failures = Vec::new();
    let mut unmentioned = Vec::new();
    for spec in &step.expect {
        let before = check.position();
        let found = match check.find(&spec.expected()) {
            Ok(found) => found.clone(),
            Err(mismatch) => {
                failures.push(mismatch.to_string());
                continue;
            }
        };
        unmentioned.extend(before..check.position() - 1);
        if let Some(intent) = spec.intent()
            && let Err(problem) = judged(judge, found.spoken().unwrap_or_default(), intent).await
        {
            failures.push(problem);
        }
    }
    unmentioned.extend(check.position()..check.events().len());
    if step.no_more && failures.is_empty() {
        let extra = |at: &&usize| !matches!(check.events()[**at], RunEvent::FunctionCallOutput { .. });
        if let Some(at) = unmentioned.iter().find(extra) {
            failures.push(surplus(&check, *at).to_string());
        }
    }
    failures
}

/// The event `at` was not expected.
fn surplus(check: &Check, at: usize) -> Mismatch {
    let mut at_it = Check::new(check.events().to_vec(), Vec::new());
    // It is one of the events.
    let _ = at_it.skip(at);
    at_it.mismatch("no_more: this was not expected")
}

async fn judged(judge: Option<&Judge>, message: &str, intent: &str) -> Result<(), String> {
    let Some(judge) = judge else {
        return Err(format!(
            "judge {intent:?}: there is no judge; set judge = {{ script = FILE }}, or [llm] in duologue.toml"
        ));
    };
    match judge.judge(message, intent).await {
        Ok(verdict) if verdict.pass => Ok(()),
        Ok(verdict) => Err(format!("judge: {message:?} does not meet {intent:?}: {}", verdict.reason)),
        Err(error) => Err(format!("judge: {error}")),
    }
}

fn timing(step: &StepSpec, happened: &Happened) -> Vec<String> {
    let mut failures = Vec::new();
    if let Some(limit) = step.within() {
        match happened.latency {
            None => failures.push(format!("within_ms: no answer sounded within {} ms", limit.as_millis())),
            Some(latency) if latency > limit => failures.push(format!(
                "within_ms: the answer began after {:.0} ms, later than {} ms",
                latency.as_secs_f64() * 1_000.0,
                limit.as_millis()
            )),
            Some(_) => {}
        }
    }
    if let Some(word) = &step.interrupted_at
        && let Err(problem) = interrupted(word, happened)
    {
        let check = Check::new(happened.events.clone(), happened.errors.clone());
        failures.push(check.mismatch(&format!("interrupted_at: {problem}")).to_string());
    }
    failures
}

/// History must end at the word, one more or less.
fn interrupted(word: &str, happened: &Happened) -> Result<(), String> {
    let cut = happened.cut.as_ref().ok_or_else(|| format!("the agent never came to {word:?}"))?;
    let interrupted = |event: &RunEvent| matches!(event, RunEvent::Message { interrupted: true, .. });
    let message = happened.events.iter().rfind(|event| interrupted(event)).and_then(RunEvent::spoken);
    let message = message.ok_or_else(|| "the agent was not cut off".to_owned())?;
    let heard = plain_words(message);
    let from = cut.words.windows(heard.len().max(1)).position(|window| window == heard).unwrap_or(0);
    let last = (from + heard.len()).saturating_sub(1);
    if last.abs_diff(cut.index) <= 1 {
        return Ok(());
    }
    Err(format!("history ends with {:?}, {} words from {word:?}", heard.last(), last.abs_diff(cut.index)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::Scenario;
    use duologue_agent::chat::Role;

    fn step(toml: &str) -> StepSpec {
        let head = "[agent]\ninstructions = \"\"\nllm = { script = \"a\" }\n[[step]]\nuser = \"a\"\n";
        let rest = "\n[[step]]\nuser = \"b\"\n";
        Scenario::parse(&format!("{head}{toml}{rest}"), Path::new("a.toml")).unwrap().steps.remove(0)
    }

    fn message(text: &str, interrupted: bool) -> RunEvent {
        RunEvent::Message { role: Role::Assistant, text: text.into(), interrupted }
    }

    fn happened() -> Happened {
        let call = RunEvent::FunctionCall { name: "set_timer".into(), arguments: json!({ "minutes": 10 }) };
        let output =
            RunEvent::FunctionCallOutput { name: "set_timer".into(), output: "done".into(), is_error: false };
        Happened {
            events: vec![call, output, message("Ten minutes, then.", false)],
            latency: Some(Duration::from_millis(900)),
            ..Happened::default()
        }
    }

    async fn failures(toml: &str, happened: Happened) -> Vec<String> {
        check(&step(toml), Mode::Spoken, happened, None).await.failures
    }

    #[tokio::test]
    async fn what_came_as_expected_does_not_fail() {
        let toml = "no_more = true\nwithin_ms = 1000\nabsent = \"sorry\"\nexpect = [\n\
                    { tool = \"set_timer\", arguments = { minutes = 10 } }, { message = \"ten minutes\" }]";
        assert_eq!(failures(toml, happened()).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn what_came_otherwise_does_not_pass() {
        for (toml, part) in [
            ("expect = [{ tool = \"cancel_timer\" }]", "expected a call of cancel_timer"),
            ("expect = [{ tool = \"set_timer\", arguments = { minutes = 5 } }]", "{\"minutes\":5}"),
            ("expect = [{ message = \"ten\" }, { tool = \"set_timer\" }]", "among the coming events"),
            ("expect = [{ message = [\"ten\", \"twenty\"] }]", "\"twenty\""),
            ("expect = [{ message = \"ten\" }]\nno_more = true", "> 1  call"),
            ("expect = [{ tool = \"set_timer\" }]\nno_more = true", "> 3  message"),
            ("expect = [{ message = { judge = \"greets\" } }]", "there is no judge"),
            ("absent = [\"then\"]", "absent: the agent said \"then\""),
            ("within_ms = 899", "after 900 ms, later than 899 ms"),
            ("interrupted_at = \"minutes\"", "never came to \"minutes\""),
        ] {
            let failures = failures(toml, happened()).await;
            assert!(failures.len() == 1 && failures[0].contains(part), "{toml}: {failures:?}");
        }
        let silent = Happened { latency: None, ..happened() };
        assert!(failures("within_ms = 5", silent).await[0].contains("no answer sounded"));
        let broken = Happened { errors: vec!["Llm: down".into()], ..happened() };
        assert!(failures("", broken.clone()).await[0].contains("Llm: down"));
        assert!(failures("allow_errors = true", broken).await.is_empty());
    }

    #[tokio::test]
    async fn an_interruption_two_words_off_does_not_pass() {
        let text = "Once upon a time there was a house.";
        assert_eq!(Cut::at("time", text, "Once upon"), None);
        let cut = Cut::at("Time", text, "Once upon a").unwrap();
        assert_eq!(cut.index, 3);
        for (heard, interrupted, passes) in [
            ("Once upon a", true, true),
            ("Once upon a time there", true, true),
            ("Once upon", true, false),
            ("Once upon a time there was", true, false),
            ("Once upon a time", false, false),
        ] {
            let events = vec![message(heard, interrupted)];
            let happened = Happened { events, cut: Some(cut.clone()), ..Happened::default() };
            let failures = failures("interrupted_at = \"time\"", happened).await;
            assert_eq!(failures.is_empty(), passes, "{heard}: {failures:?}");
        }
    }

    #[tokio::test]
    async fn what_text_cannot_show_is_not_passed_over_in_silence() {
        let step = step("within_ms = 5\ninterrupted_at = \"time\"");
        let report = check(&step, Mode::Text, Happened::default(), None).await;
        assert!(report.passed());
        assert_eq!(report.unchecked.len(), 2, "{:?}", report.unchecked);
    }
}
