//! The agents of `examples/triage`: their real code, with their own script.

#[path = "../../examples/triage/agents.rs"]
mod agents;
#[path = "../../examples/triage/call.rs"]
mod call;
#[path = "../../examples/triage/office.rs"]
mod office;
#[path = "../../examples/triage/tools.rs"]
mod tools;

use crate::common::told;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use duologue::agent::chat::{ChatContent, ChatItem};
use duologue::agent::store::{MemoryStore, RecordStore, SqliteStore};
use duologue::agent::{AgentSession, RunResult, SessionConfig};
use duologue::eval::{Pace, Rule, Script, ScriptedLlm};
use duologue::triage::{
    FnNotifier, Notification, NotificationKind, Notifications, RequestState, RequestStatus,
};

use crate::common::talk::Talk;
use agents::Triage;
use call::{Call, Office};

type Told = Arc<Mutex<Vec<NotificationKind>>>;

/// A conversation and what surrounds it.
struct House {
    session: AgentSession<Call>,
    office: Arc<Office>,
    llm: ScriptedLlm,
    told: Told,
}

fn script() -> Script {
    let script = Script::parse(include_str!("../../examples/triage/script.toml")).unwrap();
    Script { pace: Pace::default(), ..script }
}

/// Builds the house on a runtime, where its notifications run.
fn build(script: Script, store: Arc<dyn RecordStore>) -> House {
    let llm = ScriptedLlm::new(script);
    let told = Told::default();
    let notifications = Notifications::builder().notifier(recorder(&told)).start();
    let office = office::open(Some(Arc::new(llm.clone())), store, notifications).unwrap();
    let config = SessionConfig { session_id: "call".into(), ..SessionConfig::default() };
    let call = Call::new("ada", Arc::clone(&office));
    let session = AgentSession::builder(call).llm(llm.clone()).config(config).build().unwrap();
    House { session, office, llm, told }
}

fn recorder(told: &Told) -> impl duologue::triage::Notifier {
    let told = Arc::clone(told);
    FnNotifier::new("test", move |notification: Notification| {
        told.lock().unwrap().push(notification.kind);
        async { Ok(()) }
    })
}

async fn started() -> House {
    started_with(script()).await
}

async fn started_with(script: Script) -> House {
    let house = build(script, Arc::new(MemoryStore::new()));
    house.session.start_text(Triage).await.unwrap();
    house
}

impl House {
    async fn hears(&self, said: &str) -> RunResult {
        self.session.run(said).await.unwrap()
    }

    fn agent(&self) -> String {
        self.session.current_agent().unwrap().id()
    }

    fn requests(&self) -> Vec<RequestState> {
        self.office.requests.list().unwrap()
    }

    /// The only request.
    fn request(&self) -> RequestState {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    /// What others were told, once they were told all that was sent.
    async fn told(&self, count: usize) -> Vec<NotificationKind> {
        let told = async {
            while self.told.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), told).await.expect("others are told");
        self.told.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_caller_does_not_reach_the_wrong_specialist() {
    let cases = [
        ("My invoice 4711 is wrong", "billing", "You are the bookkeeper", "59 euros"),
        ("My kitchen lights are dark", "technical", "You are the technician", "kitchen lights answer"),
        ("I moved to another town", "general", "You look after the accounts", "accounts"),
    ];
    for (said, agent, role, answer) in cases {
        let house = started().await;
        let result = house.hears(said).await;
        assert_eq!(house.agent(), agent, "{said}");
        let asked = house.llm.requests().pop().unwrap();
        assert!(asked.instructions.starts_with(role), "{said}: {}", asked.instructions);
        assert!(result.text().contains(answer), "{said}: {}", result.text());
        let request = house.request();
        assert_eq!((request.agent.as_deref(), request.turns()), (Some(agent), 1), "{said}");
    }
}

#[tokio::test]
async fn a_router_that_babbles_does_not_lose_the_caller() {
    for (said, agent) in [("my invoice is wrong", "billing"), ("I am sad", "general")] {
        let babble = Rule::any().instructions("which department").say("Well, who knows?");
        let mut script = script();
        script.rules.insert(0, babble);
        let house = started_with(script).await;
        house.hears(said).await;
        assert_eq!(house.agent(), agent, "{said}");
        let routed =
            |asked: &duologue::agent::llm::LlmRequest| asked.instructions.contains("which department");
        let asked = house.llm.requests().iter().filter(|asked| routed(asked)).count();
        assert_eq!(asked, 2, "the model is asked again once, then the rule decides");
        assert_eq!(house.request().category.as_deref(), Some(agent));
    }
}

#[tokio::test]
async fn a_call_for_a_person_is_not_missed() {
    let house = started().await;
    house.hears("My invoice 4711 is wrong").await;
    let result = house.hears("This leads nowhere, let me talk to a human!").await;
    assert_eq!(house.agent(), "human");
    assert!(result.text().contains("I am calling a colleague"), "{}", result.text());
    assert_eq!(house.request().status(), RequestStatus::Escalated);

    house.hears("When does the real person come?").await;
    assert_eq!(house.agent(), "human");
    let told = house.told(2).await;
    assert_eq!(told, [NotificationKind::Created, NotificationKind::Escalated], "once, not twice");
}

#[tokio::test]
async fn danger_does_not_wait_for_a_specialist() {
    let house = started().await;
    house.hears("There is smoke coming out of the hub").await;
    assert_eq!(house.agent(), "human");
    assert_eq!(house.request().status(), RequestStatus::Escalated);
}

#[tokio::test]
async fn failures_do_not_go_on_for_ever() {
    let house = started().await;
    house.hears("My hub is dead").await;
    house.hears("The hub is still dead").await;
    assert_eq!((house.agent().as_str(), house.request().failures()), ("technical", 2));
    house.hears("And now the hub is hot").await;
    assert_eq!(house.agent(), "human");
    assert_eq!(house.request().status(), RequestStatus::Escalated);
}

#[tokio::test]
async fn a_transfer_does_not_end_at_the_same_desk() {
    let house = started().await;
    house.hears("My invoice 4711 is wrong").await;
    let result = house.hears("No, it is about my lights").await;
    assert_eq!(house.agent(), "technical");
    assert!(result.text().contains("kitchen lights answer"), "{}", result.text());
    assert_eq!(house.request().category.as_deref(), Some("technical"));
}

#[tokio::test]
async fn a_resolved_request_does_not_swallow_the_next() {
    let house = started().await;
    house.hears("My invoice 4711 is wrong").await;
    house.hears("Thank you").await;
    assert_eq!(house.request().status(), RequestStatus::Resolved);
    house.hears("Now my kitchen lights are dark").await;
    assert_eq!(house.agent(), "technical");
    let requests = house.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].category.as_deref(), Some("technical"));
}

#[tokio::test]
async fn nothing_is_miscounted() {
    let house = started().await;
    let timed = tokio::spawn(call::time_answers(house.session.clone(), house.session.events()));
    house.hears("My invoice 4711 is wrong").await;
    house.hears("Yes, refund it").await;
    house.hears("Thank you").await;
    house.hears("My kitchen lights are dark").await;
    house.hears("I want to speak to a person").await;
    house.session.close().await;
    timed.await.unwrap();

    let figures = house.office.requests.analytics().unwrap();
    assert_eq!((figures.requests, figures.turns, figures.escalated), (2, 5, 1));
    assert_eq!(figures.escalation_rate, 0.5);
    let counts = |counts: &std::collections::BTreeMap<String, usize>| format!("{counts:?}");
    assert_eq!(counts(&figures.by_status), r#"{"escalated": 1, "resolved": 1}"#);
    assert_eq!(counts(&figures.by_category), r#"{"billing": 1, "technical": 1}"#);
    assert!(figures.mean_response_ms.is_some(), "no answer was timed");
}

#[tokio::test]
async fn a_new_call_does_not_know_the_one_before() {
    let house = started().await;
    house.hears("My invoice 4711 is wrong").await;
    call::hang_up(&house.session).await.unwrap();
    house.hears("I moved to another town").await;
    assert_eq!(house.agent(), "general");
    let asked = house.llm.requests().pop().unwrap();
    let of_before =
        |item: &ChatItem| matches!(&item.content, ChatContent::Message { text, .. } if text.contains("4711"));
    assert!(!asked.items.iter().any(of_before), "{:?}", asked.items);
    let requests = house.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].status(), RequestStatus::Closed);
}

#[tokio::test]
async fn a_request_is_not_forgotten_with_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("requests.db");
    let before = {
        let house = build(script(), Arc::new(SqliteStore::open(&file).unwrap()));
        house.session.start_text(Triage).await.unwrap();
        house.hears("My invoice 4711 is wrong").await;
        house.session.close().await;
        house.request()
    };
    let house = build(script(), Arc::new(SqliteStore::open(&file).unwrap()));
    assert_eq!(house.request(), before);
}

/// The caller speaks, is routed and helped; what they ask next is another request; then they want a
/// person. All of it is in the store.
#[test]
fn a_spoken_call_does_not_lose_its_requests() {
    // Where notifications run.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let store = Arc::new(MemoryStore::new());
    let House { session, office, told: notified, .. } = {
        let _entered = runtime.enter();
        build(script(), store.clone())
    };
    let mut talk = Talk::start(session, Triage, &["turn-on-the-kitchen-lights", "thank-you-goodbye"]);
    talk.run(Duration::from_secs(8));
    let heard = talk.heard();
    assert_eq!(heard[0], "Hearth, hello. What is it about?");
    assert!(heard[1].contains("The kitchen lights answer, and are on."), "{heard:#?}");
    assert_eq!(heard[2], "Then all is well. Is there anything else?");
    let events = told::drain(&mut talk.events);
    assert_eq!(told::handoffs(&events), ["technical"]);
    let request = office.requests.list().unwrap().remove(0);
    assert_eq!((request.status(), request.agent.as_deref()), (RequestStatus::Resolved, Some("technical")));
    assert_eq!(request.turns(), 2, "a turn was not counted");

    talk.stage.session().user_text("Let me talk to a human").unwrap();
    talk.stage.run_for(Duration::from_secs(8)).unwrap();
    assert_eq!(told::handoffs(&told::drain(&mut talk.events)).last().map(String::as_str), Some("human"));
    assert!(
        talk.heard().iter().any(|said| said.starts_with("I am calling a colleague")),
        "{:?}",
        talk.heard()
    );
    talk.stage.close().unwrap();

    // Whoever opens the store afterwards finds both.
    let kept = duologue::triage::Requests::new(store);
    let escalated = kept.list().unwrap().into_iter().filter(|r| r.status() == RequestStatus::Escalated);
    assert_eq!((kept.list().unwrap().len(), escalated.count()), (2, 1));
    assert!(kept.analytics().unwrap().to_string().contains("escalat"));
    runtime.block_on(async {
        let all = async {
            while !notified.lock().unwrap().contains(&NotificationKind::Escalated) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all).await.expect("a person is called");
    });
}
