//! Small records by key, next to the conversations: what a triage remembers of its requests.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;

/// A value with its key and how often it was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Unique in its collection.
    pub key: String,
    /// The value.
    pub value: Value,
    /// 1 when it was made, one more with each change.
    pub revision: i64,
}

/// What a writer expects to find, so that two of them never undo each other's change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Whatever there is.
    Any,
    /// Nothing: the record is new.
    Absent,
    /// This revision.
    Revision(i64),
}

/// Keeps small records by collection and key. Calls block.
///
/// ```
/// use duologue_agent::store::{Expect, MemoryStore, RecordStore};
/// use serde_json::json;
///
/// let store = MemoryStore::new();
/// assert_eq!(store.put_record("users", "ada", &json!({"plan": "free"}), Expect::Absent)?, Some(1));
/// assert_eq!(store.put_record("users", "ada", &json!({}), Expect::Absent)?, None, "it is there");
/// assert_eq!(store.record("users", "ada")?.unwrap().value["plan"], "free");
/// # Ok::<(), duologue_agent::Error>(())
/// ```
pub trait RecordStore: Send + Sync + 'static {
    /// The record `key` of `collection`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] if it cannot be read.
    fn record(&self, collection: &str, key: &str) -> Result<Option<Record>, Error>;

    /// All records of `collection`, by key.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] if they cannot be read.
    fn records(&self, collection: &str) -> Result<Vec<Record>, Error>;

    /// Writes a record if what is there is as expected; gives its new revision, or `None` if
    /// something else is there and nothing was written.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] if it cannot be kept; [`crate::ErrorKind::Invalid`] for a key or a
    /// value over [`super::MAX_ID`] or [`super::MAX_VALUE`].
    fn put_record(
        &self,
        collection: &str,
        key: &str,
        value: &Value,
        expect: Expect,
    ) -> Result<Option<i64>, Error>;

    /// Forgets a record; whether there was one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] if it cannot be deleted.
    fn delete_record(&self, collection: &str, key: &str) -> Result<bool, Error>;
}
