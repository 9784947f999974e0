//! Notifications as HTTP requests.

use async_trait::async_trait;
use reqwest::{Client, Url};

use crate::{Notification, Notifier};
use duologue_agent::{Error, ErrorKind};

/// Posts each notification as JSON to a URL. Any status from 200 to 299 means that it was taken; all
/// else is tried again by [`super::Notifications`], so receivers should know a repeated `id`.
///
/// ```no_run
/// use duologue_triage::{Notifications, WebhookNotifier};
///
/// # async fn start() -> Result<(), duologue_agent::Error> {
/// let webhook = WebhookNotifier::new("http://127.0.0.1:8080/hooks/voice")?.bearer("secret");
/// let notifications = Notifications::builder().notifier(webhook).start();
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct WebhookNotifier {
    client: Client,
    url: Url,
    token: Option<String>,
}

impl WebhookNotifier {
    /// Posts to `url`, `http` or `https`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it is not such a URL.
    pub fn new(url: &str) -> Result<Self, Error> {
        let wrong = |why: String| {
            let message = format!("webhook URL {url:?} {why}; write http://HOST/PATH or https://HOST/PATH");
            Error::new(ErrorKind::Config, message)
        };
        let parsed = Url::parse(url).map_err(|error| wrong(format!("is no URL ({error})")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(wrong(format!("has scheme {:?}", parsed.scheme())));
        }
        // An error means that the process has a provider of cryptography already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A redirect would turn the POST into a GET that tells nobody anything.
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| wrong(format!("cannot be served ({error})")))?;
        Ok(Self { client, url: parsed, token: None })
    }

    /// With an `Authorization: Bearer` header.
    #[must_use]
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }
}

#[async_trait]
impl Notifier for WebhookNotifier {
    fn name(&self) -> &str {
        self.url.host_str().unwrap_or("webhook")
    }

    async fn notify(&self, notification: &Notification) -> Result<(), Error> {
        let mut request = self.client.post(self.url.clone()).json(notification);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let failed = |error: reqwest::Error| {
            let kind = if error.is_timeout() { ErrorKind::TimedOut } else { ErrorKind::Tool };
            // The error's text would hold the URL, which may hold a secret.
            Error::new(kind, format!("{}: {}", self.name(), error.without_url()))
        };
        let status = request.send().await.map_err(failed)?.status();
        if status.is_success() {
            return Ok(());
        }
        let message = format!("{} answered {status}; check the receiver", self.name());
        Err(Error::new(ErrorKind::Tool, message))
    }
}
