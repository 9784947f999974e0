//! MCP servers that a scenario names: their tools are called for real.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Scenario;
use duologue_agent::Error;
use duologue_agent::tool::Toolset;

/// A server: a child process, or an address.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(feature = "mcp"), allow(dead_code, reason = "read by a build with MCP"))]
pub(super) struct McpSpec {
    pub command: Option<String>,
    #[serde(default)]
    pub args: Vec<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    pub url: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub prefix: String,
    #[serde(default)]
    pub read_only: Vec<String>,
}

impl McpSpec {
    pub fn validate(&self) -> Result<(), String> {
        match (&self.command, &self.url) {
            (Some(_), None) if self.headers.is_empty() => Ok(()),
            (None, Some(_)) if self.args.is_empty() && self.env.is_empty() => Ok(()),
            _ => Err("mcp: give it a command (with args and env), or a url (with headers)".to_owned()),
        }
    }
}

/// The tools of all servers. They live as long as the tools do.
#[cfg(feature = "mcp")]
pub(super) async fn served(scenario: &Scenario) -> Result<Toolset<()>, Error> {
    use duologue_agent::tool::ToolSource;
    use duologue_agent::tool::mcp::McpServer;

    let fault = |error: Error| error.within(format_args!("scenario {}: mcp", scenario.file().display()));
    let mut tools = Toolset::new();
    for McpSpec { command, args, env, url, headers, prefix, read_only } in scenario.mcp.clone() {
        let server = match (command, url) {
            (Some(command), _) => McpServer::stdio(command, args, env),
            (None, url) => McpServer::http(&url.unwrap_or_default(), headers).map_err(fault)?,
        };
        let server = server.prefix(prefix).read_only(read_only);
        tools.extend(&server.tools().await.map_err(fault)?);
    }
    Ok(tools)
}

/// A build without MCP has none.
#[cfg(not(feature = "mcp"))]
pub(super) async fn served(scenario: &Scenario) -> Result<Toolset<()>, Error> {
    if scenario.mcp.is_empty() {
        return Ok(Toolset::new());
    }
    let message = format!(
        "scenario {}: mcp: this build has no MCP; enable the feature `mcp` of duologue-eval",
        scenario.file().display()
    );
    Err(Error::new(duologue_agent::ErrorKind::Config, message))
}
