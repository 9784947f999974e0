//! Where a server is, and the first words with it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use process_wrap::tokio::{CommandWrap, KillOnDrop};
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation};
use rmcp::service::{RoleClient, RunningService, serve_client};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// What of this process's environment a child sees.
const INHERITED: &[&str] = &[
    "APPDATA",
    "HOME",
    "LANG",
    "LC_ALL",
    "LOCALAPPDATA",
    "LOGNAME",
    "PATH",
    "PATHEXT",
    "SHELL",
    "SYSTEMROOT",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "USER",
    "USERPROFILE",
];
/// Bytes of a child's last words that an error quotes.
const LAST_WORDS: usize = 600;
/// How long a child that could not be connected to is listened to; it is about to end.
const LAST_WORDS_WAIT: Duration = Duration::from_secs(1);

/// A connection.
pub type Client = RunningService<RoleClient, ClientConfig>;

/// Where a server is.
#[derive(Clone)]
pub enum Endpoint {
    Stdio { command: OsString, args: Vec<OsString>, env: Vec<(OsString, OsString)> },
    Http { url: Arc<str>, headers: HashMap<HeaderName, HeaderValue> },
}

impl Endpoint {
    /// For logs and messages.
    pub fn name(&self) -> String {
        match self {
            Self::Stdio { command, .. } => command.to_string_lossy().into_owned(),
            Self::Http { url, .. } => url.to_string(),
        }
    }

    /// Connects and agrees on a version of the protocol.
    ///
    /// # Errors
    /// Why not, for people.
    pub async fn connect(&self) -> Result<Client, String> {
        match self {
            Self::Stdio { command, args, env } => connect_stdio(command, args, env).await,
            Self::Http { url, headers } => {
                crate::tls::install();
                let config = StreamableHttpClientTransportConfig::with_uri(Arc::clone(url))
                    .custom_headers(headers.clone());
                let transport = StreamableHttpClientTransport::from_config(config);
                serve_client(ourselves(), transport).await.map_err(|error| error.to_string())
            }
        }
    }
}

fn ourselves() -> ClientConfig {
    ClientConfig::new(
        ClientCapabilities::default(),
        Implementation::new("duologue", env!("CARGO_PKG_VERSION")),
    )
}

async fn connect_stdio(
    command: &OsString,
    args: &[OsString],
    env: &[(OsString, OsString)],
) -> Result<Client, String> {
    let mut child = Command::new(command);
    child.args(args).env_clear();
    child.envs(INHERITED.iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
    child.envs(env.iter().map(|(key, value)| (key, value)));
    let mut child = CommandWrap::from(child);
    child.wrap(KillOnDrop);
    // `npx` and `uvx` start the server proper as a child of their own: both are to end.
    #[cfg(unix)]
    child.wrap(process_wrap::tokio::ProcessGroup::leader());
    #[cfg(windows)]
    child.wrap(process_wrap::tokio::JobObject);
    let (transport, stderr) = TokioChildProcess::builder(child)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("it cannot be started ({error}); install it, or correct the command"))?;
    let last_words = Arc::new(Mutex::new(Vec::new()));
    let listener = stderr.map(|stderr| {
        tokio::spawn(listen(stderr, command.to_string_lossy().into_owned(), Arc::clone(&last_words)))
    });
    let error = match serve_client(ourselves(), transport).await {
        Ok(client) => return Ok(client),
        Err(error) => error,
    };
    // What it said before it ended may still be on its way.
    if let Some(listener) = listener {
        let _ = tokio::time::timeout(LAST_WORDS_WAIT, listener).await;
    }
    let words = last_words.lock().unwrap_or_else(PoisonError::into_inner);
    Err(match String::from_utf8_lossy(&words).trim() {
        "" => error.to_string(),
        words => format!("{error}; its last words: {words}"),
    })
}

/// Carries a child's standard error to the log, and keeps the end of it.
async fn listen(mut stderr: impl AsyncRead + Unpin, name: String, last_words: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        let words = &buffer[..count];
        tracing::debug!(server = name, "{}", String::from_utf8_lossy(words).trim_end());
        let mut kept = last_words.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(words);
        let stale = kept.len().saturating_sub(LAST_WORDS);
        kept.drain(..stale);
    }
}
