//! What both stores promise of a conversation.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use duologue_agent::ErrorKind;
use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::message::{Envelope, Status, StatusState};
use duologue_agent::store::{
    Expect, HistoryQuery, HistoryStore, MAX_VALUE, MemoryStore, RecordStore, SqliteStore, StoredMessage,
};
use duologue_agent::todo::TodoList;
use serde_json::json;

/// Calls `test` with each store, empty.
fn with_each(test: impl Fn(&str, &dyn Both)) {
    test("memory", &MemoryStore::new());
    let directory = tempfile::tempdir().unwrap();
    test("sqlite", &SqliteStore::open(directory.path().join("history.db")).unwrap());
}

trait Both: HistoryStore + RecordStore {}
impl<T: HistoryStore + RecordStore> Both for T {}

fn said(role: Role, text: &str) -> ChatItem {
    ChatItem::new("concierge", ChatContent::Message { role, text: text.into(), interrupted: false })
}

fn message(id: &str, content: &str) -> StoredMessage {
    let item = ChatItem { id: id.into(), ..said(Role::User, content) };
    StoredMessage::from(&item)
}

fn ids(messages: &[StoredMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.id.as_str()).collect()
}

#[test]
fn an_append_that_is_repeated_is_not_kept_twice() {
    with_each(|name, store| {
        store.append("s", &message("a", "first")).unwrap();
        store.append("s", &message("a", "changed")).unwrap();
        store.append("other", &message("a", "of another session")).unwrap();
        let history = store.chat_history("s", HistoryQuery::default()).unwrap();
        assert_eq!(history.len(), 1, "{name}");
        assert_eq!(history[0].content, "first", "{name}");
        assert_eq!(store.chat_history("other", HistoryQuery::default()).unwrap().len(), 1, "{name}");
    });
}

#[test]
fn no_item_is_lost_or_changed_between_conversation_and_store() {
    let call = ChatContent::ToolCall {
        call_id: "c1".into(),
        name: "find_order".into(),
        arguments: "{\"id\": 7".into(),
    };
    let result = ChatContent::ToolResult {
        call_id: "c1".into(),
        name: "find_order".into(),
        output: "not found".into(),
        is_error: true,
    };
    let cut = ChatContent::Message { role: Role::Assistant, text: "It is".into(), interrupted: true };
    let items = vec![
        said(Role::System, "The caller is a customer."),
        said(Role::User, "Où est ma commande ? 📦"),
        ChatItem::new("concierge", call),
        ChatItem::new("concierge", result),
        ChatItem::new("concierge", ChatContent::Handoff { from: None, to: "orders".into() }),
        ChatItem::new("orders", ChatContent::Status { status: "thinking".into() }),
        ChatItem::new("orders", cut),
    ];
    with_each(|name, store| {
        for item in &items {
            store.append("s", &StoredMessage::from(item)).unwrap();
        }
        store.append("s", &StoredMessage::from(&TodoList::new().envelope())).unwrap();
        assert_eq!(store.load_items("s").unwrap(), items, "{name}");
        assert_eq!(store.load_latest_items("s", 3).unwrap(), items[5..], "{name}");

        let all = HistoryQuery { include_debug: true, ..HistoryQuery::default() };
        let kept = store.chat_history("s", all).unwrap();
        let types: Vec<_> = kept.iter().map(|message| message.message_type.as_str()).collect();
        let expected =
            ["system", "transcript", "tool_call", "tool_result", "handoff", "status", "agent_text", "todo"];
        assert_eq!(types, expected, "{name}");
        assert_eq!(kept[5].content, "thinking", "{name}");
    });
}

#[test]
fn what_frontends_sent_without_an_item_is_not_lost_to_the_model() {
    let received = Envelope::parse(br#"{"id":"m1","type":"user_text","data":"typed"}"#).unwrap();
    let kept = StoredMessage::from(&received);
    assert_eq!((kept.role.as_str(), kept.message_type.as_str()), ("user", "user_text"));
    let item = kept.to_item().unwrap().unwrap();
    assert_eq!(item.id, "m1");
    let typed = ChatContent::Message { role: Role::User, text: "typed".into(), interrupted: false };
    assert_eq!(item.content, typed);
    assert_eq!(StoredMessage::from(&item).message_type, "user_text");
}

#[test]
fn a_kept_envelope_is_understood_by_frontends() {
    for item in [said(Role::User, "hello"), said(Role::Assistant, "hi")] {
        let kept = StoredMessage::from(&item);
        let envelope = Envelope::from_value(kept.envelope.clone()).unwrap();
        assert_eq!(envelope.id, item.id);
        assert_eq!(envelope.message.readable(), kept.content);
        assert_eq!(envelope.message.role(), kept.role);
    }
}

#[test]
fn a_malformed_item_is_not_skipped_in_silence() {
    let store = MemoryStore::new();
    let mut broken = message("a", "first");
    broken.envelope["item"] = json!({"kind": "from the future"});
    store.append("s", &broken).unwrap();
    let error = store.load_items("s").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_string().contains("\"a\""), "{error}");
}

#[test]
fn debug_messages_do_not_crowd_out_the_conversation() {
    with_each(|name, store| {
        for turn in 0..50 {
            store.append("s", &message(&format!("u{turn}"), "hello")).unwrap();
            for step in 0..5 {
                let status = Envelope::from(Status::new(StatusState::Thinking));
                let debug = StoredMessage { id: format!("d{turn}-{step}"), ..StoredMessage::from(&status) };
                store.append("s", &debug).unwrap();
            }
        }
        let query = HistoryQuery { limit: 30, ..HistoryQuery::default() };
        let history = store.chat_history("s", query).unwrap();
        let expected: Vec<_> = (20..50).map(|turn| format!("u{turn}")).collect();
        assert_eq!(ids(&history), expected, "{name}");
        let debug = HistoryQuery { include_debug: true, limit: 6, before: None };
        assert_eq!(store.chat_history("s", debug).unwrap().len(), 6, "{name}");
    });
}

#[test]
fn paging_neither_loses_nor_repeats_messages_of_the_same_time() {
    with_each(|name, store| {
        let time = Utc::now();
        let expected: Vec<_> = (0..1203).map(|n| format!("m{n}")).collect();
        for id in &expected {
            let same_time = StoredMessage { timestamp: time, ..message(id, "x") };
            store.append("s", &same_time).unwrap();
        }
        let mut pages = Vec::new();
        let mut before = None;
        loop {
            let page =
                store.chat_history("s", HistoryQuery { include_debug: false, limit: 500, before }).unwrap();
            let Some(first) = page.first() else { break };
            before = Some(first.id.clone());
            pages.insert(0, page);
        }
        let all: Vec<_> = pages.iter().flatten().map(|message| message.id.clone()).collect();
        assert_eq!(all, expected, "{name}");
        assert_eq!(store.load_items("s").unwrap().len(), 1203, "{name}");
    });
}

#[test]
fn a_wrong_query_is_not_answered_with_something_else() {
    with_each(|name, store| {
        store.append("s", &message("a", "x")).unwrap();
        for limit in [0, 501, usize::MAX] {
            let query = HistoryQuery { limit, ..HistoryQuery::default() };
            let error = store.chat_history("s", query).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
            assert!(error.to_string().contains("500"), "{name}: {error}");
        }
        let query = HistoryQuery { before: Some("gone".into()), ..HistoryQuery::default() };
        let error = store.chat_history("s", query).unwrap_err();
        assert!(error.to_string().contains("\"gone\""), "{name}: {error}");
    });
}

#[test]
fn an_oversized_or_nameless_message_is_not_kept() {
    with_each(|name, store| {
        let large = "x".repeat(MAX_VALUE + 1);
        for (session, message) in [
            ("", message("a", "x")),
            ("s", message("", "x")),
            ("s", message(&"i".repeat(257), "x")),
            ("s", message("a", &large)),
        ] {
            let error = store.append(session, &message).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
        }
        assert!(!store.has_history("s").unwrap(), "{name}");
    });
}

#[test]
fn a_deleted_session_does_not_come_back_and_others_stay() {
    with_each(|name, store| {
        for session in ["one", "two", "three"] {
            store.append(session, &message("a", session)).unwrap();
        }
        store.append("one", &message("b", "again")).unwrap();
        let sessions = store.list_sessions(10).unwrap();
        let listed: Vec<_> = sessions.iter().map(|s| (s.id.as_str(), s.messages)).collect();
        assert_eq!(listed, [("one", 2), ("three", 1), ("two", 1)], "{name}");
        assert!(sessions[0].first <= sessions[0].latest, "{name}");
        assert_eq!(store.list_sessions(1).unwrap().len(), 1, "{name}");

        assert!(store.delete_session("one").unwrap(), "{name}");
        assert!(!store.delete_session("one").unwrap(), "{name}");
        assert!(!store.has_history("one").unwrap(), "{name}");
        assert!(store.load_items("one").unwrap().is_empty(), "{name}");
        assert!(store.has_history("two").unwrap(), "{name}");
    });
}

#[test]
fn a_timestamp_does_not_lose_its_fraction() {
    with_each(|name, store| {
        let times: [DateTime<Utc>; 3] = [
            "2026-01-31T12:00:00Z".parse().unwrap(),
            "2026-01-31T12:00:00.000000001Z".parse().unwrap(),
            "2026-01-31T11:59:59.5Z".parse().unwrap(),
        ];
        for (at, timestamp) in times.into_iter().enumerate() {
            store.append("s", &StoredMessage { timestamp, ..message(&at.to_string(), "x") }).unwrap();
        }
        let kept = store.chat_history("s", HistoryQuery::default()).unwrap();
        assert!(kept.iter().map(|message| message.timestamp).eq(times), "{name}");
        let summary = &store.list_sessions(1).unwrap()[0];
        assert_eq!((summary.first, summary.latest), (times[2], times[1]), "{name}");
        assert_eq!(serde_json::to_value(&kept[0]).unwrap()["timestamp"], "2026-01-31T12:00:00Z", "{name}");
        assert!(times[1] - times[2] > TimeDelta::zero());
    });
}

#[test]
fn an_endless_session_does_not_fill_the_memory() {
    let store = MemoryStore::with_limit(3);
    for n in 0..10 {
        store.append("s", &message(&n.to_string(), "x")).unwrap();
    }
    assert_eq!(ids(&store.chat_history("s", HistoryQuery::default()).unwrap()), ["7", "8", "9"]);
}

#[test]
fn one_writer_does_not_undo_the_change_of_another() {
    with_each(|name, store| {
        let put = |value: i64, expect| store.put_record("c", "k", &json!(value), expect).unwrap();
        assert_eq!(put(1, Expect::Revision(1)), None, "{name}: nothing is there yet");
        assert_eq!(put(1, Expect::Absent), Some(1), "{name}");
        assert_eq!(put(2, Expect::Absent), None, "{name}");
        assert_eq!(put(2, Expect::Revision(1)), Some(2), "{name}");
        assert_eq!(put(3, Expect::Revision(1)), None, "{name}");
        assert_eq!(store.record("c", "k").unwrap().unwrap().value, json!(2), "{name}");
        assert_eq!(put(4, Expect::Any), Some(3), "{name}");
        store.put_record("c", "a", &json!({}), Expect::Any).unwrap();
        store.put_record("d", "k", &json!({}), Expect::Any).unwrap();
        let keys: Vec<_> = store.records("c").unwrap().into_iter().map(|record| record.key).collect();
        assert_eq!(keys, ["a", "k"], "{name}");
        assert!(store.delete_record("c", "k").unwrap(), "{name}");
        assert!(store.record("c", "k").unwrap().is_none(), "{name}");
        assert!(store.record("d", "k").unwrap().is_some(), "{name}");
    });
}

#[test]
fn threads_that_share_a_store_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(directory.path().join("history.db")).unwrap());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = Arc::clone(&store);
            scope.spawn(move || {
                for n in 0..25 {
                    store.append("s", &message(&format!("{thread}-{n}"), "x")).unwrap();
                }
            });
        }
    });
    assert_eq!(store.list_sessions(1).unwrap()[0].messages, 100);
}
