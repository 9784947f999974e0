//! `duologue worker`: the configured agent in LiveKit rooms.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand};
use duologue::agent::AgentSession;
use duologue::config::Config;
use duologue::configured::ConfiguredAgent;
use duologue::native::LoadOptions;
use duologue::room::ErrorKind;
use duologue::room::engine::{FfiEngine, RoomEngine};
use duologue::room::openvidu::{self, AgentFile, Processing};
use duologue::room::session::{DebugPanel, RoomOptions, RoomSession};
use duologue::room::worker::{JobContext, Running, Worker, WorkerOptions};
use duologue::setup::Models;
use duologue::{note, outln};
use serde_json::json;

use super::args::Common;
use super::room::ServerArgs;

#[derive(Debug, Subcommand)]
pub enum WorkerCommand {
    /// For development: no limit of load, any free local port, and Ctrl-C ends at once
    Dev(WorkerArgs),
    /// For production: takes jobs while load and memory allow, and drains at SIGTERM
    Start(WorkerArgs),
    /// Join one room now, without being dispatched
    Connect(ConnectArgs),
}

#[derive(Args, Debug)]
pub struct WorkerArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Its name, by which it is dispatched; without one it is sent to every new room
    #[arg(long, env = "LIVEKIT_AGENT_NAME", value_name = "NAME")]
    agent_name: Option<String>,
    /// Most jobs at a time; 0: no limit
    #[arg(long, value_name = "JOBS")]
    job_limit: Option<usize>,
    /// Load at which no more jobs are taken, up to 1 (no limit)
    #[arg(long, value_name = "LOAD")]
    load_threshold: Option<f32>,
    /// Each job in a process of its own
    #[arg(long)]
    isolate: bool,
    /// Longest that draining waits for jobs
    #[arg(long, value_name = "SECONDS")]
    drain: Option<u64>,
    /// Where the local HTTP server listens (`/`, `/worker`, `/metrics`)
    #[arg(long, value_name = "ADDRESS")]
    http_host: Option<IpAddr>,
    /// Its port; 0: any free one
    #[arg(long, value_name = "PORT")]
    http_port: Option<u16>,
    /// The agent's file, as OpenVidu hands it over
    #[arg(long, env = "AGENT_CONFIG_FILE", value_name = "agent-NAME.yaml")]
    agent_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct ConnectArgs {
    /// The room
    #[arg(long)]
    room: String,
    /// As whom
    #[arg(long, default_value = "duologue-agent")]
    identity: String,
    #[command(flatten)]
    worker: WorkerArgs,
}

pub const HELP: &str = "\
A worker waits until a LiveKit server sends it to a room, and runs the configured agent there:

  export LIVEKIT_URL=ws://127.0.0.1:7880 LIVEKIT_API_KEY=devkey LIVEKIT_API_SECRET=secret
  duologue worker dev                          into every new room
  duologue worker start --agent-name kitchen   into rooms that it is dispatched to:
  duologue room dispatch kitchen --room home

The agent is [agent] of duologue.toml over the model of [llm]; without them, the built-in appliance.

  [agent]
  instructions = \"You are the voice of a museum.\"
  greeting = \"Welcome!\"
  mcp = [{ command = [\"uvx\", \"museum-catalogue\"] }]

  [worker]
  job_limit = 8           # also: load_threshold, job_load, memory_limit_mib, isolate, drain_s, stop_s, …

SIGTERM (or Ctrl-C) drains: no more jobs, and the end when the last one is done; a second one exits at
once. Deployment: docs/deployment.md.";

/// What jobs share.
struct Shared {
    models: Models,
    agent: ConfiguredAgent,
    engine: Arc<dyn RoomEngine>,
    overhear: bool,
    settings: Config,
    /// Who may look into its sessions.
    debug: DebugPanel,
}

pub fn run(common: &Common, command: &WorkerCommand) -> Result<()> {
    let (args, dev) = match command {
        WorkerCommand::Dev(args) => (args, true),
        WorkerCommand::Start(args) => (args, false),
        WorkerCommand::Connect(connect) => (&connect.worker, true),
    };
    let file = agent_file(args)?;
    if file.as_ref().is_some_and(|file| !file.enabled || file.processing == Processing::Disabled) {
        note!("the agent's file says that it shall not run");
        return Ok(());
    }
    let settings = match &file {
        Some(file) => file.agent.clone(),
        None => common.settings()?,
    };
    let access = args.server.access(file.as_ref())?;
    let options = options(args, settings.worker.read("worker")?, file.as_ref(), dev);
    let (shared, offline) = (options.clone(), common.offline);
    let worker = Worker::builder(access, options.clone())
        .prewarm(move || async move {
            Shared::load(settings, &shared, offline).await.map_err(|error| format!("{error:#}"))
        })
        .entrypoint(|job| async move { converse(job).await.map_err(|error| format!("{error:#}")) });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            WorkerCommand::Connect(connect) => worker.connect(&connect.room, &connect.identity).await,
            _ => worker.run_telling(|running| tell(common, &options, running)).await,
        }
    })?;
    Ok(())
}

/// Where it can be looked at.
fn tell(common: &Common, options: &WorkerOptions, running: &Running) {
    let http = running.http_address();
    let agent = match options.agent_name.as_str() {
        "" => "every new room".to_owned(),
        name => format!("rooms that `{name}` is dispatched to"),
    };
    // A worker serves on, whoever reads.
    let _ = if common.json {
        outln!(
            "{}",
            json!({ "event": "started", "http": http.to_string(), "agent_name": options.agent_name })
        )
    } else {
        outln!("for {agent}; http://{http}/ tells its health")
    };
}

/// The agent's file, if there is one. Its own keys are those of `duologue.toml`, and the environment's
/// settings win over them as well.
fn agent_file(args: &WorkerArgs) -> Result<Option<AgentFile<Config>>> {
    let Some((text, name)) = AgentFile::<Config>::text(args.agent_file.as_deref())? else { return Ok(None) };
    let file = AgentFile::<toml::Table>::parse(&text, &name)?;
    let keys = toml::to_string(&file.agent).with_context(|| format!("{name} cannot be read as settings"))?;
    let environment =
        std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    let settings = Config::parse(&keys, &name, environment).map_err(|error| {
        let line = error.key().and_then(|key| openvidu::line_of(&text, key));
        match line {
            Some(line) => anyhow!("{error} (line {line})"),
            None => error.into(),
        }
    })?;
    Ok(Some(file.with_agent(settings)))
}

fn options(
    args: &WorkerArgs,
    mut options: WorkerOptions,
    file: Option<&AgentFile<Config>>,
    dev: bool,
) -> WorkerOptions {
    if dev {
        let WorkerOptions { load_threshold, debug, http_host, http_port, drain_s, .. } = WorkerOptions::dev();
        options = WorkerOptions { load_threshold, debug, http_host, http_port, drain_s, ..options };
    }
    if let Some(file) = file {
        let named = file.processing == Processing::Manual;
        options.agent_name = if named { file.agent_name.clone() } else { String::new() };
    } else if let Some(name) = &args.agent_name {
        options.agent_name.clone_from(name);
    }
    options.isolate |= args.isolate;
    options.job_limit = args.job_limit.unwrap_or(options.job_limit);
    options.load_threshold = args.load_threshold.unwrap_or(options.load_threshold);
    options.drain_s = args.drain.unwrap_or(options.drain_s);
    options.http_host = args.http_host.unwrap_or(options.http_host);
    options.http_port = args.http_port.unwrap_or(options.http_port);
    options
}

impl Shared {
    async fn load(settings: Config, options: &WorkerOptions, offline: bool) -> Result<Self> {
        let (overhear, debug) = (options.overhear, options.debug_panel());
        let for_models = settings.clone();
        let models = tokio::task::spawn_blocking(move || Models::load(&for_models, offline)).await??;
        let options = LoadOptions::offline(offline);
        let engine = tokio::task::spawn_blocking(move || FfiEngine::load(&options)).await??;
        let agent = ConfiguredAgent::load(settings.agent.clone(), &settings.llm()?).await?;
        note!("{} answers; {}", agent.describe(), engine.name());
        Ok(Self { models, agent, engine: Arc::new(engine), overhear, settings, debug })
    }
}

/// One job: a conversation with whoever comes.
async fn converse(job: JobContext<Shared>) -> Result<()> {
    let Shared { models, agent, engine, overhear, settings, debug } = &**job.shared();
    let joined = job.connect(&**engine, &RoomOptions::connect_options()).await?;
    let (agent, llm) = agent.for_session();
    let session = AgentSession::builder(()).shared_llm(llm).config(settings.session()?).build()?;
    let pipeline = models.builder(settings.pipeline.clone())?;
    let mut options = RoomOptions::default();
    options.leave = false;
    options.debug = debug.clone();
    if *overhear {
        options = options.overhear(models.listeners());
    }
    let started = tokio::select! {
        started = RoomSession::start(joined, &session, agent, pipeline, options) => started,
        _ = job.ended() => return Ok(()),
    };
    let room = match started {
        Ok(room) => room,
        // A room that stays empty is no fault of the agent's.
        Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Closed) => {
            note!("{}: {error}", job.room_name());
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    tokio::select! {
        _ = room.over() => {}
        _ = job.ended() => {
            session.close().await;
            room.over().await;
        }
    }
    Ok(())
}
