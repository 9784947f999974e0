//! Playing a scenario in text.

use super::Scenario;
use super::cast::{Cast, ScenarioParts, judge};
use super::check::{Happened, check};
use super::report::{Mode, Progress, ScenarioReport};
use crate::run::{errors_of, events_of};
use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::session::{AgentSession, SessionEvent};
use duologue_agent::{Error, ErrorKind};

/// Plays `scenario` without audio; `progress` is told of each step. Under a paused clock (see
/// [`play`]) no wait takes time.
///
/// # Errors
/// [`ErrorKind::Config`] if a file that the scenario names cannot be used; otherwise as
/// [`AgentSession::run`]. What is otherwise than expected is in the report and no error.
pub async fn run_text(
    scenario: &Scenario,
    parts: &ScenarioParts,
    mut progress: impl FnMut(Progress),
) -> Result<ScenarioReport, Error> {
    let cast = Cast::new(scenario, parts).await?;
    let judge = judge(scenario, parts)?;
    let session =
        AgentSession::builder(()).shared_llm(cast.llm()).config(scenario.session.clone()).build()?;
    session.start_text(cast.first()).await?;
    let opening = events_of(session.history().items());
    let mut steps = Vec::new();
    for (index, step) in scenario.steps.iter().enumerate() {
        let (of, user) = (scenario.steps(), step.user.clone());
        progress(Progress { mode: Mode::Text, step: index, steps: of, user });
        let run = session.run(&step.user).await?;
        let happened = Happened {
            heard: words_of_user(run.items()),
            events: events_of(run.items()),
            errors: errors_of(&run.events),
            ..Happened::default()
        };
        steps.push(check(step, Mode::Text, happened, judge.as_ref()).await);
    }
    session.close().await;
    Ok(ScenarioReport::new(&scenario.name, scenario.file.clone(), Mode::Text, opening, steps))
}

/// What the user was understood to say.
pub(super) fn words_of_user<'a>(items: impl IntoIterator<Item = &'a ChatItem>) -> Option<String> {
    let said: Vec<&str> = items
        .into_iter()
        .filter_map(|item| match &item.content {
            ChatContent::Message { role: Role::User, text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    (!said.is_empty()).then(|| said.join(" / "))
}

/// The items that became history.
pub(super) fn items_of(events: &[SessionEvent]) -> Vec<&ChatItem> {
    let items = events.iter().filter_map(|event| match event {
        SessionEvent::ItemAdded(item) => Some(item),
        _ => None,
    });
    items.collect()
}

/// Runs `work` to its end: on a clock that jumps over every wait, or, if `real_time`, on the clock
/// that models outside of this process live by.
///
/// # Errors
/// [`ErrorKind::Config`] if the system gives no runtime.
pub fn play<T>(real_time: bool, work: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(!real_time)
        .build()
        .map_err(|error| Error::new(ErrorKind::Config, format!("no runtime could be had: {error}")))?;
    Ok(runtime.block_on(work))
}
