//! Processes that share a history file, and processes that are killed while they write it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::store::{Durability, HistoryQuery, HistoryStore, SqliteStore, StoredMessage};
use duologue_triage::Requests;

const ROLE: &str = "DUOLOGUE_TEST_ROLE";
const FILE: &str = "DUOLOGUE_TEST_FILE";
const NAME: &str = "DUOLOGUE_TEST_NAME";

/// How many messages and changes each of the processes that share a file makes.
const SHARED: usize = 150;

fn start(role: &str, file: &Path, name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store_processes::as_child", "--ignored", "--nocapture"])
        .env(ROLE, role)
        .env(FILE, file)
        .env(NAME, name)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Not a test: what this binary does when a test starts it as another process.
#[test]
#[ignore = "runs only as the child of another test"]
fn as_child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let file = std::env::var(FILE).unwrap();
    let name = std::env::var(NAME).unwrap();
    let durability = if role == "talk-fast" { Durability::ProcessEnd } else { Durability::PowerLoss };
    // The others write without a pause, and SQLite's lock is not fair: who opens may wait for long.
    let patience = Duration::from_secs(60);
    let options = SqliteStore::options().durability(durability).busy_timeout(patience);
    let store = options.open(&file).unwrap();
    if role == "share" { share(store, &name) } else { talk(&store, &name) }
}

/// Appends without end; says each id once it is acknowledged.
fn talk(store: &SqliteStore, name: &str) {
    for n in 0.. {
        store.append("s", &message(&format!("{name}-{n}"), n)).unwrap();
        println!("ok {name}-{n}");
    }
}

fn share(store: SqliteStore, name: &str) {
    let store = Arc::new(store);
    let requests = Requests::new(store.clone());
    let id = requests.list().unwrap()[0].id.clone();
    for n in 0..SHARED {
        store.append("s", &message(&format!("{name}-{n}"), n)).unwrap();
        // The same message comes from both.
        store.append("s", &message(&format!("same-{n}"), n)).unwrap();
        let counted = requests.update(&id, |request| {
            request.record_turn(None);
            Ok(())
        });
        counted.unwrap();
    }
}

fn message(id: &str, n: usize) -> StoredMessage {
    let content = ChatContent::Message { role: Role::User, text: format!("words {n}"), interrupted: false };
    StoredMessage::from(&ChatItem { id: id.into(), ..ChatItem::new("agent", content) })
}

#[test]
fn kill_9_in_mid_conversation_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    for role in ["talk", "talk-fast"] {
        let file = directory.path().join(format!("{role}.db"));
        let mut acknowledged = Vec::new();
        // Each round goes on with the file that the killed one left, log and all.
        for round in 0..5 {
            let mut child = start(role, &file, &format!("round{round}"));
            let mut out = BufReader::new(child.stdout.take().unwrap());
            let mut text = String::new();
            while text.matches("ok ").count() < 20 + 7 * round {
                assert_ne!(out.read_line(&mut text).unwrap(), 0, "the child ended by itself: {text}");
            }
            child.kill().unwrap();
            child.wait().unwrap();
            out.read_to_string(&mut text).unwrap();
            let whole_lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
            let ids = whole_lines.filter_map(|line| line.split_once("ok ").map(|(_, id)| id.to_owned()));
            acknowledged.extend(ids);
        }

        let store = SqliteStore::open(&file).unwrap();
        let kept: Vec<_> = store.load_items("s").unwrap().into_iter().map(|item| item.id).collect();
        let in_order: Vec<_> = kept.iter().filter(|id| acknowledged.contains(id)).collect();
        assert_eq!(in_order, acknowledged.iter().collect::<Vec<_>>(), "{role}");
        assert!(acknowledged.len() >= 5 * 20, "{role}");
        // What was not acknowledged is there as a whole or not at all: at most one in each round.
        assert!(kept.len() <= acknowledged.len() + 5, "{role}: {} {}", kept.len(), acknowledged.len());
    }
}

#[test]
fn two_processes_that_write_at_once_lose_or_repeat_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let store = Arc::new(SqliteStore::open(&file).unwrap());
    let requests = Requests::new(store.clone());
    let request = requests.create("ada").unwrap();

    let children = ["a", "b"].map(|name| start("share", &file, name));
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }

    let items = store.load_items("s").unwrap();
    let of =
        |name: &str| items.iter().filter(|item| item.id.starts_with(name)).map(|item| &item.id).collect();
    let expected = |name: &str| -> Vec<String> { (0..SHARED).map(|n| format!("{name}-{n}")).collect() };
    for name in ["a", "b", "same"] {
        let kept: Vec<&String> = of(name);
        assert_eq!(kept, expected(name).iter().collect::<Vec<_>>(), "{name}");
    }
    assert_eq!(items.len(), 3 * SHARED);
    let turns = requests.get(&request.id).unwrap().unwrap().turns();
    assert_eq!(turns as usize, 2 * SHARED, "a change was undone");
}

#[test]
fn processes_that_open_a_new_file_at_once_do_not_fail() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let file = directory.path().join(format!("{round}.db"));
        let mut children: Vec<_> = (0..4).map(|n| start("talk", &file, &format!("p{n}"))).collect();
        // Open until the end: a child whose output nobody reads would fail by that.
        let mut outs: Vec<_> =
            children.iter_mut().map(|child| BufReader::new(child.stdout.take().unwrap())).collect();
        for out in &mut outs {
            let mut text = String::new();
            while !text.contains("ok ") {
                assert_ne!(out.read_line(&mut text).unwrap(), 0, "a process could not open the file: {text}");
            }
        }
        for mut child in children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let store = SqliteStore::open(&file).unwrap();
        assert!(!store.chat_history("s", HistoryQuery::default()).unwrap().is_empty());
    }
}
