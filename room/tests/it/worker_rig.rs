//! A real server of its own for each test, a line to it that can be cut, and workers of whose jobs the
//! dispatch's metadata says what they do.

use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use duologue_room::dispatch::Server;
use duologue_room::token::Access;
use duologue_room::worker::{Figures, JobContext, Running, Worker, WorkerOptions};
use tokio::time::{Instant, sleep};

pub const KEY: &str = "devkey";
pub const SECRET: &str = "secret-secret-secret-secret-secret-32";
/// Nothing here takes longer, on a machine that others use too.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A server's process. Dropped, it is killed.
pub struct LiveKit {
    program: PathBuf,
    dir: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
}

impl LiveKit {
    /// Starts one, or tells that there is none.
    pub async fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("LIVEKIT_TEST_SERVER") else {
            eprintln!("SKIPPED: LIVEKIT_TEST_SERVER is not set; run: eval \"$(.ci/livekit-server.sh)\"");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        // Ports that are free now.
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [port, tcp] = [0, 1].map(|i: usize| listeners[i].local_addr().unwrap().port());
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "port: {port}\nbind_addresses: [\"127.0.0.1\"]\nkeys: {{ {KEY}: \"{SECRET}\" }}\nrtc:\n  node_ip: 127.0.0.1\n  \
             tcp_port: {tcp}\n  udp_port: {udp}\n  use_external_ip: false\n  enable_loopback_candidate: true\n  interfaces: \
             {{ includes: [lo] }}\nroom: {{ empty_timeout: 300, departure_timeout: 300 }}\nlogging: {{ level: info }}\n"
        );
        std::fs::write(dir.path().join("config.yaml"), config).unwrap();
        drop(listeners);
        let mut server = Self { program: program.into(), dir, port, child: None };
        server.restart().await;
        Some(server)
    }

    /// Kills it, without a word to anybody.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it (again), and waits until it answers.
    pub async fn restart(&mut self) {
        self.kill();
        let log = File::options().create(true).append(true).open(self.dir.path().join("log")).unwrap();
        let child = Command::new(&self.program)
            .arg("--config")
            .arg(self.dir.path().join("config.yaml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let server = Server::new(&self.access());
        until("the server answers", async || server.rooms().await.is_ok()).await;
    }

    pub fn access(&self) -> Access {
        Access::new(format!("ws://127.0.0.1:{}", self.port), KEY, SECRET).unwrap()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn api(&self) -> Server {
        Server::new(&self.access())
    }

    /// What the server has written so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// How many jobs have ended with `status`, as the server sees it.
    pub fn ended(&self, status: &str) -> usize {
        self.log().lines().filter(|line| line.contains("job ended") && line.contains(status)).count()
    }

    /// How many workers the server has taken in.
    pub fn registrations(&self) -> usize {
        self.log().lines().filter(|line| line.contains("worker registered")).count()
    }

    /// Sends `count` jobs to the worker called `agent`, each to a room of its own, all at once.
    pub async fn dispatch(&self, agent: &str, count: usize, metadata: &str) -> Vec<String> {
        static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let api = self.api();
        let rooms: Vec<String> = (0..count)
            .map(|_| format!("{agent}-{}", NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)))
            .collect();
        let sent = rooms.iter().map(|room| api.dispatch(room, agent, metadata));
        for id in futures_util::future::join_all(sent).await {
            id.unwrap();
        }
        rooms
    }
}

impl Drop for LiveKit {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("---- the server's log\n{}", self.log());
        }
    }
}

/// Waits until `condition` holds.
pub async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < give_up, "not within {} s: {what}", PATIENCE.as_secs());
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until `running`'s figures are as wanted.
pub async fn until_figures(running: &Running, what: &str, wanted: impl Fn(&Figures) -> bool) {
    until(what, async || wanted(&running.figures())).await;
}

pub fn options(agent_name: &str) -> WorkerOptions {
    WorkerOptions { agent_name: agent_name.to_owned(), drain_s: 30, ..WorkerOptions::dev() }
}

/// What a job does, by its dispatch's metadata.
pub async fn entry(job: JobContext) -> Result<(), String> {
    match job.metadata() {
        "panic" => panic!("on purpose"),
        "abort" => std::process::abort(),
        "fail" => Err("no voice".to_owned()),
        "short" => {
            sleep(Duration::from_secs(3)).await;
            Ok(())
        }
        "deaf" => std::future::pending().await,
        _ => {
            job.ended().await;
            Ok(())
        }
    }
}

pub async fn start(access: Access, options: WorkerOptions) -> Running {
    let running = Worker::builder(access, options).entrypoint(entry).start().await.unwrap();
    until_figures(&running, "the worker is registered", |figures| figures.online).await;
    running
}
