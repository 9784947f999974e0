//! What the settings ask for: the agent, its model's server, its tools' programs, the voice.

use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use duologue::config::Config;
use duologue::setup::Models;
use serde_json::json;

use super::Report;

/// How long a server may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(3);

impl Report {
    /// The agent of `[agent]` and `[llm]`.
    pub(super) fn agent(&mut self, settings: &Config, offline: bool) {
        if !settings.has_agent() {
            self.note("agent", json!("appliance"), "the small offline agent: no [agent] or [llm] is set");
            return;
        }
        if cfg!(not(feature = "agent")) {
            self.problem("agent", "this build has no agents; build with `--features llm` (or `full`)");
            return;
        }
        match &settings.agent.intents {
            Some(file) if !file.is_file() => {
                self.problem("agent", &format!("agent.intents: {} is not there", file.display()));
            }
            Some(file) => {
                self.note("agent", json!(file.to_string_lossy()), &format!("answers by {}", file.display()))
            }
            None => self.note("agent", json!("llm"), "answers by a language model"),
        }
        self.server(settings, offline);
        for server in &settings.agent.mcp {
            self.tools(server);
        }
    }

    fn server(&mut self, settings: &Config, offline: bool) {
        let text = |key: &str| settings.llm.table().get(key).and_then(|value| value.as_str()).unwrap_or("");
        let (url, model) = (text("base_url"), text("model"));
        if url.is_empty() {
            if settings.agent.intents.is_none() {
                self.problem(
                    "model server",
                    "[agent] needs one: set llm.base_url and llm.model, or agent.intents",
                );
            }
            return;
        }
        if model.is_empty() {
            return self.problem("model server", "llm.model is missing; name one that the server has");
        }
        if cfg!(not(feature = "llm")) {
            return self.problem("model server", "this build asks no servers; build with `--features llm`");
        }
        if offline {
            return self.note(
                "model server",
                json!({ "base_url": url, "model": model }),
                &format!("{model} at {url}, not asked: --offline"),
            );
        }
        match reach(url) {
            Ok(()) => self.note(
                "model server",
                json!({ "base_url": url, "model": model }),
                &format!("{model} at {url}"),
            ),
            Err(problem) => {
                self.problem(
                    "model server",
                    &format!("{url}: {problem}; start the server, or correct llm.base_url"),
                );
            }
        }
    }

    fn tools(&mut self, server: &duologue::config::McpSettings) {
        let Some(program) = server.command.first() else {
            return self.note("tools", json!(server.url), &server.url);
        };
        if found(program) {
            self.note("tools", json!(program), program);
        } else {
            self.problem("tools", &format!("{program} is not there; install it, or correct agent.mcp"));
        }
    }

    /// The voice of the settings, among those of the loaded model.
    pub(super) fn voice(&mut self, settings: &Config, models: &Models) {
        let voices = models.tts.voices();
        match settings.pipeline.voice.name.as_str() {
            name if !name.is_empty() && !voices.iter().any(|voice| voice == name) => {
                let known = voices.join(", ");
                self.problem(
                    "voice",
                    &format!("pipeline.voice.name: {} has no {name:?}; it has {known}", models.tts.name()),
                );
            }
            name => {
                let voice = if name.is_empty() { voices.first().map_or("", String::as_str) } else { name };
                self.note("voice", json!(voice), voice);
            }
        }
    }
}

/// Whether somebody listens at `url`.
fn reach(url: &str) -> Result<(), String> {
    let (scheme, rest) = url.split_once("://").ok_or("it is no URL")?;
    let host = rest.split(['/', '?']).next().unwrap_or("");
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let host = match (has_port, scheme) {
        (true, _) => host.to_owned(),
        (false, "https") => format!("{host}:443"),
        (false, _) => format!("{host}:80"),
    };
    let addresses = host.to_socket_addrs().map_err(|error| error.to_string())?;
    let mut problem = "its name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => problem = error.to_string(),
        }
    }
    Err(problem)
}

/// Whether `program` is a file, or in a folder of `PATH`.
fn found(program: &str) -> bool {
    if program.contains(std::path::MAIN_SEPARATOR) {
        return Path::new(program).is_file();
    }
    let names = [program.to_owned(), format!("{program}.exe")];
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| names.iter().any(|name| folder.join(name).is_file()))
}
