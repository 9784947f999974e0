//! What a worker may take on, and how it ends.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde::Deserialize;

use crate::session::DebugPanel;
use crate::{Error, ErrorKind};

/// The port of the local HTTP server in production, as LiveKit's workers have it.
pub const HTTP_PORT: u16 = 8081;
/// Load at which a worker takes no more jobs in production, as LiveKit's workers have it.
pub const LOAD_THRESHOLD: f32 = 0.7;

/// Which rooms and participants a worker is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// One job for each room.
    #[default]
    Room,
    /// One job for each participant that publishes.
    Publisher,
}

/// Settings of a worker; in `duologue.toml` the table `[worker]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerOptions {
    /// Its name, by which it is dispatched. Without one it is sent to every new room.
    pub agent_name: String,
    /// What its jobs are for.
    pub kind: JobKind,
    /// Most jobs at a time; 0 for no limit.
    pub job_limit: usize,
    /// Load at which no more jobs are taken, above 0 to 1; 1 for no limit.
    pub load_threshold: f32,
    /// Load that a job is counted with in its first 5 s, until it shows in what is measured: 0 to 1.
    pub job_load: f32,
    /// Resident memory, in MiB, above which no more jobs are taken; 0 for no limit but the container's.
    pub memory_limit_mib: u64,
    /// Each job in a process of its own.
    pub isolate: bool,
    /// Resident memory, in MiB, above which an isolated job is ended; 0 for no limit.
    pub job_memory_limit_mib: u64,
    /// Listen to the other people in a room as well, as the job's entrypoint does by
    /// [`RoomOptions::overhear`](crate::session::RoomOptions::overhear).
    pub overhear: bool,
    /// Longest that draining waits for jobs, in seconds.
    pub drain_s: u64,
    /// How long a job may take to end when it is told to, in seconds, 1 or more.
    pub stop_s: u64,
    /// Whether the linked participant may look into the session with LiveKit's debug panel: read instructions and the conversation,
    /// type as the user, mute ([`RoomOptions::debug`](crate::session::RoomOptions::debug)).
    pub debug: bool,
    /// Identities that may do so as well, linked or not; needs `debug`.
    pub debug_identities: Vec<String>,
    /// Where the local HTTP server listens: this machine only, in a container everywhere.
    pub http_host: IpAddr,
    /// Its port; 0 for any free one.
    pub http_port: u16,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            agent_name: String::new(),
            kind: JobKind::Room,
            job_limit: 0,
            load_threshold: LOAD_THRESHOLD,
            job_load: 0.1,
            memory_limit_mib: 0,
            isolate: false,
            job_memory_limit_mib: 0,
            overhear: false,
            drain_s: 3600,
            stop_s: 10,
            debug: false,
            debug_identities: Vec::new(),
            http_host: if in_container() { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST }.into(),
            http_port: HTTP_PORT,
        }
    }
}

impl WorkerOptions {
    /// For development: no limit of load, any free local port, and the debug panel for whoever is talked with.
    pub fn dev() -> Self {
        Self {
            load_threshold: 1.0,
            debug: true,
            http_host: Ipv4Addr::LOCALHOST.into(),
            http_port: 0,
            ..Self::default()
        }
    }

    /// Who may look into the sessions of its jobs.
    pub fn debug_panel(&self) -> DebugPanel {
        match (self.debug, self.debug_identities.is_empty()) {
            (false, _) => DebugPanel::Off,
            (true, true) => DebugPanel::Linked,
            (true, false) => DebugPanel::Granted(self.debug_identities.iter().cloned().collect()),
        }
    }

    /// Whether all values are in range.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the setting.
    pub fn validate(&self) -> Result<(), Error> {
        let wrong =
            |key: &str, rule: String| Err(Error::new(ErrorKind::Config, format!("worker.{key} {rule}")));
        if !(self.load_threshold > 0.0 && self.load_threshold <= 1.0) {
            return wrong(
                "load_threshold",
                format!("is {}; it must be above 0, and 1 at most", self.load_threshold),
            );
        }
        if !(0.0..=1.0).contains(&self.job_load) {
            return wrong("job_load", format!("is {}; it must be 0 to 1", self.job_load));
        }
        if self.stop_s == 0 {
            return wrong("stop_s", "is 0; a job needs time to say goodbye: 1 or more".to_owned());
        }
        if !self.debug_identities.is_empty() && !self.debug {
            return wrong("debug_identities", "needs debug = true".to_owned());
        }
        if self.job_memory_limit_mib > 0 && !self.isolate {
            return wrong(
                "job_memory_limit_mib",
                "needs isolate = true: memory is counted by process".to_owned(),
            );
        }
        Ok(())
    }

    pub(super) fn limits(&self) -> super::protocol::Limits {
        super::protocol::Limits {
            jobs: (self.job_limit > 0).then_some(self.job_limit),
            load: (self.load_threshold < 1.0).then_some(self.load_threshold),
            job_load: self.job_load,
            drain: Duration::from_secs(self.drain_s),
            stop: Duration::from_secs(self.stop_s),
        }
    }
}

/// Whether this process runs in a container, whose probes come from outside of it: by the marks that Docker, Podman and Kubernetes
/// leave.
fn in_container() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
        || ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| std::path::Path::new(mark).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_do_not_reach_a_worker_unless_it_is_said() {
        if !in_container() {
            assert!(WorkerOptions::default().http_host.is_loopback());
        }
        assert!(!WorkerOptions::default().debug);
        let options = WorkerOptions { debug_identities: vec!["ada".into()], ..WorkerOptions::default() };
        assert!(options.validate().unwrap_err().to_string().contains("worker.debug_identities"));
    }

    #[test]
    fn a_threshold_out_of_range_is_not_accepted() {
        let options = WorkerOptions { load_threshold: 70.0, ..WorkerOptions::default() };
        assert!(options.validate().unwrap_err().to_string().contains("worker.load_threshold"));
        WorkerOptions::default().validate().unwrap();
        WorkerOptions::dev().validate().unwrap();
    }

    #[test]
    fn a_memory_limit_that_nothing_can_keep_is_not_accepted() {
        let options = WorkerOptions { job_memory_limit_mib: 64, ..WorkerOptions::default() };
        assert!(options.validate().unwrap_err().to_string().contains("isolate"));
    }
}
