//! Requests in a store.

use std::sync::Arc;

use crate::{Analytics, RequestState};
use duologue_agent::store::{Expect, Record, RecordStore};
use duologue_agent::{Error, ErrorKind};

/// The collection in the store.
const COLLECTION: &str = "requests";
/// How often a change is tried while others change the same request. Each failed try means that
/// somebody else's change was kept, so this many in a row is a loop somewhere.
const MAX_TRIES: usize = 64;

/// Requests in a store, which other processes may use as well. Calls block.
#[derive(Clone)]
pub struct Requests {
    store: Arc<dyn RecordStore>,
}

impl Requests {
    /// Those in `store`.
    pub fn new(store: Arc<dyn RecordStore>) -> Self {
        Self { store }
    }

    /// Makes and keeps a new request of `user`.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if it cannot be kept.
    pub fn create(&self, user: impl Into<String>) -> Result<RequestState, Error> {
        let request = RequestState::new(user);
        self.insert(&request)?;
        Ok(request)
    }

    /// Keeps a request made elsewhere.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if its id is taken; [`ErrorKind::Store`] if it cannot be kept.
    pub fn insert(&self, request: &RequestState) -> Result<(), Error> {
        let value = to_value(request)?;
        match self.store.put_record(COLLECTION, &request.id, &value, Expect::Absent)? {
            Some(_) => Ok(()),
            None => {
                let message = format!("request {:?} is kept already; change it with update()", request.id);
                Err(Error::new(ErrorKind::Invalid, message))
            }
        }
    }

    /// The request `id`.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if it cannot be read.
    pub fn get(&self, id: &str) -> Result<Option<RequestState>, Error> {
        self.store.record(COLLECTION, id)?.map(of_record).transpose()
    }

    /// Changes the request `id` and keeps it. `change` runs again if somebody else has changed the
    /// request in the meantime; if it fails, nothing is kept.
    ///
    /// # Errors
    /// What `change` returns; [`ErrorKind::Invalid`] if there is no such request, or `change` changes
    /// its id; [`ErrorKind::Store`] if it cannot be kept.
    pub fn update(
        &self,
        id: &str,
        mut change: impl FnMut(&mut RequestState) -> Result<(), Error>,
    ) -> Result<RequestState, Error> {
        for _ in 0..MAX_TRIES {
            let Some(record) = self.store.record(COLLECTION, id)? else {
                let message = format!("there is no request {id:?}; make it with create()");
                return Err(Error::new(ErrorKind::Invalid, message));
            };
            let expect = Expect::Revision(record.revision);
            let mut request = of_record(record)?;
            change(&mut request)?;
            if request.id != id {
                let message = format!("a change must keep the id of request {id:?}; make another instead");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            request.touch();
            if self.store.put_record(COLLECTION, id, &to_value(&request)?, expect)?.is_some() {
                return Ok(request);
            }
        }
        let message = format!("request {id:?} was changed by others {MAX_TRIES} times in a row; try again");
        Err(Error::new(ErrorKind::Store, message))
    }

    /// All of them, by id: oldest first.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if they cannot be read.
    pub fn list(&self) -> Result<Vec<RequestState>, Error> {
        self.store.records(COLLECTION)?.into_iter().map(of_record).collect()
    }

    /// Forgets a request; whether there was one.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if it cannot be deleted.
    pub fn delete(&self, id: &str) -> Result<bool, Error> {
        self.store.delete_record(COLLECTION, id)
    }

    /// The figures of all of them.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if they cannot be read.
    pub fn analytics(&self) -> Result<Analytics, Error> {
        Ok(Analytics::of(&self.list()?))
    }
}

fn to_value(request: &RequestState) -> Result<serde_json::Value, Error> {
    serde_json::to_value(request).map_err(|error| Error::new(ErrorKind::Store, error.to_string()))
}

fn of_record(record: Record) -> Result<RequestState, Error> {
    let Record { key, value, .. } = record;
    serde_json::from_value(value).map_err(|error| {
        let message =
            format!("the kept request {key:?} cannot be read ({error}); update the program, or delete it");
        Error::new(ErrorKind::Store, message)
    })
}
