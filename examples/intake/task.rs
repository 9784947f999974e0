//! The intake as a task: it ends with a typed result, and whoever asked for it goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use duologue::agent::task::{AgentTask, Completion};
use duologue::agent::tool::{FnTool, RunContext, ToolError, Toolset};
use duologue::agent::{Agent, AgentSession, Error, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::form::Form;

/// What the task finds out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    pub name: String,
    pub age: u8,
}

/// Books appointments, and needs to know for whom.
pub struct Appointments;

/// Books an appointment. It asks for whom itself.
// The time the user takes to answer does not count against the tool's limit.
#[tool(effect)]
async fn book_appointment(context: &RunContext<Form>) -> Result<String, ToolError> {
    let person = context.session().run_task(AgentTask::new(AskPerson::new)).await?;
    let mut form = context.userdata();
    (form.name, form.age) = (Some(person.name.clone()), Some(person.age));
    Ok(format!("Booked for {}, {} years old, at nine.", person.name, person.age))
}

#[async_trait]
impl Agent<Form> for Appointments {
    fn instructions(&self) -> String {
        "You book appointments at a clinic. One short sentence at a time.".into()
    }

    fn tools(&self) -> Toolset<Form> {
        Toolset::new().with(book_appointment)
    }

    async fn on_enter(&self, session: &AgentSession<Form>) -> Result<(), Error> {
        session.say("The clinic, hello. Do you want an appointment?").map(drop)
    }
}

/// Asks until name and age are known. What it knows is its own until then.
struct AskPerson {
    done: Completion<Person>,
    known: Arc<Mutex<Form>>,
}

#[derive(Deserialize, JsonSchema)]
struct Name {
    /// The name, as the user gave it.
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct Age {
    /// In years.
    #[schemars(range(min = 1, max = 130))]
    age: u8,
}

impl AskPerson {
    fn new(done: Completion<Person>) -> Self {
        Self { done, known: Arc::default() }
    }

    /// A tool that changes the form; once it is complete the task is.
    fn records<A>(&self, name: &str, about: &str, record: fn(&mut Form, A)) -> FnTool<Form>
    where
        A: for<'de> Deserialize<'de> + JsonSchema + Send + 'static,
    {
        let (done, known) = (self.done.clone(), Arc::clone(&self.known));
        FnTool::new(name, about, move |_: RunContext<Form>, entry: A| {
            let mut form = lock(&known);
            record(&mut form, entry);
            let reply = match (&form.name, form.age) {
                (Some(name), Some(age)) => {
                    done.complete(Person { name: name.clone(), age });
                    "Complete.".to_owned()
                }
                _ => format!("Recorded. Still missing: {}.", form.missing().unwrap_or("nothing")),
            };
            async move { reply }
        })
        .effect()
    }
}

#[async_trait]
impl Agent<Form> for AskPerson {
    fn instructions(&self) -> String {
        "Find out the name and age of the patient, and record each as soon as you know it. One short question at a \
         time. It is for the intake of a clinic."
            .into()
    }

    async fn on_enter(&self, session: &AgentSession<Form>) -> Result<(), Error> {
        session.say("For whom is it? Your name, please.").map(drop)
    }

    fn tools(&self) -> Toolset<Form> {
        let name =
            self.records("record_name", "Records the name.", |form, Name { name }| form.name = Some(name));
        let age = self.records("record_age", "Records the age.", |form, Age { age }| form.age = Some(age));
        Toolset::new().with(name).with(age)
    }
}

fn lock(form: &Mutex<Form>) -> MutexGuard<'_, Form> {
    form.lock().unwrap_or_else(PoisonError::into_inner)
}
