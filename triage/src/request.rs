//! How far a request is.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Decision, EscalationReason};
use duologue_agent::{Error, ErrorKind};

/// How soon a request must be answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// When there is time.
    #[serde(alias = "Low", alias = "LOW")]
    Low,
    /// In order.
    #[default]
    #[serde(alias = "Normal", alias = "NORMAL", alias = "medium", alias = "Medium", alias = "MEDIUM")]
    Normal,
    /// Before others.
    #[serde(alias = "High", alias = "HIGH")]
    High,
    /// At once.
    #[serde(alias = "Urgent", alias = "URGENT", alias = "critical", alias = "Critical", alias = "CRITICAL")]
    Urgent,
}

impl Priority {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

/// How far a request is.
///
/// ```text
/// new → assigned → in_progress ⇄ waiting_for_user;  new → in_progress (nobody chose)
/// in_progress, waiting_for_user → assigned (handed on)
/// all of these → escalated → in_progress (taken over, or given back)
/// all of these → resolved → in_progress (reopened)
/// all of these → closed, for good
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestStatus {
    /// Nobody has looked at it.
    #[default]
    New,
    /// An agent is chosen.
    Assigned,
    /// It is worked on.
    InProgress,
    /// The user's answer is awaited.
    WaitingForUser,
    /// A person takes over.
    Escalated,
    /// The user has what they wanted.
    Resolved,
    /// Nothing more happens.
    Closed,
}

impl RequestStatus {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Assigned,
        Self::InProgress,
        Self::WaitingForUser,
        Self::Escalated,
        Self::Resolved,
        Self::Closed,
    ];

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Assigned => "assigned",
            Self::InProgress => "in_progress",
            Self::WaitingForUser => "waiting_for_user",
            Self::Escalated => "escalated",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }

    /// Whether a request may go from this status to `next`.
    pub fn can_become(self, next: Self) -> bool {
        use RequestStatus::{Assigned, Closed, Escalated, InProgress, New, Resolved, WaitingForUser};
        match (self, next) {
            (Closed, _) | (_, New) => false,
            (_, Closed) => true,
            (Resolved, next) => next == InProgress,
            (_, Resolved) => true,
            (Escalated, next) => next == InProgress,
            (_, Escalated) => true,
            (New, next) => matches!(next, Assigned | InProgress),
            (Assigned, next) => next == InProgress,
            (InProgress, next) => matches!(next, Assigned | WaitingForUser),
            (WaitingForUser, next) => matches!(next, Assigned | InProgress),
        }
    }

    /// Whether nobody works on it any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Resolved | Self::Closed)
    }
}

impl fmt::Display for RequestStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A user's request, from its first word to its end. Kept by [`super::Requests`].
///
/// What follows rules is changed by methods; the rest is plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestState {
    /// Unique.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// The conversation it is dealt with in.
    #[serde(default)]
    pub session: Option<String>,
    /// What it is about.
    pub category: Option<String>,
    /// How soon it must be answered.
    pub priority: Priority,
    /// Who deals with it.
    #[serde(default)]
    pub agent: Option<String>,
    status: RequestStatus,
    turns: u32,
    failures: u32,
    answered: u32,
    response_ms: u64,
    escalation: Option<EscalationReason>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl RequestState {
    /// A new one of `user`.
    pub fn new(user: impl Into<String>) -> Self {
        let now = Utc::now();
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            user: user.into(),
            session: None,
            category: None,
            priority: Priority::default(),
            agent: None,
            status: RequestStatus::New,
            turns: 0,
            failures: 0,
            answered: 0,
            response_ms: 0,
            escalation: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// How far it is.
    pub fn status(&self) -> RequestStatus {
        self.status
    }

    /// How many turns of the user it has taken.
    pub fn turns(&self) -> u32 {
        self.turns
    }

    /// How many failures there were in a row: turns that brought the user nothing.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Why a person was called, the last time.
    pub fn escalation(&self) -> Option<&EscalationReason> {
        self.escalation.as_ref()
    }

    /// When it was made.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }

    /// When it was last changed in the store.
    pub fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    /// Mean time from the end of a user's turn to the answer; `None` without a timed turn.
    pub fn mean_response(&self) -> Option<Duration> {
        (self.answered > 0).then(|| Duration::from_millis(self.response_ms / u64::from(self.answered)))
    }

    /// How many turns were timed, and the sum of their times, ms.
    pub(super) fn responses(&self) -> (u32, u64) {
        (self.answered, self.response_ms)
    }

    /// Moves on to `next`; staying is no error.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if [`RequestStatus::can_become`] forbids it; nothing changes.
    pub fn set_status(&mut self, next: RequestStatus) -> Result<(), Error> {
        if next == self.status {
            return Ok(());
        }
        if next == RequestStatus::Escalated && self.escalation.is_none() {
            let message = format!("request {} needs a reason to be escalated; use escalate()", self.id);
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        self.require(next)?;
        self.status = next;
        Ok(())
    }

    /// Gives it to the agent of `decision`, with its category and priority. A request that is worked
    /// on already, or escalated, keeps its status.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is over; nothing changes.
    pub fn assign(&mut self, decision: &Decision) -> Result<(), Error> {
        if self.status.is_over() {
            self.require(RequestStatus::Assigned)?;
        }
        if self.status == RequestStatus::New {
            self.set_status(RequestStatus::Assigned)?;
        }
        self.category = Some(decision.category.clone());
        self.priority = decision.priority;
        self.agent = Some(decision.agent.clone());
        Ok(())
    }

    /// Calls a person, for `reason`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is over; nothing changes.
    pub fn escalate(&mut self, reason: EscalationReason) -> Result<(), Error> {
        if self.status != RequestStatus::Escalated {
            self.require(RequestStatus::Escalated)?;
        }
        self.status = RequestStatus::Escalated;
        self.escalation = Some(reason);
        Ok(())
    }

    /// The user has taken a turn; `response` is how long they waited for the answer, if it is known.
    pub fn record_turn(&mut self, response: Option<Duration>) {
        self.turns = self.turns.saturating_add(1);
        if let Some(response) = response {
            self.record_response(response);
        }
    }

    /// The user has waited this long for the answer to a turn that is recorded already.
    pub fn record_response(&mut self, response: Duration) {
        self.answered = self.answered.saturating_add(1);
        let ms = u64::try_from(response.as_millis()).unwrap_or(u64::MAX);
        self.response_ms = self.response_ms.saturating_add(ms);
    }

    /// A turn brought the user nothing: it was not understood, or a tool failed.
    pub fn record_failure(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// A turn brought the user something: failures are counted anew.
    pub fn record_success(&mut self) {
        self.failures = 0;
    }

    pub(super) fn touch(&mut self) {
        // Never before it was made, whatever the clock does.
        self.updated_at = Utc::now().max(self.updated_at);
    }

    fn require(&self, next: RequestStatus) -> Result<(), Error> {
        if self.status.can_become(next) {
            return Ok(());
        }
        let allowed: Vec<_> = RequestStatus::ALL
            .iter()
            .filter(|next| self.status.can_become(**next))
            .map(|s| s.as_str())
            .collect();
        let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
        let message = format!(
            "request {} is {} and cannot become {next}; it can become: {allowed}",
            self.id, self.status
        );
        Err(Error::new(ErrorKind::Invalid, message))
    }
}
