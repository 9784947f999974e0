//! Telling other systems, without holding up the conversation.

mod queue;

use std::future::Future;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use queue::{Notifications, NotificationsBuilder, NotifyCounts};

use crate::RequestState;
use duologue_agent::Error;

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotificationKind {
    /// A request was made.
    Created,
    /// It was given to an agent.
    Assigned,
    /// A person must take over.
    Escalated,
    /// The user has what they wanted.
    Resolved,
    /// A conversation or one of its parts failed.
    Failed,
    /// Something of one's own.
    Custom(String),
}

/// Something that other systems are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Unique: a receiver knows by it that a repeated delivery is one.
    pub id: String,
    /// When.
    pub timestamp: DateTime<Utc>,
    /// What has happened.
    pub kind: NotificationKind,
    /// In words.
    pub text: String,
    /// To which request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestState>,
}

impl Notification {
    /// Of now.
    pub fn new(kind: NotificationKind, text: impl Into<String>) -> Self {
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            timestamp: Utc::now(),
            kind,
            text: text.into(),
            request: None,
        }
    }

    /// About `request`, as it is now.
    #[must_use]
    pub fn about(mut self, request: &RequestState) -> Self {
        self.request = Some(request.clone());
        self
    }
}

/// Tells one other system. Errors are tried again by [`Notifications`].
///
/// It must not block its thread: a hook that calls blocking code does so in
/// [`tokio::task::spawn_blocking`].
#[async_trait]
pub trait Notifier: Send + Sync + 'static {
    /// For logs.
    fn name(&self) -> &str;

    /// Tells it.
    ///
    /// # Errors
    /// Any, if it was not told.
    async fn notify(&self, notification: &Notification) -> Result<(), Error>;
}

/// Writes notifications to the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogNotifier;

#[async_trait]
impl Notifier for LogNotifier {
    fn name(&self) -> &str {
        "log"
    }

    async fn notify(&self, notification: &Notification) -> Result<(), Error> {
        let request = notification.request.as_ref().map(|request| request.id.as_str());
        tracing::info!(kind = ?notification.kind, request, "{}", notification.text);
        Ok(())
    }
}

/// Calls an async closure.
pub struct FnNotifier<F> {
    name: String,
    call: F,
}

impl<F, R> FnNotifier<F>
where
    F: Fn(Notification) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), Error>> + Send + 'static,
{
    /// Calls `call`; `name` is for logs.
    pub fn new(name: impl Into<String>, call: F) -> Self {
        Self { name: name.into(), call }
    }
}

#[async_trait]
impl<F, R> Notifier for FnNotifier<F>
where
    F: Fn(Notification) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), Error>> + Send + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn notify(&self, notification: &Notification) -> Result<(), Error> {
        (self.call)(notification.clone()).await
    }
}
