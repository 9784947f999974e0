//! The office: its departments, when it calls a person, and whom it tells.

use std::sync::Arc;

use duologue::agent::Error;
use duologue::agent::llm::Llm;
use duologue::agent::store::RecordStore;
use duologue::triage::{EscalationPolicy, Notifications, Priority, Requests, Route, Router};

use super::call::Office;

/// Without a model, the keywords decide.
pub fn open(
    llm: Option<Arc<dyn Llm>>,
    store: Arc<dyn RecordStore>,
    notifications: Notifications,
) -> Result<Arc<Office>, Error> {
    let technical = Route::new("technical", "technical")
        .about("lights, hubs and other devices that do not work")
        .keywords(["light", "lights", "hub", "timer", "broken"]);
    let billing = Route::new("billing", "billing")
        .about("invoices, payments, refunds")
        .keywords(["invoice", "refund", "money", "paid"]);
    let safety = Route::new("safety", "technical")
        .about("smoke, fire, electric shocks")
        .keywords(["smoke", "fire", "shock"])
        .priority(Priority::Urgent);
    let general = Route::new("general", "general").about("accounts, and everything else");
    let mut router = Router::builder()
        .route(safety)
        .route(technical)
        .route(billing)
        .route(general)
        .default_route("general");
    if let Some(llm) = llm {
        router = router.llm(llm);
    }
    let policy = EscalationPolicy {
        keywords: vec!["lawyer".to_owned()],
        failures: Some(2),
        ..EscalationPolicy::default()
    };
    policy.check()?;
    Ok(Arc::new(Office { requests: Requests::new(store), router: router.build()?, policy, notifications }))
}
