//! The table `[agent]`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// The table `[agent]` of `duologue.toml`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentSettings {
    /// What the language model is told to be.
    pub instructions: String,
    /// What it says first.
    pub greeting: String,
    /// A file of intents that answers where there is no language model.
    pub intents: Option<PathBuf>,
    /// Servers whose tools the model may call.
    pub mcp: Vec<McpSettings>,
}

/// One MCP server: a command, or an address.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct McpSettings {
    /// A program and its arguments, which speaks over its standard input and output.
    pub command: Vec<String>,
    /// Its environment, beside what every program needs.
    pub env: BTreeMap<String, String>,
    /// Or the address of a server that speaks streamable HTTP.
    pub url: String,
    /// Headers of every request to it.
    pub headers: BTreeMap<String, String>,
    /// Begins the names of its tools.
    pub prefix: String,
}

/// Without values of the environment and headers: they may be secret.
impl fmt::Debug for McpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpSettings")
            .field("command", &self.command)
            .field("env", &self.env.keys())
            .field("url", &self.url)
            .field("headers", &self.headers.keys())
            .field("prefix", &self.prefix)
            .finish()
    }
}
