//! Tools of a server that we did not write: the `mcp` package of PyPI, over standard input and output
//! and over HTTP. `.ci/mcp.sh` installs it and names its Python in `DUOLOGUE_MCP_PYTHON`; without it
//! these tests are skipped, aloud.

use std::collections::HashSet;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use duologue_agent::tool::mcp::McpServer;
use duologue_agent::tool::{ToolReply, ToolSource, Toolset};
use duologue_agent::{AgentSession, ErrorKind};
use duologue_eval::{Scenario, ScenarioParts, play, run_text};
use serde_json::{Value, json};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mcp_server.py");
const NO_ENV: [(&str, &str); 0] = [];

fn python() -> Option<String> {
    let python = std::env::var("DUOLOGUE_MCP_PYTHON").ok();
    if python.is_none() {
        println!("SKIPPED: DUOLOGUE_MCP_PYTHON names no Python with the package mcp; see .ci/mcp.sh");
    }
    python
}

async fn call(tools: &Toolset<()>, name: &str, arguments: Value) -> ToolReply<()> {
    tools.execute_tool(&AgentSession::new(()), name, arguments).await
}

async fn text(tools: &Toolset<()>, name: &str, arguments: Value) -> String {
    let reply = call(tools, name, arguments).await;
    assert!(!reply.is_error(), "{name}: {}", reply.text());
    reply.text().into_owned()
}

async fn failure(tools: &Toolset<()>, name: &str) -> String {
    let reply = call(tools, name, json!({})).await;
    assert!(reply.is_error(), "{name}: {}", reply.text());
    reply.text().into_owned()
}

async fn tools(server: &McpServer) -> Toolset<()> {
    server.tools().await.expect("the server's tools")
}

fn is_alive(process: &str) -> bool {
    // A zombie has ended: its command line is empty.
    std::fs::read(Path::new("/proc").join(process).join("cmdline")).is_ok_and(|words| !words.is_empty())
}

#[tokio::test]
async fn a_servers_tools_are_what_it_says() {
    let Some(python) = python() else { return };
    let notes = tempfile::NamedTempFile::new().unwrap();
    let server = McpServer::stdio(python, [SCRIPT], [("NOTES", notes.path())]).prefix("test_");
    let tools = tools(&server).await;
    let add = tools.definition("test_add").expect("test_add");
    assert_eq!(add.description, "Adds two numbers.");
    assert_eq!(add.parameters["properties"]["a"]["type"], "integer");
    assert_eq!(add.parameters["required"], json!(["a", "b"]));
    let effects: Vec<_> = tools.definitions().into_iter().filter(|tool| tool.effect).collect();
    assert_eq!(effects.iter().map(|tool| &tool.name).collect::<Vec<_>>(), ["test_note"]);

    assert_eq!(text(&tools, "test_add", json!({"a": 2, "b": 40})).await, "42");
    assert_eq!(text(&tools, "test_note", json!({"text": "milk"})).await, "kept");
    assert_eq!(std::fs::read_to_string(notes.path()).unwrap(), "milk\n");
    assert!(text(&tools, "test_picture", json!({})).await.contains("an image, image/png"));
    assert!(text(&tools, "test_facts", json!({})).await.contains("42"));
    let long = text(&tools, "test_long", json!({})).await;
    assert!(long.len() < 17 * 1024 && long.contains("of 5000000 bytes"), "{} bytes", long.len());
    ToolSource::<()>::close(&server).await;
}

#[tokio::test]
async fn a_servers_error_does_not_end_the_turn() {
    let Some(python) = python() else { return };
    let server = McpServer::stdio(python, [SCRIPT], NO_ENV).call_limit(Duration::from_secs(5));
    let tools = tools(&server).await;
    assert!(failure(&tools, "fail").await.contains("the cellar is flooded"));
    assert!(failure(&tools, "add").await.contains("a"), "missing arguments");
    assert_eq!(text(&tools, "add", json!({"a": 1, "b": 1})).await, "2");
    assert!(failure(&tools, "endless").await.contains("did not answer within 5s"), "the message is dropped");
    assert_eq!(text(&tools, "add", json!({"a": 1, "b": 1})).await, "2");
    assert!(failure(&tools, "hang").await.contains("did not answer within 5s"));
    ToolSource::<()>::close(&server).await;
}

#[tokio::test]
async fn a_dead_server_is_started_again() {
    let Some(python) = python() else { return };
    let server = McpServer::stdio(python, [SCRIPT], NO_ENV);
    let tools = tools(&server).await;
    let mut processes = HashSet::new();
    for _ in 0..3 {
        processes.insert(text(&tools, "process", json!({})).await);
        let gone = failure(&tools, "die").await;
        assert!(gone.contains("its server is gone"), "{gone}");
    }
    assert_eq!(processes.len(), 3, "each call after a death found a new process");
    ToolSource::<()>::close(&server).await;
}

#[tokio::test]
async fn a_closed_server_does_not_go_on_running() {
    let Some(python) = python() else { return };
    let server = McpServer::stdio(python, [SCRIPT], NO_ENV);
    let tools = tools(&server).await;
    let process = text(&tools, "process", json!({})).await;
    assert!(is_alive(&process));
    ToolSource::<()>::close(&server).await;
    assert!(!is_alive(&process));
    assert!(failure(&tools, "process").await.contains("cannot be reached"));
    let error = ToolSource::<()>::tools(&server).await.err().expect("an error");
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_server_does_not_read_keys_meant_for_others() {
    let Some(python) = python() else { return };
    let server = McpServer::stdio(&python, [SCRIPT], [("GIVEN", "yes")]);
    let tools = tools(&server).await;
    let read = async |name: &str| text(&tools, "environment", json!({"name": name})).await;
    assert_eq!(read("GIVEN").await, "yes");
    assert_eq!(read("DUOLOGUE_MCP_PYTHON").await, "(none)", "it is set in this process");
    assert_ne!(read("PATH").await, "(none)");
    ToolSource::<()>::close(&server).await;
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let Some(python) = python() else { return };
    let server = McpServer::stdio(python, ["-c", "raise SystemExit('no licence')"], NO_ENV);
    let error = ToolSource::<()>::tools(&server).await.err().expect("an error");
    assert_eq!(error.kind(), ErrorKind::Tool);
    assert!(error.to_string().contains("no licence"), "{error}");
}

/// The server over HTTP; it ends with the value.
struct HttpServer {
    child: Child,
    url: String,
    port: u16,
}

impl HttpServer {
    async fn start(python: &str, port: Option<u16>) -> Self {
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let port = port.unwrap_or_else(free);
        let child = Command::new(python).arg(SCRIPT).arg(port.to_string()).spawn().unwrap();
        let server = Self { child, url: format!("http://127.0.0.1:{port}/mcp"), port };
        for _ in 0..600 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server does not listen on port {port}");
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_server_over_http_can_be_used() {
    let Some(python) = python() else { return };
    let running = HttpServer::start(&python, None).await;
    let server = McpServer::http(&running.url, [("X-Key", "sesame")]).unwrap();
    let tools = tools(&server).await;
    assert_eq!(text(&tools, "add", json!({"a": 2, "b": 40})).await, "42");
    assert_eq!(text(&tools, "header", json!({"name": "x-key"})).await, "sesame");
    assert!(failure(&tools, "fail").await.contains("the cellar is flooded"));
    ToolSource::<()>::close(&server).await;
}

#[tokio::test]
async fn a_server_over_http_that_comes_back_is_found() {
    let Some(python) = python() else { return };
    let running = HttpServer::start(&python, None).await;
    let (port, url) = (running.port, running.url.clone());
    let server = McpServer::http(&url, NO_ENV).unwrap();
    let tools = tools(&server).await;
    assert_eq!(text(&tools, "add", json!({"a": 1, "b": 1})).await, "2");
    drop(running);
    failure(&tools, "add").await;
    let _running = HttpServer::start(&python, Some(port)).await;
    let mut answer = call(&tools, "add", json!({"a": 1, "b": 1})).await;
    for _ in 0..100 {
        if !answer.is_error() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer = call(&tools, "add", json!({"a": 1, "b": 1})).await;
    }
    assert_eq!(answer.text(), "2");
    ToolSource::<()>::close(&server).await;
}

#[test]
fn a_scenario_does_not_play_without_its_servers() {
    let Some(python) = python() else { return };
    let scenario = |python: &str| {
        let dir = tempfile::tempdir().unwrap();
        let llm = "[[rule]]\nuser = \"*add*\"\ncall = [{ name = \"t_add\", arguments = { a = 2, b = 40 } }]\n\
                   [[rule]]\ntool = \"t_add\"\nsay = \"It is {result}.\"\n";
        std::fs::write(dir.path().join("script.toml"), llm).unwrap();
        let text = format!(
            "[agent]\ninstructions = \"You add.\"\nllm = {{ script = \"script.toml\" }}\ntools = [\"t_add\"]\n\
             [[mcp]]\ncommand = {python:?}\nargs = [{SCRIPT:?}]\nprefix = \"t_\"\n\
             [[step]]\nuser = \"add two and forty\"\nno_more = true\n\
             expect = [{{ tool = \"t_add\" }}, {{ message = \"It is 42\" }}]\n"
        );
        let file = dir.path().join("adds.toml");
        std::fs::write(&file, text).unwrap();
        (Scenario::load(&file).unwrap(), dir)
    };
    let play_it = |scenario: &Scenario| {
        assert!(scenario.needs_real_time());
        play(true, run_text(scenario, &ScenarioParts::default(), |_| {})).unwrap()
    };
    let (good, _dir) = scenario(&python);
    let report = play_it(&good).unwrap();
    assert!(report.passed, "{}", report.remarks());
    let (bad, _dir) = scenario("/no/such/server");
    let error = play_it(&bad).unwrap_err().to_string();
    assert!(error.contains("adds.toml") && error.contains("/no/such/server"), "{error}");
}
