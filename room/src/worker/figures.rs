//! What a worker counts: for its local HTTP server, and for whoever runs it.

use std::fmt::Write;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde::Serialize;

/// A worker at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Jobs that run.
    pub active: usize,
    /// Jobs that were started.
    pub started: u64,
    /// Jobs that ended well.
    pub succeeded: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Offers that were declined.
    pub refused: u64,
    /// Connections that were lost.
    pub reconnects: u64,
    /// Load as the server is told it, `0.0..=1.0`.
    pub load: f32,
    /// Whether the server knows the worker now.
    pub online: bool,
    /// Whether it takes no more jobs for good.
    pub draining: bool,
    /// Whether it ever was registered.
    pub registered: bool,
    /// Resident memory, in bytes.
    pub resident_bytes: u64,
    /// The server's id of the worker.
    pub worker_id: String,
}

/// The figures as they change.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Figures>);

impl Ledger {
    pub fn get(&self) -> Figures {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn update(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Figures {
    /// As Prometheus reads it.
    pub(super) fn prometheus(&self, agent_name: &str) -> String {
        let mut out = String::new();
        let agent = agent_name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let mut metric = |name: &str, kind: &str, help: &str, values: &[(&str, f64)]| {
            let _ =
                writeln!(out, "# HELP duologue_worker_{name} {help}\n# TYPE duologue_worker_{name} {kind}");
            for (labels, value) in values {
                let comma = if labels.is_empty() { "" } else { "," };
                let _ = writeln!(out, "duologue_worker_{name}{{agent=\"{agent}\"{comma}{labels}}} {value}");
            }
        };
        let ended =
            [("outcome=\"success\"", self.succeeded as f64), ("outcome=\"failed\"", self.failed as f64)];
        metric("jobs_active", "gauge", "Jobs that run.", &[("", self.active as f64)]);
        metric("jobs_started_total", "counter", "Jobs that were started.", &[("", self.started as f64)]);
        metric("jobs_ended_total", "counter", "Jobs that ended, by outcome.", &ended);
        metric("jobs_refused_total", "counter", "Offers that were declined.", &[("", self.refused as f64)]);
        metric("reconnects_total", "counter", "Connections that were lost.", &[("", self.reconnects as f64)]);
        metric("load", "gauge", "Load as the server is told it, 0 to 1.", &[("", f64::from(self.load))]);
        metric(
            "online",
            "gauge",
            "Whether the server knows the worker.",
            &[("", f64::from(u8::from(self.online)))],
        );
        let draining = f64::from(u8::from(self.draining));
        metric("draining", "gauge", "Whether it takes no more jobs.", &[("", draining)]);
        metric("resident_bytes", "gauge", "Resident memory.", &[("", self.resident_bytes as f64)]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_name_does_not_break_the_exposition() {
        let figures = Figures { failed: 2, active: 1, ..Figures::default() };
        let text = figures.prometheus("a \"b\"");
        assert!(text.contains("duologue_worker_jobs_active{agent=\"a \\\"b\\\"\"} 1\n"), "{text}");
        assert!(text.contains("jobs_ended_total{agent=\"a \\\"b\\\"\",outcome=\"failed\"} 2\n"), "{text}");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (_, value) = line.rsplit_once(' ').unwrap();
            value.parse::<f64>().unwrap();
        }
    }
}
