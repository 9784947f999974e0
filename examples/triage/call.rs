//! One caller's conversation: the request it is about, and what happens to it at each turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use duologue::agent::session::SessionEvents;
use duologue::agent::{AgentSession, Carry, Error, ErrorKind, Handoff, SessionEvent};
use duologue::triage::{
    Decision, EscalationPolicy, EscalationReason, Notification, NotificationKind, Notifications,
    RequestState, RequestStatus, Requests, Router,
};

use super::agents::{Human, Specialist, Triage};

/// What all conversations share.
pub struct Office {
    pub requests: Requests,
    pub router: Router,
    pub policy: EscalationPolicy,
    pub notifications: Notifications,
}

/// The session's userdata.
pub struct Call {
    pub user: String,
    pub office: Arc<Office>,
    /// The request that is open.
    pub request: Option<String>,
    /// When the user ended the turn that waits for its first word.
    asked: Option<Instant>,
}

impl Call {
    pub fn new(user: impl Into<String>, office: Arc<Office>) -> Self {
        Self { user: user.into(), office, request: None, asked: None }
    }
}

/// The user has said `said`: counts the turn, calls a person if the policy says so, and finds who
/// answers if nobody has the request yet.
pub async fn take_turn(session: &AgentSession<Call>, said: &str) -> Result<(), Error> {
    let (office, open) = {
        let mut call = session.userdata();
        call.asked = Some(Instant::now());
        (Arc::clone(&call.office), call.request.clone())
    };
    let is_new = open.is_none();
    if is_new {
        let routed = office.router.route(session.history().items(), said).await;
        session.send_status(&format!("{} ({:?})", routed.decision.category, routed.path));
        create(session, routed.decision).await?;
    }
    let request = change(session, |request| {
        request.record_turn(None);
        Ok(())
    })
    .await?;
    if let Some(reason) = office.policy.reason(&request, said) {
        return escalate(session, reason).await;
    }
    match request.agent.as_deref().and_then(Specialist::by_id) {
        Some(specialist) if is_new => session.update_agent(Handoff::to(specialist)),
        _ => Ok(()),
    }
}

/// Calls a person, who takes over.
pub async fn escalate(session: &AgentSession<Call>, reason: EscalationReason) -> Result<(), Error> {
    let why = reason.to_string();
    let request = change(session, move |request| request.escalate(reason.clone())).await?;
    notify(session, NotificationKind::Escalated, &why, &request);
    session.update_agent(Handoff::to(Human))
}

/// The user has what they wanted; what they say next is a new request.
pub async fn resolve(session: &AgentSession<Call>) -> Result<(), Error> {
    let request = change(session, |request| request.set_status(RequestStatus::Resolved)).await?;
    notify(session, NotificationKind::Resolved, "the caller has what they wanted", &request);
    session.userdata().request = None;
    Ok(())
}

/// Begins anew: the open request is closed, and nothing is known of the conversation so far.
pub async fn hang_up(session: &AgentSession<Call>) -> Result<(), Error> {
    if session.userdata().request.is_some() {
        change(session, |request| request.set_status(RequestStatus::Closed)).await?;
        session.userdata().request = None;
    }
    session.update_agent(Handoff::to(Triage).carry(Carry::Fresh))
}

/// Changes the open request in the store, without holding up the session's runtime.
pub async fn change(
    session: &AgentSession<Call>,
    change: impl FnMut(&mut RequestState) -> Result<(), Error> + Send + 'static,
) -> Result<RequestState, Error> {
    let (office, id) = {
        let call = session.userdata();
        (Arc::clone(&call.office), call.request.clone())
    };
    let id = id.ok_or_else(|| Error::new(ErrorKind::Invalid, "no request is open; the caller begins one"))?;
    blocking(move || office.requests.update(&id, change)).await
}

async fn create(session: &AgentSession<Call>, decision: Decision) -> Result<(), Error> {
    let (office, user) = {
        let call = session.userdata();
        (Arc::clone(&call.office), call.user.clone())
    };
    let conversation = session.id().to_owned();
    let request = blocking(move || {
        let mut request = RequestState::new(user);
        request.session = Some(conversation);
        request.assign(&decision)?;
        office.requests.insert(&request).map(|()| request)
    })
    .await?;
    session.userdata().request = Some(request.id.clone());
    notify(session, NotificationKind::Created, "a caller asks for something", &request);
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(Error::new(ErrorKind::Store, panic.to_string())))
}

fn notify(session: &AgentSession<Call>, kind: NotificationKind, text: &str, request: &RequestState) {
    let call = session.userdata();
    // What cannot be told is logged and counted there.
    call.office.notifications.send(Notification::new(kind, text).about(request));
}

/// Notes how long the caller waits for the first word of each answer, until the session is over.
pub async fn time_answers(session: AgentSession<Call>, mut events: SessionEvents) {
    while let Some(event) = events.next().await {
        if !matches!(event, SessionEvent::AgentTranscript { .. }) {
            continue;
        }
        let Some(asked) = session.userdata().asked.take() else { continue };
        let waited: Duration = asked.elapsed();
        // A request that was closed in the meantime needs no figure.
        let _ = change(&session, move |request| {
            request.record_response(waited);
            Ok(())
        })
        .await;
    }
}
