//! Requests, escalation and figures.

use std::sync::Arc;
use std::time::Duration;

use duologue_agent::store::{MemoryStore, SqliteStore};
use duologue_agent::{Error, ErrorKind};
use duologue_triage::{
    Analytics, Decision, EscalationPolicy, EscalationReason, Priority, RequestState, RequestStatus, Requests,
};
use proptest::prelude::*;
use serde_json::json;

fn decision(category: &str, priority: Priority) -> Decision {
    Decision { category: category.into(), priority, reason: "why".into(), agent: "agent".into() }
}

fn other(why: &str) -> EscalationReason {
    EscalationReason::Other { why: why.into() }
}

#[test]
fn an_illegal_status_is_not_reached() {
    use RequestStatus::{Assigned, Closed, Escalated, InProgress, New, Resolved, WaitingForUser};
    for (from, to) in [
        (New, WaitingForUser),
        (Assigned, New),
        (Assigned, WaitingForUser),
        (Escalated, WaitingForUser),
        (Escalated, Assigned),
        (Resolved, Escalated),
        (Resolved, Assigned),
        (Closed, InProgress),
        (Closed, Resolved),
    ] {
        assert!(!from.can_become(to), "{from} → {to}");
    }
    let mut request = RequestState::new("ada");
    let error = request.set_status(WaitingForUser).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("is new and cannot become waiting_for_user"), "{error}");
    assert!(error.to_string().contains("assigned, in_progress"), "{error}");
    assert_eq!(request.status(), New);
    for status in [Assigned, InProgress, WaitingForUser, InProgress, Resolved, InProgress, Resolved, Closed] {
        request.set_status(status).unwrap();
    }
    assert!(request.set_status(InProgress).unwrap_err().to_string().contains("nothing"));
    assert!(request.assign(&decision("billing", Priority::High)).is_err());
    assert!(request.escalate(other("too late")).is_err());
    assert_eq!(request.category, None, "a refused change changed something");
    assert_eq!(request.escalation(), None);
}

#[test]
fn nothing_is_escalated_without_a_reason() {
    let mut request = RequestState::new("ada");
    assert!(request.set_status(RequestStatus::Escalated).unwrap_err().to_string().contains("escalate()"));
    request.escalate(other("first")).unwrap();
    request.escalate(other("second")).unwrap();
    assert_eq!(request.escalation(), Some(&other("second")));
    request.assign(&decision("billing", Priority::Low)).unwrap();
    assert_eq!(request.status(), RequestStatus::Escalated, "routing must not take it from the person");
}

#[test]
fn a_request_does_not_change_on_its_way_through_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.db");
    let requests = Requests::new(Arc::new(SqliteStore::open(&path).unwrap()));
    let id = requests.create("ada").unwrap().id;
    let changed = requests
        .update(&id, |request| {
            request.session = Some("room-1".into());
            request.assign(&decision("billing", Priority::High))?;
            request.record_turn(Some(Duration::from_millis(700)));
            request.record_turn(None);
            request.record_failure();
            request.escalate(other("because"))
        })
        .unwrap();
    drop(requests);
    let requests = Requests::new(Arc::new(SqliteStore::open(&path).unwrap()));
    let kept = requests.get(&id).unwrap().unwrap();
    assert_eq!(kept, changed);
    assert_eq!((kept.turns(), kept.failures()), (2, 1));
    assert_eq!(kept.mean_response(), Some(Duration::from_millis(700)));
    assert!(kept.updated_at() >= kept.created_at());
    assert!(requests.delete(&id).unwrap());
    assert!(requests.list().unwrap().is_empty());
}

#[test]
fn a_failed_change_keeps_nothing() {
    let requests = Requests::new(Arc::new(MemoryStore::new()));
    let request = requests.create("ada").unwrap();
    let refuse = requests.update(&request.id, |request| {
        request.record_turn(None);
        Err(Error::new(ErrorKind::Invalid, "no"))
    });
    assert_eq!(refuse.unwrap_err().to_string(), "no");
    let renamed = requests.update(&request.id, |request| {
        request.id = "other".into();
        Ok(())
    });
    assert_eq!(renamed.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(requests.get(&request.id).unwrap().unwrap(), request);
    assert!(requests.insert(&request).unwrap_err().to_string().contains("kept already"));
    assert!(requests.update("gone", |_| Ok(())).unwrap_err().to_string().contains("\"gone\""));
}

#[test]
fn a_change_made_in_between_is_not_undone() {
    let store = Arc::new(MemoryStore::new());
    let requests = Requests::new(store);
    let id = requests.create("ada").unwrap().id;
    let mut first = true;
    let request = requests.update(&id, |request| {
        if std::mem::take(&mut first) {
            let by_another = requests.update(&id, |request| {
                request.record_turn(None);
                Ok(())
            });
            by_another.unwrap();
        }
        request.record_turn(None);
        Ok(())
    });
    assert_eq!(request.unwrap().turns(), 2);
}

#[test]
fn a_caller_who_needs_a_person_does_not_stay_with_the_agent() {
    let policy = EscalationPolicy {
        keywords: vec!["lawyer".into()],
        failures: Some(2),
        turns: Some(4),
        ..EscalationPolicy::default()
    };
    policy.check().unwrap();
    let fresh = RequestState::new("ada");
    let reason = |request: &RequestState, said: &str| policy.reason(request, said);
    assert_eq!(reason(&fresh, "What does a lawyers' office cost?"), None);
    let lawyer = EscalationReason::Keyword { keyword: "lawyer".into() };
    assert_eq!(reason(&fresh, "I'll call my LAWYER!"), Some(lawyer));
    let asked = EscalationReason::AskedForHuman { phrase: "talk to a human".into() };
    assert_eq!(reason(&fresh, "Let me talk to a human, or to my lawyer."), Some(asked));

    let mut urgent = RequestState::new("ada");
    urgent.assign(&decision("fire", Priority::Urgent)).unwrap();
    assert_eq!(reason(&urgent, "Help."), Some(EscalationReason::Priority { priority: Priority::Urgent }));

    let mut failing = RequestState::new("ada");
    failing.record_failure();
    failing.record_success();
    failing.record_failure();
    assert_eq!(reason(&failing, "Hm."), None, "a success in between");
    failing.record_failure();
    assert_eq!(reason(&failing, "Hm."), Some(EscalationReason::Failures { count: 2 }));

    let mut long = RequestState::new("ada");
    for _ in 0..4 {
        assert_eq!(reason(&long, "Hm."), None);
        long.record_turn(None);
    }
    assert_eq!(reason(&long, "Hm."), Some(EscalationReason::Turns { count: 4 }));
    assert_eq!(EscalationPolicy::never().reason(&long, "Let me talk to a human."), None);
    long.escalate(other("x")).unwrap();
    assert_eq!(reason(&long, "Let me talk to a human."), None, "a person is called once");
}

#[test]
fn a_wrong_policy_is_not_taken() {
    let zero = EscalationPolicy { turns: Some(0), ..EscalationPolicy::default() };
    assert!(zero.check().unwrap_err().to_string().contains("turns = 0"));
    let empty = EscalationPolicy { keywords: vec!["ok".into(), "?!".into()], ..EscalationPolicy::default() };
    assert!(empty.check().unwrap_err().to_string().contains("keywords[1]"));
    assert!(toml::from_str::<EscalationPolicy>("turn = 3").is_err(), "a misspelt key");
}

#[test]
fn the_figures_are_not_off() {
    let requests = Requests::new(Arc::new(MemoryStore::new()));
    let empty = requests.analytics().unwrap();
    assert_eq!((empty.requests, empty.escalation_rate, empty.mean_response_ms), (0, 0.0, None));
    let make = |category: Option<&str>, times: &[u64], escalated: bool| {
        let id = requests.create("ada").unwrap().id;
        let change = requests.update(&id, |request| {
            if let Some(category) = category {
                request.assign(&decision(category, Priority::High))?;
            }
            for time in times {
                request.record_turn(Some(Duration::from_millis(*time)));
            }
            if escalated { request.escalate(other("x")) } else { Ok(()) }
        });
        change.unwrap()
    };
    make(Some("billing"), &[100, 200], false);
    make(Some("billing"), &[600], true);
    make(None, &[], false);
    let back = make(Some("technical"), &[], true);
    requests.update(&back.id, |request| request.set_status(RequestStatus::Resolved)).unwrap();

    let figures = requests.analytics().unwrap();
    assert_eq!(figures, Analytics::of(&requests.list().unwrap()));
    let expected = json!({
        "requests": 4,
        "by_status": {"assigned": 1, "escalated": 1, "new": 1, "resolved": 1},
        "by_category": {"billing": 2, "technical": 1, "(none)": 1},
        "by_priority": {"high": 3, "normal": 1},
        "turns": 3,
        "mean_response_ms": 300.0,
        "escalated": 2,
        "escalation_rate": 0.5,
    });
    assert_eq!(serde_json::to_value(&figures).unwrap(), expected);
    let table = figures.to_string();
    for row in ["mean response", "300 ms", "2 (50 %)", "category billing"] {
        assert!(table.contains(row), "{table}");
    }
    let widths: Vec<_> = table.lines().map(|line| line.chars().count()).collect();
    assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{table}");
}

proptest! {
    #[test]
    fn no_sequence_of_changes_leaves_the_transition_table(
        steps in proptest::collection::vec((0..4_u8, 0..7_usize), 0..30),
    ) {
        let mut request = RequestState::new("ada");
        for (step, status) in steps {
            let before = request.clone();
            let result = match step {
                0 => request.set_status(RequestStatus::ALL[status]),
                1 => request.assign(&decision("billing", Priority::Low)),
                2 => request.escalate(other("x")),
                _ => { request.record_turn(None); Ok(()) }
            };
            let (from, to) = (before.status(), request.status());
            prop_assert!(from == to || from.can_become(to), "{from} → {to}");
            if result.is_err() {
                prop_assert_eq!(&request, &before);
            }
            prop_assert!(request.status() != RequestStatus::Escalated || request.escalation().is_some());
        }
    }
}
