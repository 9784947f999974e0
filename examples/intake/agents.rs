//! The intake, its tools, and who takes over once the form is complete.

use async_trait::async_trait;
use duologue::agent::tool::{RunContext, ToolError, ToolOutput, Toolset};
use duologue::agent::{Agent, AgentSession, Error, Handoff, tool};

use super::form::Form;

/// Asks until the form is complete.
pub struct Intake;

/// Takes over then.
pub struct Reception;

/// Records the user's name.
// An effect: it waits until the user has certainly finished, and runs once, however often the model is
// asked meanwhile.
#[tool(effect)]
async fn record_name(
    context: &RunContext<Form>,
    /// The name, as the user gave it.
    name: String,
) -> Result<ToolOutput<Form>, ToolError> {
    record(context, "name", |form| form.name.replace(name.clone()) == Some(name))
}

/// Records the user's age.
#[tool(effect)]
async fn record_age(
    context: &RunContext<Form>,
    /// In years.
    #[schemars(range(min = 1, max = 130))]
    age: u8,
) -> Result<ToolOutput<Form>, ToolError> {
    if !(1..=130).contains(&age) {
        return Err(ToolError::new(format!("nobody is {age} years old; ask again")));
    }
    record(context, "age", |form| form.age.replace(age) == Some(age))
}

/// Changes the form; `change` tells whether nothing changed. The last entry hands over, and no other:
/// the form is looked at and changed under one lock.
fn record(
    context: &RunContext<Form>,
    entry: &str,
    change: impl FnOnce(&mut Form) -> bool,
) -> Result<ToolOutput<Form>, ToolError> {
    let mut form = context.userdata();
    let before = form.missing();
    if change(&mut form) {
        return Err(ToolError::new(format!("the {entry} is recorded already; go on")));
    }
    Ok(match (before, form.missing()) {
        (_, Some(missing)) => ToolOutput::Text(format!("Recorded. Still missing: {missing}.")),
        (Some(_), None) => ToolOutput::Handoff(Handoff::to(Reception).message("The form is complete.")),
        (None, None) => ToolOutput::Text("Corrected.".into()),
    })
}

#[async_trait]
impl Agent<Form> for Intake {
    fn instructions(&self) -> String {
        "You are the intake of a clinic. Find out the user's name and age, and record each as soon as you know it. \
         Talk of nothing else. One short question at a time."
            .into()
    }

    fn tools(&self) -> Toolset<Form> {
        Toolset::new().with(record_name).with(record_age)
    }

    async fn on_enter(&self, session: &AgentSession<Form>) -> Result<(), Error> {
        session.say("Welcome! What is your name?")?;
        Ok(())
    }
}

#[async_trait]
impl Agent<Form> for Reception {
    fn instructions(&self) -> String {
        "You are the reception of a clinic. Help the user find their way. One short sentence at a time."
            .into()
    }

    // A correction may come late.
    fn tools(&self) -> Toolset<Form> {
        Toolset::new().with(record_name).with(record_age)
    }

    async fn on_enter(&self, session: &AgentSession<Form>) -> Result<(), Error> {
        let name = session.userdata().name.clone().unwrap_or_default();
        session.say(&format!("Thank you, {name}. What can I do for you?"))?;
        Ok(())
    }
}
