//! The figures of requests.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::RequestState;

/// What requests with no category are counted as.
const NO_CATEGORY: &str = "(none)";

/// The figures of requests; as JSON by `serde`, for people by `Display`.
///
/// ```
/// use duologue_triage::{Analytics, RequestState};
///
/// let figures = Analytics::of(&[RequestState::new("ada"), RequestState::new("bob")]);
/// assert_eq!(figures.requests, 2);
/// assert_eq!(figures.by_status["new"], 2);
/// assert_eq!(serde_json::to_value(&figures).unwrap()["escalation_rate"], 0.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Analytics {
    /// How many requests.
    pub requests: usize,
    /// How many of each status.
    pub by_status: BTreeMap<String, usize>,
    /// How many of each category.
    pub by_category: BTreeMap<String, usize>,
    /// How many of each priority.
    pub by_priority: BTreeMap<String, usize>,
    /// Turns of users.
    pub turns: u64,
    /// Mean time from the end of a user's turn to the answer, over all timed turns, ms.
    pub mean_response_ms: Option<f64>,
    /// How many were ever escalated.
    pub escalated: usize,
    /// The part of the requests that were ever escalated, 0 to 1.
    pub escalation_rate: f64,
}

impl Analytics {
    /// The figures of `requests`.
    pub fn of(requests: &[RequestState]) -> Self {
        let mut figures = Self { requests: requests.len(), ..Self::default() };
        let (mut answered, mut response_ms) = (0_u64, 0_u64);
        for request in requests {
            let category = request.category.as_deref().unwrap_or(NO_CATEGORY);
            *figures.by_status.entry(request.status().as_str().to_owned()).or_default() += 1;
            *figures.by_category.entry(category.to_owned()).or_default() += 1;
            *figures.by_priority.entry(request.priority.as_str().to_owned()).or_default() += 1;
            figures.turns += u64::from(request.turns());
            figures.escalated += usize::from(request.escalation().is_some());
            let (count, ms) = request.responses();
            answered += u64::from(count);
            response_ms = response_ms.saturating_add(ms);
        }
        figures.mean_response_ms = (answered > 0).then(|| response_ms as f64 / answered as f64);
        if figures.requests > 0 {
            figures.escalation_rate = figures.escalated as f64 / figures.requests as f64;
        }
        figures
    }
}

impl fmt::Display for Analytics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mean = self.mean_response_ms.map_or("-".to_owned(), |ms| format!("{ms:.0} ms"));
        let rate = format!("{} ({:.0} %)", self.escalated, 100.0 * self.escalation_rate);
        let mut rows = vec![
            ("requests".to_owned(), self.requests.to_string()),
            ("turns".to_owned(), self.turns.to_string()),
            ("mean response".to_owned(), mean),
            ("escalated".to_owned(), rate),
        ];
        let groups =
            [("status", &self.by_status), ("category", &self.by_category), ("priority", &self.by_priority)];
        for (name, counts) in groups {
            rows.extend(counts.iter().map(|(value, count)| (format!("{name} {value}"), count.to_string())));
        }
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in rows {
            writeln!(f, "{name:<width$}  {value:>10}")?;
        }
        Ok(())
    }
}
