//! One connection to a server, made again when it is lost.

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, JsonObject, PaginatedRequestParams,
};
use rmcp::service::{Peer, RoleClient, ServiceError};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::endpoint::{Client, Endpoint};
use super::{LIST_LIMIT, MAX_TOOLS};
use crate::tool::ToolError;
use crate::{Error, ErrorKind};

/// Longest time between attempts to connect again.
const MAX_BACK_OFF: Duration = Duration::from_secs(60);
/// How long a server may take to end; rmcp asks a child politely, then firmly, within 6 s.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// One connection to a server.
pub struct Connection {
    endpoint: Endpoint,
    name: String,
    connect_limit: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    client: Option<Client>,
    /// Which client it is: a call that fails closes its own connection, never a newer one.
    generation: u64,
    /// Connections that failed or were lost since a call last succeeded.
    failures: u32,
    not_before: Option<Instant>,
    closed: bool,
}

impl State {
    fn lost(&mut self) {
        self.client = None;
        // The first loss is mended at once.
        let back_off = match self.failures {
            0 => Duration::ZERO,
            failures => Duration::from_secs(1 << (failures - 1).min(6)).min(MAX_BACK_OFF),
        };
        self.failures += 1;
        self.not_before = Some(Instant::now() + back_off);
    }
}

impl Connection {
    pub fn new(endpoint: Endpoint, connect_limit: Duration) -> Self {
        let name = endpoint.name();
        Self { endpoint, name, connect_limit, state: Mutex::default() }
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn connect_limit(&self) -> Duration {
        self.connect_limit
    }

    /// What the server has to offer.
    ///
    /// # Errors
    /// As of [`crate::tool::ToolSource::tools`].
    pub async fn list(&self) -> Result<Vec<rmcp::model::Tool>, Error> {
        let (peer, generation) = self.peer().await?;
        match timeout(LIST_LIMIT, list_all(&peer)).await {
            Ok(Ok(tools)) => {
                self.succeeded().await;
                Ok(tools)
            }
            Ok(Err(error)) => {
                self.failed(generation).await;
                Err(self.error(ErrorKind::Tool, format!("did not list its tools: {error}")))
            }
            Err(_) => {
                self.failed(generation).await;
                Err(self.error(ErrorKind::TimedOut, format!("did not list its tools within {LIST_LIMIT:?}")))
            }
        }
    }

    /// Calls the tool that the server knows as `name`.
    ///
    /// # Errors
    /// A visible one if the server is gone, does not answer within `limit` or refuses the call.
    pub async fn call(
        &self,
        name: &str,
        arguments: JsonObject,
        limit: Duration,
    ) -> Result<CallToolResult, ToolError> {
        let (peer, generation) = self.peer().await.map_err(|error| {
            tracing::warn!(server = self.name, "{error}");
            ToolError::new("its server cannot be reached at the moment")
        })?;
        let request = CallToolRequestParams::new(name.to_owned()).with_arguments(arguments);
        match timeout(limit, peer.call_tool_once(request)).await {
            Ok(Ok(CallToolResponse::Complete(result))) => {
                self.succeeded().await;
                Ok(result)
            }
            Ok(Ok(_)) => {
                Err(ToolError::new("its server asks for more than arguments, which is not possible here"))
            }
            Ok(Err(ServiceError::McpError(error))) => Err(ToolError::Visible(error.message.into_owned())),
            Ok(Err(error)) => {
                tracing::warn!(server = self.name, tool = name, "the connection was lost: {error}");
                self.failed(generation).await;
                Err(ToolError::new("its server is gone; whether the call was carried out is not known"))
            }
            Err(_) => Err(ToolError::Visible(format!("its server did not answer within {limit:?}"))),
        }
    }

    /// Ends the connection, and the child if there is one; calls fail from now on.
    pub async fn close(&self) {
        let mut state = self.state.lock().await;
        state.closed = true;
        if let Some(mut client) = state.client.take()
            && !matches!(client.close_with_timeout(CLOSE_LIMIT).await, Ok(Some(_)))
        {
            tracing::warn!(server = self.name, "it did not end within {CLOSE_LIMIT:?} and is left alone");
        }
    }

    /// The connection, made if there is none; at most the connect limit later, or twice that if
    /// somebody else was at it already.
    async fn peer(&self) -> Result<(Peer<RoleClient>, u64), Error> {
        let mut state = self.state.lock().await;
        if state.closed {
            return Err(self.error(ErrorKind::Closed, "has been closed; make another `McpServer`"));
        }
        if let Some(client) = &state.client {
            if !client.is_closed() && !client.is_transport_closed() {
                return Ok((client.peer().clone(), state.generation));
            }
            state.lost();
        }
        let now = Instant::now();
        if let Some(wait) =
            state.not_before.map(|at| at.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
        {
            return Err(self.error(ErrorKind::Tool, format!("is gone; it is tried again in {wait:.0?}")));
        }
        let error = match timeout(self.connect_limit, self.endpoint.connect()).await {
            Ok(Ok(client)) => {
                let peer = client.peer().clone();
                state.client = Some(client);
                state.generation += 1;
                return Ok((peer, state.generation));
            }
            Ok(Err(message)) => self.error(ErrorKind::Tool, format!("cannot be connected to: {message}")),
            Err(_) => {
                self.error(ErrorKind::TimedOut, format!("did not connect within {:?}", self.connect_limit))
            }
        };
        // Not mended at once: it was never there.
        state.failures = state.failures.max(1);
        state.lost();
        Err(error)
    }

    async fn succeeded(&self) {
        self.state.lock().await.failures = 0;
    }

    async fn failed(&self, generation: u64) {
        let mut state = self.state.lock().await;
        if state.generation == generation && state.client.is_some() {
            state.lost();
        }
    }

    fn error(&self, kind: ErrorKind, what: impl std::fmt::Display) -> Error {
        Error::new(kind, format!("the MCP server `{}` {what}", self.name))
    }
}

async fn list_all(peer: &Peer<RoleClient>) -> Result<Vec<rmcp::model::Tool>, String> {
    let mut tools = Vec::new();
    let mut cursor = None;
    loop {
        let page = PaginatedRequestParams::default().with_cursor(cursor);
        let page = peer.list_tools(Some(page)).await.map_err(|error| error.to_string())?;
        tools.extend(page.tools);
        if tools.len() > MAX_TOOLS {
            return Err(format!("it has more than {MAX_TOOLS}"));
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(tools);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_gone_is_not_started_again_and_again() {
        let nowhere = Endpoint::Stdio { command: "no-such-mcp-server".into(), args: vec![], env: vec![] };
        let connection = Connection::new(nowhere, Duration::from_secs(5));
        let attempt = async || connection.peer().await.expect_err("nobody is there").to_string();
        let mut waits = Vec::new();
        for _ in 0..9 {
            let error = attempt().await;
            assert!(error.contains("`no-such-mcp-server`") && error.contains("install it"), "{error}");
            assert!(attempt().await.contains("tried again in"), "it is left alone in between");
            let not_before = connection.state.lock().await.not_before.expect("a wait");
            waits.push(not_before.duration_since(Instant::now()).as_secs());
            tokio::time::sleep_until(not_before).await;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        connection.close().await;
        assert!(attempt().await.contains("has been closed"));
    }
}
