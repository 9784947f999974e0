//! Sends requests: failures of connection and status, and a limit of bytes, as [`LlmError`]s.
//!
//! It speaks HTTP by itself: `async-openai` keeps neither the status of every failure nor
//! `Retry-After`, repeats requests of its own accord and reads ahead of whoever takes the answer.

use std::error::Error as _;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::{Stream, StreamExt};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Response, StatusCode, Url, redirect};
use serde_json::Value;

use super::assembly::told;
use super::config::OpenAiConfig;
use crate::llm::{LlmError, LlmErrorKind};
use crate::{Error, ErrorKind, tls};

/// The chunks of an answer; it ends after `[DONE]` or the first failure.
pub(super) type Chunks = Pin<Box<dyn Stream<Item = Result<Value, Failure>> + Send>>;

/// Most bytes of a failure's body that are read.
const MAX_FAILURE: usize = 16 * 1024;
/// How long reading a failure's body may take.
const FAILURE_TIME: Duration = Duration::from_secs(2);
/// Most characters of a server's own words in an error.
const MAX_TOLD: usize = 300;
/// JSON and SSE around a token: bytes on the wire for each byte of answer, generously.
const OVERHEAD: usize = 128;

/// The HTTP client for `url`.
pub(super) fn http_client(url: &Url, config: &OpenAiConfig) -> Result<reqwest::Client, Error> {
    tls::install();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(config.connect)
        .tcp_nodelay(true)
        // The key and the conversation go to the server that was named, and to no other.
        .redirect(redirect::Policy::none());
    if url.scheme() == "http" {
        // Without certificates on the machine, no client could be made otherwise.
        builder = builder.tls_certs_only([]);
    } else if let Some(file) = &config.ca_file {
        builder = builder.tls_certs_merge(authorities(file)?);
    }
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| {
        let message = format!(
            "[llm] base_url {}: no HTTPS client can be made: {}; install the system's certificates (ca-certificates)",
            config.base(),
            root(&error)
        );
        Error::new(ErrorKind::Config, message)
    })
}

/// The certificates of a PEM file.
fn authorities(file: &Path) -> Result<Vec<Certificate>, Error> {
    let fault = |problem: String| {
        Error::new(ErrorKind::Config, format!("[llm] ca_file {}: {problem}", file.display()))
    };
    let text = std::fs::read(file).map_err(|error| fault(format!("cannot be read: {error}")))?;
    let found = Certificate::from_pem_bundle(&text)
        .map_err(|error| fault(format!("is no list of PEM certificates: {}", root(&error))))?;
    if found.is_empty() {
        return Err(fault("holds no certificate; it begins with -----BEGIN CERTIFICATE-----".to_owned()));
    }
    Ok(found)
}

/// Why the server's certificate was refused, if it was.
fn distrust(error: &reqwest::Error) -> Option<&rustls::CertificateError> {
    std::iter::successors(error.source(), |&error| error.source()).find_map(|mut error| {
        // An I/O error hides what it holds from `source`, and may hold another.
        while let Some(held) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            error = held;
        }
        match error.downcast_ref::<rustls::Error>()? {
            rustls::Error::InvalidCertificate(problem) => Some(problem),
            _ => None,
        }
    })
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn authorization(config: &OpenAiConfig) -> Option<HeaderValue> {
    let key = config.api_key.as_ref()?;
    let mut value = HeaderValue::try_from(format!("Bearer {}", key.reveal())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A failure, and when the server wants to be asked again.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub error: LlmError,
    pub retry_after: Option<Duration>,
}

/// Names the server and the model in errors, and keeps the key out of them.
#[derive(Clone)]
pub(super) struct Teller {
    base: String,
    model: String,
    key: Option<String>,
}

impl Teller {
    pub(super) fn new(config: &OpenAiConfig) -> Self {
        let key = config.api_key.as_ref().map(|key| key.reveal().to_owned());
        Self { base: config.base().to_owned(), model: config.model.clone(), key }
    }

    pub(super) fn failure(&self, kind: LlmErrorKind, problem: &str) -> Failure {
        let problem = match &self.key {
            Some(key) => problem.replace(key.as_str(), "***"),
            None => problem.to_owned(),
        };
        let error = LlmError::new(kind, format!("{} (model {}): {problem}", self.base, self.model));
        Failure { error, retry_after: None }
    }
}

/// How a model's server is asked. Connections are kept and shared.
pub(super) struct Transport {
    http: reqwest::Client,
    url: String,
    authorization: Option<HeaderValue>,
    teller: Teller,
    connect: Duration,
    max_wire_bytes: usize,
}

impl Transport {
    /// # Errors
    /// [`ErrorKind::Config`] naming the key that is wrong.
    pub(super) fn new(config: &OpenAiConfig) -> Result<Self, Error> {
        config.validate()?;
        let url = Url::parse(config.base()).map_err(|_| config.no_url())?;
        Ok(Self {
            http: http_client(&url, config)?,
            url: format!("{}/chat/completions", config.base()),
            authorization: authorization(config),
            teller: Teller::new(config),
            connect: config.connect,
            max_wire_bytes: config.max_bytes.saturating_mul(OVERHEAD),
        })
    }

    /// Makes failures known by the server and the model.
    pub(super) fn teller(&self) -> &Teller {
        &self.teller
    }

    /// Sends `body`; gives the answer once its status has come. Dropping it closes the connection.
    pub(super) async fn ask(&self, body: &Value) -> Result<Chunks, Failure> {
        let mut request = self.http.post(&self.url).header(ACCEPT, "text/event-stream").json(body);
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        match request.send().await {
            Ok(response) if response.status().is_success() => {
                Ok(chunks(response.bytes_stream(), self.teller.clone(), self.max_wire_bytes))
            }
            Ok(response) => Err(self.refused(response).await),
            Err(error) => Err(self.not_sent(&error)),
        }
    }

    fn not_sent(&self, error: &reqwest::Error) -> Failure {
        let io = std::iter::successors(error.source(), |&error| error.source())
            .find_map(|error| error.downcast_ref::<io::Error>().map(io::Error::kind));
        if let Some(problem) = distrust(error) {
            // Nothing that passes: it is not asked again.
            let problem = format!(
                "the server's certificate is not trusted: {problem}; is base_url right? If it is your own \
                 server, name its authority's certificate in ca_file (DUOLOGUE_LLM__CA_FILE)"
            );
            return self.teller.failure(LlmErrorKind::Refused, &problem);
        }
        let problem = if error.is_connect() && error.is_timeout() {
            format!("no connection within {:?}; is the address right, and the server running?", self.connect)
        } else if io == Some(io::ErrorKind::ConnectionRefused) {
            "connection refused; is the server running?".into()
        } else if error.is_connect() {
            format!("no connection: {}; is the address right, and the server running?", root(error))
        } else {
            format!("the connection was closed without an answer: {}; see the server's log", root(error))
        };
        self.teller.failure(LlmErrorKind::Unreachable, &problem)
    }

    async fn refused(&self, response: Response) -> Failure {
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let said = tokio::time::timeout(FAILURE_TIME, said(response)).await.unwrap_or_default();
        let (kind, remedy) = judged(status, &said, retry_after);
        let said = if said.is_empty() { String::new() } else { format!(" {said:?}") };
        let problem = format!("the server answered {status}{said}; {remedy}");
        Failure { retry_after, ..self.teller.failure(kind, &problem) }
    }
}

/// The chunks in the `body` of an answer, which may have `limit` bytes.
pub(super) fn chunks<B, E>(
    body: impl Stream<Item = Result<B, E>> + Send + 'static,
    teller: Teller,
    limit: usize,
) -> Chunks
where
    B: AsRef<[u8]> + Send + 'static,
    E: std::error::Error + Send + 'static,
{
    let (told, mut bytes) = (teller.clone(), 0_usize);
    let body = body.map(move |part| match part {
        Ok(part) => {
            bytes = bytes.saturating_add(part.as_ref().len());
            if bytes <= limit {
                return Ok(part);
            }
            let problem = format!("the answer takes more than {limit} bytes; lower max_tokens");
            Err(teller.failure(LlmErrorKind::TooLong, &problem))
        }
        Err(error) => {
            let problem = format!("the answer broke off: {}; see the server's log", root(&error));
            Err(teller.failure(LlmErrorKind::Server, &problem))
        }
    });
    let malformed = move |problem: String| told.failure(LlmErrorKind::Malformed, &problem);
    let events = body.eventsource().take_while(|event| {
        let more = !matches!(event, Ok(event) if event.data == "[DONE]");
        async move { more }
    });
    let chunks = events.map(move |event| match event {
        Ok(event) => serde_json::from_str(&event.data)
            .map_err(|error| malformed(format!("the answer is no JSON: {error}"))),
        Err(EventStreamError::Transport(failure)) => Err(failure),
        Err(EventStreamError::Utf8(error)) => Err(malformed(format!("the answer is no text: {error}"))),
        Err(EventStreamError::Parser(_)) => Err(malformed("the answer is no event stream".into())),
    });
    chunks.boxed()
}

/// The cause at the root: reqwest's own words repeat the URL.
fn root(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |&error| error.source())
        .last()
        .map_or_else(|| "unknown cause".to_owned(), ToString::to_string)
}

/// What a failure's body says, shortened.
async fn said(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(part)) = response.chunk().await {
        body.extend_from_slice(&part);
        if body.len() > MAX_FAILURE {
            break;
        }
    }
    let text = match serde_json::from_slice::<Value>(&body) {
        Ok(json) => told(json.get("error").unwrap_or(&json)),
        Err(_) => String::from_utf8_lossy(&body).into_owned(),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_TOLD).collect()
}

fn judged(status: StatusCode, said: &str, retry_after: Option<Duration>) -> (LlmErrorKind, &'static str) {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            (LlmErrorKind::Unauthorized, "set the right api_key (DUOLOGUE_LLM__API_KEY)")
        }
        StatusCode::NOT_FOUND => (
            LlmErrorKind::Refused,
            "does the server have this model, and does base_url end as it should (/v1)?",
        ),
        StatusCode::REQUEST_TIMEOUT => (LlmErrorKind::Server, "try again"),
        StatusCode::TOO_MANY_REQUESTS if said.contains("quota") => {
            (LlmErrorKind::Refused, "the account's quota is used up")
        }
        StatusCode::TOO_MANY_REQUESTS => (LlmErrorKind::RateLimited { retry_after }, "ask less often"),
        status if status.is_server_error() => (LlmErrorKind::Server, "see the server's log, or try again"),
        status if status.is_redirection() => (LlmErrorKind::Refused, "set base_url to where it redirects"),
        _ if said.contains("context") => {
            (LlmErrorKind::Refused, "keep less history, or give the model a larger context")
        }
        _ => (LlmErrorKind::Refused, "correct the request: model, tools and extra"),
    }
}

/// When to come again: seconds or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some((at.with_timezone(&Utc) - Utc::now()).to_std().unwrap_or_default())
}
