//! What a triage system needs: who should answer, how far a request is, when a person takes over.
//!
//! | part | what |
//! |---|---|
//! | [`Router`] | asks a model for a typed [`Decision`]; falls back by rule, and says so |
//! | [`decide`] | asks a model for any typed answer |
//! | [`RequestState`], [`Requests`] | how far a request is, kept in a store |
//! | [`EscalationPolicy`] | when a person takes over, as data |
//! | [`Analytics`] | counts, response time and escalation rate of the kept requests |
//! | [`Notifications`], [`Notifier`] | tells other systems, without holding up the conversation |
//!
//! The parts know nothing of sessions and of each other; an agent's hooks put them together.
//!
//! Invariant: routing always gives a decision; a status only moves along
//! [`RequestStatus::can_become`]; two writers of one request never undo each other's change; a hook
//! that fails or hangs reaches nobody but itself.
//!
//! ```
//! use std::sync::Arc;
//!
//! use duologue_triage::{
//!     Analytics, EscalationPolicy, Priority, RequestStatus, Requests, Route, Router,
//! };
//! use duologue_agent::store::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), duologue_agent::Error> {
//! let requests = Requests::new(Arc::new(MemoryStore::new()));
//! let router = Router::builder()
//!     .route(Route::new("billing", "billing-agent").about("invoices, refunds").keywords(["invoice"]))
//!     .route(Route::new("general", "concierge").about("everything else"))
//!     .default_route("general")
//!     .build()?; // without a model: by rule alone
//! let policy = EscalationPolicy::default();
//!
//! let said = "My invoice is wrong, let me talk to a human.";
//! let request = requests.create("ada")?;
//! let routed = router.route(&[], said).await;
//! assert_eq!(routed.decision.agent, "billing-agent");
//!
//! let request = requests.update(&request.id, |request| {
//!     request.assign(&routed.decision)?;
//!     request.record_turn(None);
//!     match policy.reason(request, said) {
//!         Some(reason) => request.escalate(reason),
//!         None => Ok(()),
//!     }
//! })?;
//! assert_eq!(request.status(), RequestStatus::Escalated);
//! assert_eq!(request.priority, Priority::Normal);
//! println!("{}", Analytics::of(&requests.list()?));
//! # Ok(()) }
//! ```

mod analytics;
mod decide;
mod escalation;
mod loose_json;
mod notify;
mod request;
mod requests;
mod router;
#[cfg(feature = "webhook")]
mod webhook;
mod words;

pub use analytics::Analytics;
pub use decide::{DEFAULT_TIME_LIMIT, DecideError, Decided, decide};
pub use escalation::{EscalationPolicy, EscalationReason};
pub use notify::{
    FnNotifier, LogNotifier, Notification, NotificationKind, Notifications, NotificationsBuilder, Notifier,
    NotifyCounts,
};
pub use request::{Priority, RequestState, RequestStatus};
pub use requests::Requests;
pub use router::{Decision, Fallback, Route, RoutePath, Routed, Router, RouterBuilder};
#[cfg(feature = "webhook")]
pub use webhook::WebhookNotifier;
