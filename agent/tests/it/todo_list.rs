//! What a to-do list refuses.

use duologue_agent::message::{Envelope, Message};
use duologue_agent::todo::{MAX_DESCRIPTION, MAX_ITEMS, TodoItem, TodoList, TodoStatus};
use duologue_agent::{Error, ErrorKind};
use proptest::prelude::*;

fn list() -> TodoList {
    let mut list = TodoList::new();
    for id in ["a", "b", "c"] {
        list.add(id, id.to_uppercase()).unwrap();
    }
    list
}

fn refused(result: Result<(), Error>, says: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn two_tasks_are_not_in_progress_at_once() {
    let mut todo = list();
    todo.start_task("a").unwrap();
    todo.start_task("a").unwrap();
    refused(todo.start_task("b"), "\"a\" is in progress");
    refused(todo.update_todo("b", TodoStatus::InProgress), "\"a\"");
    assert_eq!(todo.get("b").unwrap().status, TodoStatus::Pending, "a refused change changed something");
    todo.complete_task("a").unwrap();
    todo.start_task("b").unwrap();
    assert_eq!(todo.current().unwrap().id, "b");

    let mut todo = list().parallel(true);
    todo.start_task("a").unwrap();
    todo.start_task("b").unwrap();
}

#[test]
fn a_completed_task_is_not_done_again_unless_it_is_reopened() {
    let mut todo = list();
    todo.complete_task("a").unwrap();
    refused(todo.complete_task("a"), "completed already");
    refused(todo.start_task("a"), "update_todo");
    refused(todo.skip_task("a"), "completed already");
    todo.update_todo("a", TodoStatus::Pending).unwrap();
    todo.start_task("a").unwrap();
    assert!(!todo.is_done());
    todo.complete_task("a").unwrap();
    todo.complete_task("b").unwrap();
    todo.skip_task("c").unwrap();
    assert!(todo.is_done());
}

#[test]
fn an_unknown_or_second_id_is_not_taken() {
    let mut todo = list();
    refused(todo.start_task("z"), "a, b, c");
    refused(todo.add("a", "again"), "taken");
    refused(todo.add("", "nameless"), "items[3].id");
    refused(todo.add("d", "x".repeat(MAX_DESCRIPTION + 1)), "items[3].description");
    refused(todo.describe("b", "x".repeat(MAX_DESCRIPTION + 1)), "items[1].description");
    assert_eq!(todo, list());
    todo.describe("b", "Other").unwrap();
    assert_eq!(todo.remove("b").unwrap().description, "Other");
    for n in todo.items().len()..MAX_ITEMS {
        todo.add(format!("n{n}"), "").unwrap();
    }
    refused(todo.add("one more", ""), "split");
}

#[test]
fn a_list_that_breaks_the_rules_is_not_read() {
    let json = r#"{"items":[{"id":"a","description":"","status":"in_progress"},
                            {"id":"b","description":"","status":"in_progress"}]}"#;
    let error = serde_json::from_str::<TodoList>(json).unwrap_err();
    assert!(error.to_string().contains("items[1].status"), "{error}");
    assert!(serde_json::from_str::<TodoList>(&json.replacen('{', "{\"parallel\":true,", 1)).is_ok());
}

#[test]
fn a_frontend_is_not_shown_another_list() {
    let mut todo = list().title("Intake");
    todo.start_task("b").unwrap();
    let received = Envelope::parse(todo.envelope().to_json().as_bytes()).unwrap();
    assert_eq!(received.message, Message::Todo(todo));
}

proptest! {
    #[test]
    fn no_sequence_of_changes_breaks_the_invariant(
        steps in proptest::collection::vec((0..5_u8, "[a-d]"), 0..40),
    ) {
        let mut todo = TodoList::new();
        for (step, id) in steps {
            let before = todo.clone();
            let result = match step {
                0 => todo.add(&id, &id),
                1 => todo.start_task(&id),
                2 => todo.complete_task(&id),
                3 => todo.update_todo(&id, TodoStatus::Pending),
                _ => todo.remove(&id).map(drop),
            };
            if result.is_err() {
                prop_assert_eq!(&todo, &before, "a refused change changed something");
            }
            let started = |item: &&TodoItem| item.status == TodoStatus::InProgress;
            prop_assert!(todo.items().iter().filter(started).count() <= 1);
            let json = serde_json::to_string(&todo).unwrap();
            prop_assert_eq!(serde_json::from_str::<TodoList>(&json).unwrap(), todo.clone());
        }
    }
}
