//! The case of one customer: who it is, and the steps that the frontend sees.

use duologue::agent::session::SessionEvent;
use duologue::agent::todo::{TodoList, TodoStatus};
use duologue::agent::{AgentSession, Error};

use super::desk::Desk;

/// The steps of a case: id, and words for the customer.
const STEPS: [(&str, &str); 3] = [
    ("understand", "Understand the problem"),
    ("search", "Look for a solution"),
    ("solve", "Solve it, or open a ticket"),
];

/// The session's userdata.
pub struct Case {
    pub customer: String,
    pub desk: Desk,
    pub steps: TodoList,
}

impl Case {
    pub fn new(customer: impl Into<String>, desk: Desk) -> Result<Self, Error> {
        let mut steps = TodoList::new().title("Your case");
        for (id, description) in STEPS {
            steps.add(id, description)?;
        }
        Ok(Self { customer: customer.into(), desk, steps })
    }

    /// Completes the step in progress.
    fn complete(&mut self) -> Result<(), Error> {
        match self.steps.current().map(|step| step.id.clone()) {
            Some(id) => self.steps.complete_task(&id),
            None => Ok(()),
        }
    }
}

/// Goes on to `step`, which may have been done before for another problem, and shows it.
pub fn begin(session: &AgentSession<Case>, step: &str) -> Result<(), Error> {
    let mut case = session.userdata();
    case.complete()?;
    case.steps.update_todo(step, TodoStatus::InProgress)?;
    show(session, &case.steps);
    Ok(())
}

/// All is done.
pub fn finish(session: &AgentSession<Case>) -> Result<(), Error> {
    let mut case = session.userdata();
    case.complete()?;
    for (id, _) in STEPS {
        case.steps.update_todo(id, TodoStatus::Completed)?;
    }
    show(session, &case.steps);
    Ok(())
}

/// Shows frontends the whole list, so that a lost message heals with the next.
pub fn show(session: &AgentSession<Case>, steps: &TodoList) {
    session.emit(SessionEvent::Todo(steps.clone()));
}
