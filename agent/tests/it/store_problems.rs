//! Files that cannot be used: each is named, with what to do, and left as it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::store::{Expect, HistoryQuery, HistoryStore, RecordStore, SqliteStore, StoredMessage};
use duologue_agent::{Error, ErrorKind};
use rusqlite::Connection;
use serde_json::json;

fn message(id: usize, bytes: usize) -> StoredMessage {
    let text = "x".repeat(bytes);
    let content = ChatContent::Message { role: Role::User, text, interrupted: false };
    StoredMessage { id: id.to_string(), ..StoredMessage::from(&ChatItem::new("agent", content)) }
}

/// `error` names `path` and says what to do.
fn assert_clear(error: &Error, path: &Path, remedy: &str) {
    assert_eq!(error.kind(), ErrorKind::Store);
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()), "{text:?} does not name {path:?}");
    assert!(text.contains(remedy), "{text:?} does not say {remedy:?}");
}

/// Appends until the disk is full; how many were kept, and why no more.
fn fill(store: &SqliteStore) -> (usize, Error) {
    for n in 0..100_000 {
        if let Err(error) = store.append("s", &message(n, 1000)) {
            return (n, error);
        }
    }
    panic!("the disk is never full");
}

#[test]
fn a_missing_directory_is_not_unable_to_open_database_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing").join("history.db");
    assert_clear(&SqliteStore::open(&path).unwrap_err(), &path, "mkdir -p");
    assert!(!path.parent().unwrap().exists());
    assert_clear(&SqliteStore::open(directory.path()).unwrap_err(), directory.path(), "is a directory");
}

#[test]
fn a_file_that_is_no_database_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("letter.txt");
    let letter = "Dear Ada, this is not a database. ".repeat(100);
    fs::write(&path, &letter).unwrap();
    assert_clear(&SqliteStore::open(&path).unwrap_err(), &path, "not a SQLite database");
    assert_eq!(fs::read_to_string(&path).unwrap(), letter);
}

#[test]
fn the_database_of_another_program_is_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("places.sqlite");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE places (url TEXT)").unwrap();
    let before = fs::read(&path).unwrap();
    assert_clear(&SqliteStore::open(&path).unwrap_err(), &path, "another program");
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn a_file_of_a_newer_version_is_not_misread() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.db");
    drop(SqliteStore::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert_clear(&SqliteStore::open(&path).unwrap_err(), &path, "schema version 99");
}

#[test]
fn a_file_of_the_first_version_keeps_its_conversations() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.db");
    // As the first version made it: no records.
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "CREATE TABLE messages (seq INTEGER PRIMARY KEY, session TEXT NOT NULL, id TEXT NOT NULL,
                 timestamp TEXT NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL,
                 message_type TEXT NOT NULL, envelope TEXT NOT NULL, UNIQUE (session, id)) STRICT;
             CREATE INDEX messages_in_order ON messages (session, seq);
             INSERT INTO messages VALUES (1, 's', 'old', '2026-01-31T12:00:00+00:00', 'user', 'hello',
                 'user_text', '{}');
             PRAGMA user_version = 1;
             PRAGMA application_id = 1146441548;",
        )
        .unwrap();
    for _ in 0..2 {
        let store = SqliteStore::open(&path).unwrap();
        let history = store.chat_history("s", HistoryQuery::default()).unwrap();
        assert_eq!(history[0].content, "hello");
        assert!(store.put_record("c", "k", &json!(1), Expect::Any).unwrap().is_some());
    }
}

#[test]
fn a_lock_that_is_never_released_does_not_hang() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.db");
    let store = SqliteStore::options().busy_timeout(Duration::from_millis(50)).open(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_clear(&store.append("s", &message(1, 10)).unwrap_err(), &path, "locked");
    assert!(!store.has_history("s").unwrap(), "reading waits for nobody");
    other.execute_batch("ROLLBACK").unwrap();
    store.append("s", &message(1, 10)).unwrap();
}

#[test]
fn a_full_file_loses_nothing_and_takes_more_after_a_deletion() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.db");
    let store = SqliteStore::options().max_bytes(256 * 1024).open(&path).unwrap();
    store.append("old", &message(0, 50_000)).unwrap();
    let (kept, error) = fill(&store);
    assert_clear(&error, &path, "delete old sessions");
    assert!(kept > 10);
    assert_eq!(store.load_items("s").unwrap().len(), kept, "a message was lost");
    assert!(store.delete_session("old").unwrap());
    store.append("s", &message(kept, 1000)).unwrap();
    assert_eq!(store.load_items("s").unwrap().len(), kept + 1);
}

/// A small file system of its own, unmounted at the end; needs the right to mount.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new(size: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mount = ["-t", "tmpfs", "-o", size, "tmpfs"];
        let done = Command::new("mount").args(mount).arg(directory.path()).output().ok()?;
        done.status.success().then_some(Self(directory))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("history.db")
    }

    fn make_read_only(&self) {
        let status = Command::new("mount").args(["-o", "remount,ro"]).arg(self.0.path()).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_loses_nothing_that_was_kept() {
    let Some(disk) = Disk::new("size=512k") else {
        println!("SKIPPED: no right to mount a small disk");
        return;
    };
    let path = disk.path();
    let store = SqliteStore::open(&path).unwrap();
    let (kept, error) = fill(&store);
    assert_clear(&error, &path, "full");
    assert!(kept > 10);
    assert_eq!(store.load_items("s").unwrap().len(), kept);
    drop(store);
    let again = SqliteStore::open(&path).unwrap();
    assert_eq!(again.load_items("s").unwrap().len(), kept, "after opening again");
}

#[test]
fn a_read_only_disk_is_not_noticed_only_at_the_first_word() {
    let Some(disk) = Disk::new("size=512k") else {
        println!("SKIPPED: no right to mount a small disk");
        return;
    };
    let path = disk.path();
    drop(SqliteStore::open(&path).unwrap());
    disk.make_read_only();
    assert_clear(&SqliteStore::open(&path).unwrap_err(), &path, "read-only");
    let new = path.with_file_name("new.db");
    let error = SqliteStore::open(&new).unwrap_err();
    assert_clear(&error, &new, "write");
}

#[test]
fn a_damaged_file_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.db");
    let store = SqliteStore::open(&path).unwrap();
    for n in 0..200 {
        store.append("s", &message(n, 1000)).unwrap();
    }
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len() - 4096;
    bytes[4096..end].fill(0xA5);
    fs::write(&path, &bytes).unwrap();
    let read = SqliteStore::open(&path).and_then(|store| store.load_items("s"));
    assert_clear(&read.unwrap_err(), &path, "damaged");
}
