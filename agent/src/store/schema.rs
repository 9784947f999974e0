//! The tables of the history file, and how an older file becomes a current one.

use rusqlite::{Connection, TransactionBehavior};

/// Marks a file as ours: "DUOL" in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x4455_4F4C;

/// What turns version `n` into `n + 1`; `user_version` of a file is how many it has seen. Entries are
/// only ever added.
const STEPS: &[&str] = &[
    // 1: conversations. `seq` is the order of appending.
    "CREATE TABLE messages (
        seq INTEGER PRIMARY KEY,
        session TEXT NOT NULL,
        id TEXT NOT NULL,
        timestamp TEXT NOT NULL,
        role TEXT NOT NULL,
        content TEXT NOT NULL,
        message_type TEXT NOT NULL,
        envelope TEXT NOT NULL,
        UNIQUE (session, id)
    ) STRICT;
    CREATE INDEX messages_in_order ON messages (session, seq);",
    // 2: small records, for requests.
    "CREATE TABLE records (
        collection TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        revision INTEGER NOT NULL,
        PRIMARY KEY (collection, key)
    ) STRICT, WITHOUT ROWID;",
];

/// The version that this code reads and writes.
pub(super) const VERSION: usize = STEPS.len();

/// Why a file is not brought to [`VERSION`].
pub(super) enum Unfit {
    /// It belongs to another program.
    Foreign,
    /// A newer version of this code wrote it.
    Newer(i64),
    /// SQLite failed.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Unfit {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Brings the file to [`VERSION`]: all steps or none. Another process may be doing the same.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Unfit> {
    if version(connection)? == VERSION as i64 && application(connection)? == APPLICATION_ID {
        return Ok(());
    }
    // Immediate: two processes that open a new file migrate it one after the other.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = version(&transaction)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let is_new = known == 0 && tables == 0 && application(&transaction)? == 0;
    if !is_new && application(&transaction)? != APPLICATION_ID {
        return Err(Unfit::Foreign);
    }
    let Some(missing) = usize::try_from(known).ok().and_then(|known| STEPS.get(known..)) else {
        return Err(Unfit::Newer(known));
    };
    for step in missing {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION as i64)?;
    transaction.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn application(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}
