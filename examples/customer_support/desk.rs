//! The ticket desk: tickets as records in a store.

use std::sync::{Arc, Mutex, PoisonError};

use duologue::agent::store::{Expect, RecordStore};
use duologue::agent::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

const COLLECTION: &str = "tickets";
/// Number of the first ticket.
const FIRST: usize = 1_001;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    pub number: String,
    pub customer: String,
    pub subject: String,
    pub details: String,
}

/// Clones are the same desk. Calls block.
#[derive(Clone)]
pub struct Desk {
    store: Arc<dyn RecordStore>,
    /// One ticket is opened at a time, or two would not see each other.
    opening: Arc<Mutex<()>>,
}

impl Desk {
    pub fn new(store: Arc<dyn RecordStore>) -> Self {
        Self { store, opening: Arc::default() }
    }

    /// Opens a ticket. A customer who has one about the same subject gets that one: a model that
    /// asks twice must not make two.
    pub fn open(&self, customer: &str, subject: &str, details: &str) -> Result<Ticket, Error> {
        let _one = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.tickets()?;
        let is_same = |ticket: &&Ticket| {
            ticket.customer == customer && ticket.subject.eq_ignore_ascii_case(subject.trim())
        };
        if let Some(same) = known.iter().find(is_same) {
            return Ok(same.clone());
        }
        let ticket = Ticket {
            number: format!("T-{}", FIRST + known.len()),
            customer: customer.to_owned(),
            subject: subject.trim().to_owned(),
            details: details.to_owned(),
        };
        let value = serde_json::to_value(&ticket).map_err(unreadable)?;
        match self.store.put_record(COLLECTION, &ticket.number, &value, Expect::Absent)? {
            Some(_) => Ok(ticket),
            None => Err(Error::new(ErrorKind::Store, format!("{} was just taken; try again", ticket.number))),
        }
    }

    /// All tickets, by number.
    pub fn tickets(&self) -> Result<Vec<Ticket>, Error> {
        let records = self.store.records(COLLECTION)?;
        records.into_iter().map(|record| serde_json::from_value(record.value).map_err(unreadable)).collect()
    }
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Store, format!("a ticket cannot be read or written: {error}"))
}
