//! `duologue room`: LiveKit rooms from outside.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use duologue::outln;
use duologue::room::dispatch::{ParticipantInfo, RoomInfo, Server};
use duologue::room::openvidu::AgentFile;
use duologue::room::token::{Access, Grants, JoinToken};
use serde_json::json;

use super::args::Common;
use super::output::Table;

/// A LiveKit server and a key to it.
#[derive(Args, Debug)]
pub struct ServerArgs {
    /// The server's address
    #[arg(long, env = "LIVEKIT_URL", value_name = "ws://HOST:PORT")]
    url: Option<String>,
    /// The key
    #[arg(long, env = "LIVEKIT_API_KEY", hide_env_values = true, value_name = "KEY")]
    api_key: Option<String>,
    /// The key's secret; better in the environment than on a command line
    #[arg(long, env = "LIVEKIT_API_SECRET", hide_env_values = true, value_name = "SECRET")]
    api_secret: Option<String>,
}

impl ServerArgs {
    /// The server of the agent's file, or else of the arguments and the environment.
    pub fn access<T>(&self, file: Option<&AgentFile<T>>) -> Result<Access> {
        // An isolated job's process runs the same command, without the secret.
        if let Some(access) = Access::of_job_process() {
            return Ok(access);
        }
        let from_file = file.map(|file| (&file.ws_url, &file.api_key, &file.api_secret));
        let (url, key, secret) = from_file.unwrap_or((&None, &None, &None));
        let given = |argument: &Option<String>, file: &Option<String>| {
            file.clone().or_else(|| argument.clone()).unwrap_or_default()
        };
        let url = given(&self.url, url);
        if url.is_empty() {
            bail!(
                "no LiveKit server is named: set LIVEKIT_URL (or --url), LIVEKIT_API_KEY and LIVEKIT_API_SECRET"
            );
        }
        Ok(Access::new(url, given(&self.api_key, key), given(&self.api_secret, secret))?)
    }

    fn of_environment(&self) -> Result<Access> {
        self.access::<()>(None)
    }
}

#[derive(Debug, Subcommand)]
pub enum RoomCommand {
    /// Print a token with which somebody joins a room
    Token(TokenArgs),
    /// Send a named worker to a room, or take it back
    Dispatch(DispatchArgs),
    /// All rooms, or who is in one and which jobs it has
    List {
        /// The room
        room: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(Args, Debug)]
pub struct TokenArgs {
    /// The room
    #[arg(long)]
    room: String,
    /// Unique in the room
    #[arg(long)]
    identity: String,
    /// The name that others see
    #[arg(long)]
    name: Option<String>,
    /// The participant's metadata
    #[arg(long)]
    metadata: Option<String>,
    /// How long it lets in: 90s, 10m, 6h, 7d
    #[arg(long, default_value = "6h", value_parser = duration)]
    ttl: Duration,
    /// When the token creates the room, send this worker to it
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// What the worker is told
    #[arg(long, requires = "agent", value_name = "TEXT")]
    agent_metadata: Option<String>,
    /// May not publish tracks
    #[arg(long)]
    no_publish: bool,
    /// May not subscribe to tracks
    #[arg(long)]
    no_subscribe: bool,
    /// May not send data
    #[arg(long)]
    no_data: bool,
    /// May administer the room
    #[arg(long)]
    admin: bool,
    /// Is seen by nobody
    #[arg(long)]
    hidden: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Args, Debug)]
pub struct DispatchArgs {
    /// The worker's name
    #[arg(required_unless_present = "withdraw", value_name = "AGENT_NAME")]
    agent: Option<String>,
    /// The room; it is created if need be
    #[arg(long)]
    room: String,
    /// What the worker is told, for example JSON
    #[arg(long, default_value = "")]
    metadata: String,
    /// Take this dispatch back instead: its job is told to end
    #[arg(long, value_name = "DISPATCH_ID", conflicts_with = "agent")]
    withdraw: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

pub const HELP: &str = "\
With LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET set to a server's:

  duologue room token --room home --identity ada                  for a frontend
  duologue room token --room home --identity ada --agent kitchen  and `kitchen` comes too
  duologue room dispatch kitchen --room home --metadata '{\"floor\": 2}'
  duologue room list
  duologue room list home --json";

pub fn run(common: &Common, command: &RoomCommand) -> Result<()> {
    match command {
        RoomCommand::Token(args) => token(common, args),
        RoomCommand::Dispatch(args) => within(dispatch(common, args)),
        RoomCommand::List { room: None, server } => within(rooms(common, server)),
        RoomCommand::List { room: Some(room), server } => within(one_room(common, server, room)),
    }
}

fn within(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

fn token(common: &Common, args: &TokenArgs) -> Result<()> {
    let access = args.server.of_environment()?;
    let grants = Grants {
        publish: !args.no_publish,
        subscribe: !args.no_subscribe,
        data: !args.no_data,
        admin: args.admin,
        hidden: args.hidden,
        ..Grants::default()
    };
    let mut join = JoinToken::new(&args.room, &args.identity).ttl(args.ttl).grants(grants);
    if let Some(name) = &args.name {
        join = join.name(name);
    }
    if let Some(metadata) = &args.metadata {
        join = join.metadata(metadata);
    }
    if let Some(agent) = &args.agent {
        join = join.agent(agent, args.agent_metadata.clone().unwrap_or_default());
    }
    let token = access.join(&join)?;
    if common.json {
        let seconds = args.ttl.as_secs();
        outln!("{}", json!({ "url": access.url(), "token": token, "ttl_s": seconds, "grants": grants }))?;
    } else {
        outln!("{token}")?;
    }
    Ok(())
}

async fn dispatch(common: &Common, args: &DispatchArgs) -> Result<()> {
    let server = Server::new(&args.server.of_environment()?);
    if let Some(id) = &args.withdraw {
        server.withdraw(&args.room, id).await?;
        match common.json {
            true => outln!("{}", json!({ "withdrawn": id }))?,
            false => outln!("{id} is taken back")?,
        }
        return Ok(());
    }
    let agent = args.agent.as_deref().unwrap_or_default();
    let id = server.dispatch(&args.room, agent, &args.metadata).await?;
    match common.json {
        true => outln!("{}", json!({ "dispatch_id": id, "room": args.room, "agent_name": agent }))?,
        false => outln!("{id}: {agent} is sent to {}", args.room)?,
    }
    Ok(())
}

async fn rooms(common: &Common, server: &ServerArgs) -> Result<()> {
    let rooms = Server::new(&server.of_environment()?).rooms().await?;
    if common.json {
        outln!("{}", serde_json::to_string(&rooms)?)?;
        return Ok(());
    }
    let mut table = Table::new(&["room", "participants", "id"]);
    for RoomInfo { name, participants, sid, .. } in rooms {
        table.row([name, participants.to_string(), sid]);
    }
    outln!("{}", table.render().trim_end())?;
    Ok(())
}

async fn one_room(common: &Common, server: &ServerArgs, room: &str) -> Result<()> {
    let server = Server::new(&server.of_environment()?);
    let (participants, jobs) = (server.participants(room).await?, server.jobs(room).await?);
    if common.json {
        outln!("{}", json!({ "room": room, "participants": participants, "jobs": jobs }))?;
        return Ok(());
    }
    let mut table = Table::new(&["participant", "kind", "state", "agent"]);
    for ParticipantInfo { identity, kind, state, agent_state, .. } in participants {
        table.row([identity, kind, state, agent_state.unwrap_or_else(|| "–".to_owned())]);
    }
    outln!("{}", table.render().trim_end())?;
    if !jobs.is_empty() {
        let mut table = Table::new(&["job", "agent", "status", "error"]);
        for job in jobs {
            table.row([job.job_id, job.agent_name, job.status, job.error]);
        }
        outln!("\n{}", table.render().trim_end())?;
    }
    Ok(())
}

/// "90s", "10m", "6h", "7d".
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration; write 90s, 10m, 6h or 7d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    count
        .checked_mul(seconds)
        .filter(|s| (1..=366 * 86_400).contains(s))
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is out of range: 1s to 366d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_without_a_unit_is_not_guessed() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in ["", "10", "m", "-1h", "0s", "1000d", "9é"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
