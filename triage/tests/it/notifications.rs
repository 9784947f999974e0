//! Hooks that fail, hang, panic or lag.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use duologue_agent::{Error, ErrorKind};
use duologue_triage::{
    FnNotifier, LogNotifier, Notification, NotificationKind, Notifications, NotifyCounts, RequestState,
};

const LONG: Duration = Duration::from_secs(3600);

fn note(text: &str) -> Notification {
    Notification::new(NotificationKind::Escalated, text).about(&RequestState::new("ada"))
}

fn failed() -> Error {
    Error::new(ErrorKind::Tool, "down")
}

type Heard = Arc<Mutex<Vec<String>>>;

/// A hook that remembers what it was told.
fn listener()
-> (Heard, impl Fn(Notification) -> std::future::Ready<Result<(), Error>> + Send + Sync + 'static) {
    let heard = Heard::default();
    let hear = heard.clone();
    let call = move |notification: Notification| {
        hear.lock().unwrap().push(notification.text);
        std::future::ready(Ok(()))
    };
    (heard, call)
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_hangs_or_panics_stops_no_other() {
    let (heard, call) = listener();
    let notifications = Notifications::builder()
        .notifier(FnNotifier::new("fails", |_| async { Err(failed()) }))
        .notifier(FnNotifier::new("hangs", |_| std::future::pending()))
        .notifier(FnNotifier::new("panics", |_| async { panic!("a hook's own fault") }))
        .notifier(FnNotifier::new("hears", call))
        .notifier(LogNotifier)
        .start();
    for text in ["one", "two"] {
        assert!(notifications.send(note(text)));
    }
    let counts = notifications.close(LONG).await;
    assert_eq!(*heard.lock().unwrap(), ["one", "two"]);
    assert_eq!(counts, NotifyCounts { delivered: 4, failed: 6, dropped: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_recovers_is_told_after_all() {
    let tries = Arc::new(AtomicU32::new(0));
    let counted = tries.clone();
    let hook = FnNotifier::new("recovers", move |_| {
        let attempt = counted.fetch_add(1, Ordering::SeqCst);
        async move { if attempt < 2 { Err(failed()) } else { Ok(()) } }
    });
    let notifications = Notifications::builder().notifier(hook).tries(3).start();
    notifications.send(note("x"));
    assert_eq!(notifications.close(LONG).await.delivered, 1);
    assert_eq!(tries.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_holds_up_nobody_and_is_counted() {
    let (heard, call) = listener();
    let notifications = Notifications::builder()
        .notifier(FnNotifier::new("hangs", |_| std::future::pending()))
        .notifier(FnNotifier::new("hears", call))
        .capacity(4)
        .start();
    // None of this awaits: the notifiers have had no chance to empty their queues.
    let taken = (0..10).filter(|n| notifications.send(note(&n.to_string()))).count();
    assert_eq!(taken, 4);
    assert_eq!(notifications.counts().dropped, 12);
    let counts = notifications.close(Duration::from_secs(1)).await;
    assert_eq!(counts.delivered, 4);
    assert_eq!(*heard.lock().unwrap(), ["0", "1", "2", "3"], "the order is kept");
}

mod webhook {
    use std::sync::Mutex;

    use axum::Json;
    use axum::extract::State;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::post;
    use duologue_triage::WebhookNotifier;
    use serde_json::Value;

    use super::*;

    type Seen = Arc<Mutex<Vec<(Option<String>, Value)>>>;

    /// Refuses the first request, as a server that restarts does.
    async fn hook(State(seen): State<Seen>, headers: HeaderMap, Json(body): Json<Value>) -> StatusCode {
        let token = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let mut seen = seen.lock().unwrap();
        seen.push((token, body));
        if seen.len() == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
    }

    #[tokio::test]
    async fn a_receiver_that_restarts_is_told_after_all() {
        let seen = Seen::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let app = axum::Router::new().route("/hook", post(hook)).with_state(seen.clone());
        let server = tokio::spawn(async move { axum::serve(listener, app).await });

        let webhook = WebhookNotifier::new(&url).unwrap().bearer("secret");
        let builder = Notifications::builder().notifier(webhook).backoff(Duration::from_millis(1));
        let notifications = builder.start();
        let sent = note("Ada needs a person");
        notifications.send(sent.clone());
        assert_eq!(notifications.close(Duration::from_secs(30)).await.delivered, 1);
        server.abort();

        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0], seen[1], "a repeated delivery is known by its id");
        assert_eq!(seen[1].0.as_deref(), Some("Bearer secret"));
        assert_eq!(seen[1].1, serde_json::to_value(&sent).unwrap());
    }

    #[tokio::test]
    async fn a_receiver_that_is_gone_is_given_up() {
        // Bound and dropped: nobody listens there.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let webhook = WebhookNotifier::new(&format!("http://{address}/hook")).unwrap();
        let builder = Notifications::builder().notifier(webhook).tries(2).backoff(Duration::from_millis(1));
        let notifications = builder.start();
        notifications.send(note("x"));
        assert_eq!(notifications.close(Duration::from_secs(30)).await.failed, 1);
    }

    #[test]
    fn a_wrong_url_is_not_found_out_only_at_the_first_escalation() {
        for (url, says) in [("hooks/voice", "no URL"), ("ftp://host/x", "\"ftp\""), ("", "no URL")] {
            let error = WebhookNotifier::new(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
