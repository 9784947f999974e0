//! A to-do list that an agent works through and a frontend shows.
//!
//! Invariant: ids are unique, and at most one item is in progress unless the list is
//! [parallel](TodoList::parallel). A refused change changes nothing.
//!
//! Life cycle of an item: `pending` → `in_progress` → `completed`, or `skipped`;
//! [`TodoList::update_todo`] moves it anywhere, to reopen it for example. After each change the whole
//! list goes to the frontends, so that a lost message heals with the next:
//!
//! ```
//! use duologue_agent::todo::{TodoList, TodoStatus};
//!
//! let mut todo = TodoList::new().title("Intake");
//! todo.add("name", "Ask for the name")?;
//! todo.add("birth", "Ask for the date of birth")?;
//! todo.start_task("name")?;
//! assert!(todo.start_task("birth").is_err(), "one at a time");
//! todo.complete_task("name")?;
//! todo.start_task("birth")?;
//!
//! assert_eq!(todo.get("name").unwrap().status, TodoStatus::Completed);
//! assert_eq!(todo.envelope().to_value()["type"], "todo");
//! # Ok::<(), duologue_agent::Error>(())
//! ```

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::{Envelope, Message};
use crate::{Error, ErrorKind};

/// Most items in a list.
pub const MAX_ITEMS: usize = 256;
/// Most bytes of an id.
pub const MAX_ITEM_ID: usize = 128;
/// Most bytes of a description, and of a list's title.
pub const MAX_DESCRIPTION: usize = 512;

/// How far an item is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TodoStatus {
    /// Not begun.
    #[default]
    Pending,
    /// Being worked on.
    InProgress,
    /// Done.
    Completed,
    /// Left out, for example declined by the user.
    Skipped,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TodoItem {
    /// Unique in its list, 1 to 128 bytes.
    #[schemars(length(min = 1, max = 128))]
    pub id: String,
    /// What is to be done, in words for the user, at most 512 bytes.
    #[serde(alias = "label")]
    #[schemars(length(max = 512))]
    pub description: String,
    /// How far it is.
    #[serde(default)]
    pub status: TodoStatus,
}

/// Things to do, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Unchecked")]
pub struct TodoList {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    items: Vec<TodoItem>,
    parallel: bool,
}

/// A list as it is read, before it is known to keep the invariant; its schema is the list's.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TodoList")]
pub(crate) struct Unchecked {
    /// What the list is about, at most 512 bytes.
    #[serde(default)]
    #[schemars(length(max = 512))]
    title: Option<String>,
    /// The items, in order, at most 256.
    #[schemars(length(max = 256))]
    items: Vec<TodoItem>,
    /// Whether several items may be in progress at once.
    #[serde(default)]
    parallel: bool,
}

/// Which field of a list is wrong, and how.
pub(crate) struct Fault {
    pub(crate) field: String,
    pub(crate) problem: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

impl TryFrom<Unchecked> for TodoList {
    type Error = Fault;

    fn try_from(list: Unchecked) -> Result<Self, Fault> {
        let list = Self { title: list.title, items: list.items, parallel: list.parallel };
        list.check().map(|()| list)
    }
}

impl TodoList {
    /// An empty list, worked through one item at a time.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a title.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Whether several items may be in progress at once.
    #[must_use]
    pub fn parallel(mut self, parallel: bool) -> Self {
        self.parallel = parallel;
        self
    }

    /// What the list is about.
    pub fn title_text(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Whether several items may be in progress at once.
    pub fn is_parallel(&self) -> bool {
        self.parallel
    }

    /// The items, in order.
    pub fn items(&self) -> &[TodoItem] {
        &self.items
    }

    /// The item `id`.
    pub fn get(&self, id: &str) -> Option<&TodoItem> {
        self.items.iter().find(|item| item.id == id)
    }

    /// The first item in progress.
    pub fn current(&self) -> Option<&TodoItem> {
        self.items.iter().find(|item| item.status == TodoStatus::InProgress)
    }

    /// Whether every item is completed or skipped.
    pub fn is_done(&self) -> bool {
        self.items.iter().all(|item| matches!(item.status, TodoStatus::Completed | TodoStatus::Skipped))
    }

    /// Adds a pending item at the end.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for an id that is empty or taken, a text that is too long, or a list
    /// that is full.
    pub fn add(&mut self, id: impl Into<String>, description: impl Into<String>) -> Result<(), Error> {
        let item = TodoItem { id: id.into(), description: description.into(), status: TodoStatus::Pending };
        self.change(|list| list.items.push(item))
    }

    /// Moves the item `id` to `status`, whatever it was.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if there is no such item, or another one is in progress.
    pub fn update_todo(&mut self, id: &str, status: TodoStatus) -> Result<(), Error> {
        let at = self.position(id)?;
        if let Some(other) = self.current().filter(|_| status == TodoStatus::InProgress && !self.parallel)
            && other.id != id
        {
            let message = format!(
                "cannot start {id:?} while {:?} is in progress; complete or skip that first, or make the \
                 list parallel",
                other.id
            );
            return Err(invalid(message));
        }
        self.items[at].status = status;
        Ok(())
    }

    /// Begins a pending or skipped item.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if there is no such item, it is completed, or another one is in
    /// progress.
    pub fn start_task(&mut self, id: &str) -> Result<(), Error> {
        self.refuse_completed(id)?;
        self.update_todo(id, TodoStatus::InProgress)
    }

    /// Completes an item, begun or not.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if there is no such item, or it is completed already.
    pub fn complete_task(&mut self, id: &str) -> Result<(), Error> {
        self.refuse_completed(id)?;
        self.update_todo(id, TodoStatus::Completed)
    }

    /// Leaves an item out.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if there is no such item, or it is completed.
    pub fn skip_task(&mut self, id: &str) -> Result<(), Error> {
        self.refuse_completed(id)?;
        self.update_todo(id, TodoStatus::Skipped)
    }

    /// Says otherwise what is to be done.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if there is no such item, or the text is too long.
    pub fn describe(&mut self, id: &str, description: impl Into<String>) -> Result<(), Error> {
        let at = self.position(id)?;
        self.change(|list| list.items[at].description = description.into())
    }

    /// Takes an item off the list.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if there is no such item.
    pub fn remove(&mut self, id: &str) -> Result<TodoItem, Error> {
        let at = self.position(id)?;
        Ok(self.items.remove(at))
    }

    /// The whole list as a message for frontends.
    pub fn envelope(&self) -> Envelope {
        Envelope::new(Message::Todo(self.clone()))
    }

    fn change(&mut self, change: impl FnOnce(&mut Self)) -> Result<(), Error> {
        let mut changed = self.clone();
        change(&mut changed);
        changed.check().map_err(|fault| invalid(fault.to_string()))?;
        *self = changed;
        Ok(())
    }

    fn refuse_completed(&self, id: &str) -> Result<(), Error> {
        if self.get(id).is_some_and(|item| item.status == TodoStatus::Completed) {
            let message = format!("{id:?} is completed already; reopen it with update_todo first");
            return Err(invalid(message));
        }
        Ok(())
    }

    fn position(&self, id: &str) -> Result<usize, Error> {
        self.items.iter().position(|item| item.id == id).ok_or_else(|| {
            let known: Vec<_> = self.items.iter().map(|item| item.id.as_str()).collect();
            invalid(format!("there is no to-do {id:?}; there are: {}", known.join(", ")))
        })
    }

    pub(crate) fn check(&self) -> Result<(), Fault> {
        let fault = |field: &str, problem: String| Err(Fault { field: field.to_owned(), problem });
        if self.title.as_ref().is_some_and(|title| title.len() > MAX_DESCRIPTION) {
            return fault("title", format!("is over {MAX_DESCRIPTION} bytes; shorten it"));
        }
        if self.items.len() > MAX_ITEMS {
            return fault("items", format!("has over {MAX_ITEMS} items; split the list"));
        }
        let mut seen = BTreeSet::new();
        let mut in_progress = 0;
        for (at, item) in self.items.iter().enumerate() {
            let id = || format!("items[{at}].id");
            if item.id.is_empty() || item.id.len() > MAX_ITEM_ID {
                return fault(&id(), format!("must have 1 to {MAX_ITEM_ID} bytes"));
            }
            if !seen.insert(&item.id) {
                return fault(&id(), format!("{:?} is taken; choose another", item.id));
            }
            if item.description.len() > MAX_DESCRIPTION {
                let problem = format!("is over {MAX_DESCRIPTION} bytes; shorten it");
                return fault(&format!("items[{at}].description"), problem);
            }
            in_progress += usize::from(item.status == TodoStatus::InProgress);
            if in_progress > 1 && !self.parallel {
                let problem = "a second item is in progress; finish the first, or set `parallel`".to_owned();
                return fault(&format!("items[{at}].status"), problem);
            }
        }
        Ok(())
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}
