//! Tools of servers that speak the Model Context Protocol (MCP).
//!
//! ```no_run
//! use duologue_agent::tool::mcp::McpServer;
//! use duologue_agent::tool::{ToolSource, Toolset};
//!
//! # async fn example() -> Result<(), duologue_agent::Error> {
//! let files = McpServer::stdio("npx", ["-y", "@modelcontextprotocol/server-filesystem", "/srv"], [("LANG", "C")]);
//! let search = McpServer::http("https://example.org/mcp", [("Authorization", "Bearer …")])?.prefix("web_");
//! let mut tools: Toolset<()> = files.tools().await?;
//! tools.extend(&search.tools().await?);
//! // … a conversation later:
//! ToolSource::<()>::close(&files).await;
//! # Ok(())
//! # }
//! ```
//!
//! A tool counts as one with an effect unless its server says that it only reads (`readOnlyHint`) or
//! you do ([`McpServer::read_only`]): it then waits until the turn is certain, and an interruption
//! does not stop it.
//!
//! Life cycle: the first [`ToolSource::tools`] connects (a child process is started); the tools share
//! the connection; when the server is gone, the call fails and the next one connects again, at most
//! every 1, 2, 4, … 60 s while it keeps failing; [`ToolSource::close`], or dropping the server and all
//! its tools, ends the child. Invariant: every wait has a limit.

mod connection;
mod endpoint;
mod remote;

use std::collections::HashSet;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{HeaderName, HeaderValue};

use self::connection::Connection;
use self::endpoint::Endpoint;
use self::remote::RemoteTool;
use super::{DEFAULT_OUTPUT_LIMIT, DEFAULT_TIME_LIMIT, ToolSource, Toolset};
use crate::{Error, ErrorKind};

/// How long connecting may take unless [`McpServer::connect_limit`] says otherwise: enough for `npx`
/// or `uvx` to fetch a small server first.
pub const DEFAULT_CONNECT_LIMIT: Duration = Duration::from_secs(60);
/// How long a server may take to list its tools.
pub const LIST_LIMIT: Duration = Duration::from_secs(15);
/// Most tools that a server may have.
pub const MAX_TOOLS: usize = 256;

/// A server whose tools a model may call. Clones are the same connection.
#[derive(Clone)]
pub struct McpServer {
    connection: Arc<Connection>,
    prefix: String,
    read_only: HashSet<String>,
    call_limit: Duration,
    output_limit: usize,
}

impl McpServer {
    /// A server that is a child process and speaks over its standard input and output; its standard
    /// error goes to the log.
    ///
    /// It sees `env` and of this process's environment only what a program needs to run (`PATH`,
    /// `HOME`, `LANG` and the like), so that keys meant for others do not reach it.
    pub fn stdio<A, E, K, V>(command: impl Into<OsString>, args: A, env: E) -> Self
    where
        A: IntoIterator<Item: Into<OsString>>,
        E: IntoIterator<Item = (K, V)>,
        K: Into<OsString>,
        V: Into<OsString>,
    {
        Self::new(Endpoint::Stdio {
            command: command.into(),
            args: args.into_iter().map(Into::into).collect(),
            env: env.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
        })
    }

    /// A server reached by streamable HTTP at `url`, with `headers` in every request.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the URL or a header is malformed.
    pub fn http<H, K, V>(url: &str, headers: H) -> Result<Self, Error>
    where
        H: IntoIterator<Item = (K, V)>,
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let parsed = reqwest::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        if parsed.is_none_or(|url| !url.has_host()) {
            let message = format!("`{url}` is not an MCP server's address; write `http://host:port/path`");
            return Err(Error::new(ErrorKind::Config, message));
        }
        let headers = headers.into_iter().map(|(name, value)| header(name.as_ref(), value.as_ref()));
        Ok(Self::new(Endpoint::Http { url: url.into(), headers: headers.collect::<Result<_, _>>()? }))
    }

    fn new(endpoint: Endpoint) -> Self {
        Self {
            connection: Arc::new(Connection::new(endpoint, DEFAULT_CONNECT_LIMIT)),
            prefix: String::new(),
            read_only: HashSet::new(),
            call_limit: DEFAULT_TIME_LIMIT,
            output_limit: DEFAULT_OUTPUT_LIMIT,
        }
    }

    /// Begins the name of every tool, so that two servers' tools do not hide each other.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// These tools (by the server's names) only read, whether the server says so or not.
    #[must_use]
    pub fn read_only(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.read_only.extend(names.into_iter().map(Into::into));
        self
    }

    /// How long connecting may take. To be set before the first connection; it makes another one.
    #[must_use]
    pub fn connect_limit(mut self, limit: Duration) -> Self {
        self.connection = Arc::new(Connection::new(self.connection.endpoint().clone(), limit));
        self
    }

    /// How long a call may take, connecting again not included.
    #[must_use]
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.call_limit = limit;
        self
    }

    /// Most bytes of a result that the model is told.
    #[must_use]
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }
}

#[async_trait]
impl<U: Send + Sync + 'static> ToolSource<U> for McpServer {
    fn name(&self) -> &str {
        self.connection.name()
    }

    async fn tools(&self) -> Result<Toolset<U>, Error> {
        let mut tools = Toolset::new();
        for described in self.connection.list().await? {
            let tool = RemoteTool::new(self, described, &tools.names());
            tools.add(tool);
        }
        Ok(tools)
    }

    async fn close(&self) {
        self.connection.close().await;
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    // The value may be a key: it is not part of the message.
    let malformed = || Error::new(ErrorKind::Config, format!("the HTTP header `{name}` is malformed"));
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed())?;
    let mut value = HeaderValue::from_str(value).map_err(|_| malformed())?;
    value.set_sensitive(true);
    Ok((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_address_or_header_is_refused_before_the_conversation() {
        let none: [(&str, &str); 0] = [];
        for url in ["", "localhost:8000", "ftp://host/", "http://", "not a url"] {
            let error = McpServer::http(url, none).err().expect("an error");
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(url));
        }
        for (name, value) in [("two words", "x"), ("", "x"), ("Authorization", "secret\nline")] {
            let error = McpServer::http("http://localhost/mcp", [(name, value)]).err().expect("an error");
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(McpServer::http("https://localhost:8000/mcp", [("Authorization", "Bearer x")]).is_ok());
    }
}
