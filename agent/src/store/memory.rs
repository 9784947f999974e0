//! Conversations and records that last as long as the process.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::{
    Expect, HistoryQuery, HistoryStore, Record, RecordStore, SessionSummary, StoredMessage, check_id,
    check_message, check_size, unknown_before,
};
use crate::Error;

/// How many messages a [`MemoryStore`] keeps of each session unless told otherwise.
pub const DEFAULT_MEMORY_LIMIT: usize = 10_000;

/// Keeps everything in memory; nothing survives the process.
///
/// Of each session the latest [`DEFAULT_MEMORY_LIMIT`] messages are kept, so that a session that
/// never ends does not fill the memory.
#[derive(Debug)]
pub struct MemoryStore {
    limit: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    appended: u64,
    sessions: BTreeMap<String, Session>,
    records: BTreeMap<(String, String), Record>,
}

#[derive(Debug, Default)]
struct Session {
    latest: u64,
    messages: VecDeque<StoredMessage>,
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_MEMORY_LIMIT)
    }

    /// One that keeps the latest `limit` messages of each session, at least one.
    pub fn with_limit(limit: usize) -> Self {
        Self { limit: limit.max(1), kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl HistoryStore for MemoryStore {
    fn append(&self, session: &str, message: &StoredMessage) -> Result<(), Error> {
        check_message(session, message)?;
        let mut kept = self.kept();
        kept.appended += 1;
        let now = kept.appended;
        let session = kept.sessions.entry(session.to_owned()).or_default();
        if session.messages.iter().rev().any(|known| known.id == message.id) {
            return Ok(());
        }
        session.latest = now;
        session.messages.push_back(message.clone());
        if session.messages.len() > self.limit {
            session.messages.pop_front();
        }
        Ok(())
    }

    fn chat_history(&self, session: &str, query: HistoryQuery) -> Result<Vec<StoredMessage>, Error> {
        query.check()?;
        let kept = self.kept();
        let messages = kept.sessions.get(session).map(|session| &session.messages);
        let position = |id: &String| messages?.iter().position(|message| message.id == *id);
        let end = match &query.before {
            Some(id) => position(id).ok_or_else(|| unknown_before(session, id))?,
            None => messages.map_or(0, VecDeque::len),
        };
        let wanted = |message: &&StoredMessage| query.include_debug || !message.is_debug();
        let latest = messages.into_iter().flat_map(|messages| messages.range(..end).rev());
        let mut found: Vec<_> = latest.filter(wanted).take(query.limit).cloned().collect();
        found.reverse();
        Ok(found)
    }

    fn has_history(&self, session: &str) -> Result<bool, Error> {
        Ok(self.kept().sessions.contains_key(session))
    }

    fn list_sessions(&self, limit: usize) -> Result<Vec<SessionSummary>, Error> {
        let kept = self.kept();
        let mut sessions: Vec<_> = kept.sessions.iter().collect();
        sessions.sort_by_key(|(_, session)| std::cmp::Reverse(session.latest));
        let summary = |(id, session): (&String, &Session)| {
            let times = || session.messages.iter().map(|message| message.timestamp);
            let (first, latest) = (times().min()?, times().max()?);
            Some(SessionSummary { id: id.clone(), messages: session.messages.len(), first, latest })
        };
        Ok(sessions.into_iter().take(limit).filter_map(summary).collect())
    }

    fn delete_session(&self, session: &str) -> Result<bool, Error> {
        Ok(self.kept().sessions.remove(session).is_some())
    }
}

impl RecordStore for MemoryStore {
    fn record(&self, collection: &str, key: &str) -> Result<Option<Record>, Error> {
        Ok(self.kept().records.get(&(collection.to_owned(), key.to_owned())).cloned())
    }

    fn records(&self, collection: &str) -> Result<Vec<Record>, Error> {
        let kept = self.kept();
        let from = kept.records.range((collection.to_owned(), String::new())..);
        Ok(from.take_while(|((of, _), _)| of == collection).map(|(_, record)| record.clone()).collect())
    }

    fn put_record(
        &self,
        collection: &str,
        key: &str,
        value: &Value,
        expect: Expect,
    ) -> Result<Option<i64>, Error> {
        check_id("the collection's name", collection)?;
        check_id("the record's key", key)?;
        check_size("the value", key, value.to_string().len())?;
        let mut kept = self.kept();
        let place = (collection.to_owned(), key.to_owned());
        let known = kept.records.get(&place).map(|record| record.revision);
        let as_expected = match expect {
            Expect::Any => true,
            Expect::Absent => known.is_none(),
            Expect::Revision(revision) => known == Some(revision),
        };
        if !as_expected {
            return Ok(None);
        }
        let revision = known.unwrap_or(0) + 1;
        kept.records.insert(place, Record { key: key.to_owned(), value: value.clone(), revision });
        Ok(Some(revision))
    }

    fn delete_record(&self, collection: &str, key: &str) -> Result<bool, Error> {
        Ok(self.kept().records.remove(&(collection.to_owned(), key.to_owned())).is_some())
    }
}
