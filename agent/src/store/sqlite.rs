//! Conversations and records in one SQLite file, inside the process.

mod problem;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use serde_json::Value;

use super::schema::{self, Unfit};
use super::{
    Expect, HistoryQuery, HistoryStore, Record, RecordStore, SessionSummary, StoredMessage, check_id,
    check_message, check_size, message_type, unknown_before,
};
use crate::Error;

/// How long a call waits for another process unless told otherwise. A write holds the lock for
/// milliseconds; whoever waits this long waits for a process that hangs.
const DEFAULT_BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two attempts to open a file that another process is creating.
const OPEN_RETRY: Duration = Duration::from_millis(20);

/// What an [`append`](HistoryStore::append) that returned `Ok` survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, however it ends (`kill -9`), and a power cut: each write waits for the
    /// disk (`synchronous = FULL`).
    #[default]
    PowerLoss,
    /// The end of the process; a power cut may take the latest writes but leaves the file sound
    /// (`synchronous = NORMAL`). For slow flash.
    ProcessEnd,
}

/// How a [`SqliteStore`] is opened.
///
/// ```no_run
/// use duologue_agent::store::{Durability, SqliteStore};
///
/// let store = SqliteStore::options()
///     .durability(Durability::ProcessEnd)
///     .max_bytes(64 << 20)
///     .open("/var/lib/kiosk/history.db")?;
/// # Ok::<(), duologue_agent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    durability: Durability,
    busy_timeout: Duration,
    max_bytes: Option<u64>,
}

impl SqliteOptions {
    /// What appended messages survive; by default a power cut.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long a call waits for other processes; by default 5 s.
    #[must_use]
    pub fn busy_timeout(mut self, busy_timeout: Duration) -> Self {
        self.busy_timeout = busy_timeout;
        self
    }

    /// How large the file may become; then appending fails as on a full disk until sessions are
    /// deleted. SQLite's write-ahead log beside it takes up to about 4 MB more. By default the disk is
    /// the limit.
    #[must_use]
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }

    /// Opens the file at `path`, or makes it; its directory must exist.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] with the path and the remedy: the directory is missing, the file
    /// cannot be written, is locked, is not ours, or was written by a newer version.
    pub fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore, Error> {
        let path = path.as_ref();
        problem::check_place(path)?;
        let deadline = Instant::now() + self.busy_timeout;
        // Turning on the write-ahead log does not heed SQLite's own busy timeout.
        let connection = loop {
            match self.connect(path) {
                Err(Unfit::Sqlite(error)) if problem::is_busy(&error) && Instant::now() < deadline => {
                    std::thread::sleep(OPEN_RETRY);
                }
                other => break other,
            }
        };
        let connection = connection.map_err(|unfit| problem::unfit(path, unfit))?;
        if connection.is_readonly(rusqlite::MAIN_DB).unwrap_or(false) {
            return Err(problem::read_only(path));
        }
        Ok(SqliteStore { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    fn connect(&self, path: &Path) -> Result<Connection, Unfit> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(self.busy_timeout)?;
        let synchronous = match self.durability {
            Durability::PowerLoss => "FULL",
            Durability::ProcessEnd => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // What a user had deleted is overwritten, not only unlinked.
        let secure = connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()));
        secure?;
        if let Some(bytes) = self.max_bytes {
            let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
            connection.pragma_update_and_check(None, "max_page_count", pages.max(1), |_| Ok(()))?;
        }
        // Before the write-ahead log: a file of another program is left as it is.
        schema::migrate(&mut connection)?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        if mode != "wal" {
            tracing::warn!(path = %path.display(), mode, "no write-ahead log here: readers wait for writers");
        }
        Ok(connection)
    }
}

/// Keeps conversations and records in one SQLite file. Several processes may use it at once.
///
/// Invariant: every write is one transaction in a write-ahead log, so a process that is killed leaves
/// either all of it or nothing.
///
/// ```
/// use duologue_agent::store::{HistoryStore, SqliteStore};
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("history.db");
///
/// let store = SqliteStore::open(&path)?;
/// assert!(!store.has_history("room-1")?);
/// # Ok::<(), duologue_agent::Error>(())
/// ```
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens the file at `path`, or makes it, with the default [`SqliteOptions`].
    ///
    /// # Errors
    /// As [`SqliteOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::options().open(path)
    }

    /// How to open a file otherwise.
    pub fn options() -> SqliteOptions {
        SqliteOptions {
            durability: Durability::default(),
            busy_timeout: DEFAULT_BUSY_TIMEOUT,
            max_bytes: None,
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic left open was rolled back when it was dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        work(&mut self.connection()).map_err(|error| problem::explain(&self.path, doing, &error))
    }
}

impl HistoryStore for SqliteStore {
    fn append(&self, session: &str, message: &StoredMessage) -> Result<(), Error> {
        let envelope = check_message(session, message)?;
        self.run("keep a message", |connection| {
            connection.execute(
                "INSERT INTO messages (session, id, timestamp, role, content, message_type, envelope)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (session, id) DO NOTHING",
                params![
                    session,
                    message.id,
                    message.timestamp.to_rfc3339(),
                    message.role,
                    message.content,
                    message.message_type,
                    envelope
                ],
            )
        })?;
        Ok(())
    }

    fn chat_history(&self, session: &str, query: HistoryQuery) -> Result<Vec<StoredMessage>, Error> {
        query.check()?;
        let mut end = i64::MAX;
        if let Some(id) = &query.before {
            end = self
                .run("read the history", |connection| {
                    let find = "SELECT seq FROM messages WHERE session = ?1 AND id = ?2";
                    connection.query_row(find, params![session, id], |row| row.get(0)).optional()
                })?
                .ok_or_else(|| unknown_before(session, id))?;
        }
        let [typed, spoken, agent] = message_type::CONVERSATION;
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        let mut messages: Vec<StoredMessage> = self.run("read the history", |connection| {
            let mut statement = connection.prepare(
                "SELECT id, timestamp, role, content, message_type, envelope FROM messages
                 WHERE session = ?1 AND seq < ?2 AND (?3 OR message_type IN (?4, ?5, ?6))
                 ORDER BY seq DESC LIMIT ?7",
            )?;
            let wanted = params![session, end, query.include_debug, typed, spoken, agent, limit];
            statement.query_map(wanted, message_of)?.collect()
        })?;
        messages.reverse();
        Ok(messages)
    }

    fn has_history(&self, session: &str) -> Result<bool, Error> {
        self.run("read the history", |connection| {
            let find = "SELECT EXISTS (SELECT 1 FROM messages WHERE session = ?1)";
            connection.query_row(find, [session], |row| row.get(0))
        })
    }

    fn list_sessions(&self, limit: usize) -> Result<Vec<SessionSummary>, Error> {
        self.run("list the sessions", |connection| {
            let mut statement = connection.prepare(
                "SELECT session, count(*), min(timestamp), max(timestamp) FROM messages
                 GROUP BY session ORDER BY max(seq) DESC LIMIT ?1",
            )?;
            let summary = |row: &Row<'_>| {
                let messages: i64 = row.get(1)?;
                Ok(SessionSummary {
                    id: row.get(0)?,
                    messages: usize::try_from(messages).unwrap_or(0),
                    first: time_of(row, 2)?,
                    latest: time_of(row, 3)?,
                })
            };
            statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], summary)?.collect()
        })
    }

    fn delete_session(&self, session: &str) -> Result<bool, Error> {
        self.run("delete a session", |connection| {
            let deleted = connection.execute("DELETE FROM messages WHERE session = ?1", [session])?;
            // Else the log beside the file would hold the words for a while; a reader may prevent it.
            if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
                tracing::debug!(%error, "the write-ahead log is emptied later");
            }
            Ok(deleted > 0)
        })
    }
}

impl RecordStore for SqliteStore {
    fn record(&self, collection: &str, key: &str) -> Result<Option<Record>, Error> {
        self.run("read a record", |connection| {
            let find = "SELECT key, value, revision FROM records WHERE collection = ?1 AND key = ?2";
            connection.query_row(find, [collection, key], record_of).optional()
        })
    }

    fn records(&self, collection: &str) -> Result<Vec<Record>, Error> {
        self.run("read the records", |connection| {
            let mut statement = connection
                .prepare("SELECT key, value, revision FROM records WHERE collection = ?1 ORDER BY key")?;
            statement.query_map([collection], record_of)?.collect()
        })
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
        let value = value.to_string();
        check_size("the value", key, value.len())?;
        self.run("keep a record", |connection| {
            // Immediate: nobody writes between the look and the change.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let find = "SELECT revision FROM records WHERE collection = ?1 AND key = ?2";
            let known: Option<i64> =
                transaction.query_row(find, [collection, key], |row| row.get(0)).optional()?;
            let as_expected = match expect {
                Expect::Any => true,
                Expect::Absent => known.is_none(),
                Expect::Revision(revision) => known == Some(revision),
            };
            if !as_expected {
                return Ok(None);
            }
            let revision = known.unwrap_or(0) + 1;
            transaction.execute(
                "INSERT OR REPLACE INTO records (collection, key, value, revision) VALUES (?1, ?2, ?3, ?4)",
                params![collection, key, value, revision],
            )?;
            transaction.commit()?;
            Ok(Some(revision))
        })
    }

    fn delete_record(&self, collection: &str, key: &str) -> Result<bool, Error> {
        self.run("delete a record", |connection| {
            let delete = "DELETE FROM records WHERE collection = ?1 AND key = ?2";
            Ok(connection.execute(delete, [collection, key])? > 0)
        })
    }
}

fn message_of(row: &Row<'_>) -> rusqlite::Result<StoredMessage> {
    Ok(StoredMessage {
        id: row.get(0)?,
        timestamp: time_of(row, 1)?,
        role: row.get(2)?,
        content: row.get(3)?,
        message_type: row.get(4)?,
        envelope: json_of(row, 5)?,
    })
}

fn record_of(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record { key: row.get(0)?, value: json_of(row, 1)?, revision: row.get(2)? })
}

fn time_of(row: &Row<'_>, column: usize) -> rusqlite::Result<DateTime<Utc>> {
    let text: String = row.get(column)?;
    let time = DateTime::parse_from_rfc3339(&text).map_err(|error| malformed(column, error))?;
    Ok(time.to_utc())
}

fn json_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| malformed(column, error))
}

fn malformed(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::{Durability, SqliteStore};

    /// A power cut cannot be made here, so this looks at what SQLite promises.
    #[test]
    fn a_power_cut_does_not_take_what_was_acknowledged() {
        let directory = tempfile::tempdir().unwrap();
        let synchronous = |durability| -> i64 {
            let path = directory.path().join("history.db");
            let store = SqliteStore::options().durability(durability).open(path).unwrap();
            store.connection().pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap()
        };
        assert_eq!(synchronous(Durability::default()), 2, "FULL");
        assert_eq!(synchronous(Durability::ProcessEnd), 1, "NORMAL");
    }
}
