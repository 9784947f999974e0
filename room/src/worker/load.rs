//! How busy the machine is, as far as this process may use it.
//!
//! Load is the share of the processor time at our disposal that was used in the last 2.5 s: a moving
//! average of five samples of half a second. Within a control group that has a limit (a container's), it
//! is the group's use of its limit; else the whole machine's. Invariant: the average is in `0.0..=1.0`; a
//! sample that cannot be read leaves it as it was.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time between two samples.
pub(super) const SAMPLE_PERIOD: Duration = Duration::from_millis(500);
/// Samples in the average.
const WINDOW: usize = 5;

/// Where Linux mounts control groups.
const CGROUPS: &str = "/sys/fs/cgroup";

/// The moving average.
#[derive(Debug)]
pub(super) struct LoadMeter {
    source: Source,
    last: Option<Reading>,
    samples: VecDeque<f32>,
}

/// Time used, and time that could have been used, in any common unit.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Reading {
    used: f64,
    available: f64,
}

#[derive(Debug, PartialEq)]
enum Source {
    /// A control group of version 2: its `cpu.stat`, and how many processors it may use.
    Group { stat: PathBuf, processors: f64 },
    /// A control group of version 1: its `cpuacct.usage`, and how many processors it may use.
    OldGroup { usage: PathBuf, processors: f64 },
    /// `/proc/stat`.
    Machine,
}

impl LoadMeter {
    /// A meter for the limits of this process.
    pub fn new() -> Self {
        let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self { source: source(Path::new(CGROUPS), &group), last: None, samples: VecDeque::new() }
    }

    /// Takes a sample `elapsed` after the process started, and returns the average.
    pub fn sample(&mut self, elapsed: Duration) -> f32 {
        let reading = match &self.source {
            Source::Group { stat, processors } => fs::read_to_string(stat)
                .ok()
                .and_then(|text| usage_usec(&text))
                .map(|used| Reading { used: used / 1e6, available: elapsed.as_secs_f64() * processors }),
            Source::OldGroup { usage, processors } => fs::read_to_string(usage)
                .ok()
                .and_then(|text| text.trim().parse::<f64>().ok())
                .map(|used| Reading { used: used / 1e9, available: elapsed.as_secs_f64() * processors }),
            Source::Machine => fs::read_to_string("/proc/stat").ok().and_then(|text| machine(&text)),
        };
        if let Some(reading) = reading {
            self.take(reading);
        }
        self.average()
    }

    fn take(&mut self, reading: Reading) {
        if let Some(last) = self.last.replace(reading) {
            let (used, available) = (reading.used - last.used, reading.available - last.available);
            if available > 0.0 {
                if self.samples.len() == WINDOW {
                    self.samples.pop_front();
                }
                self.samples.push_back((used / available).clamp(0.0, 1.0) as f32);
            }
        }
    }

    fn average(&self) -> f32 {
        if self.samples.is_empty() {
            return 0.0;
        }
        self.samples.iter().sum::<f32>() / self.samples.len() as f32
    }
}

/// Whose time counts: the tightest group's on the way to ours that has a limit, or the machine's.
fn source(root: &Path, own: &str) -> Source {
    let mut tightest = Source::Machine;
    let mut fewest = f64::INFINITY;
    for dir in groups(root, own, "") {
        let limit = fs::read_to_string(dir.join("cpu.max")).ok().and_then(|text| quota(&text));
        if let Some(processors) = limit.filter(|processors| *processors < fewest) {
            fewest = processors;
            tightest = Source::Group { stat: dir.join("cpu.stat"), processors };
        }
    }
    for dir in groups(&root.join("cpu"), own, "cpu") {
        let number = |file: &str| fs::read_to_string(dir.join(file)).ok()?.trim().parse::<f64>().ok();
        let (Some(quota), Some(period)) = (number("cpu.cfs_quota_us"), number("cpu.cfs_period_us")) else {
            continue;
        };
        if quota > 0.0 && period > 0.0 && quota / period < fewest {
            fewest = quota / period;
            tightest = Source::OldGroup { usage: accounting(root, own, &dir), processors: fewest };
        }
    }
    tightest
}

/// Where the use of the version 1 group at `dir` is counted: beside its limit, or in a hierarchy of its own.
fn accounting(root: &Path, own: &str, dir: &Path) -> PathBuf {
    const USAGE: &str = "cpuacct.usage";
    let beside = dir.join(USAGE);
    if beside.is_file() {
        return beside;
    }
    let mut apart = groups(&root.join("cpuacct"), own, "cpuacct").into_iter().map(|dir| dir.join(USAGE));
    apart.find(|usage| usage.is_file()).unwrap_or(beside)
}

/// The directories from our group up to the root, for `controller` (version 1) or all (version 2).
fn groups(root: &Path, own: &str, controller: &str) -> Vec<PathBuf> {
    let path = own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        controllers.split(',').any(|name| name == controller).then_some(path)
    });
    // In a container the root that is mounted is often the group itself.
    let path = path.unwrap_or("/").trim_start_matches('/');
    let mut dirs: Vec<PathBuf> =
        Path::new(path).ancestors().map(|part| root.join(part)).filter(|dir| dir.is_dir()).collect();
    if dirs.is_empty() {
        dirs.push(root.to_owned());
    }
    dirs
}

/// `cpu.max`: "quota period" or "max period", as processors.
fn quota(text: &str) -> Option<f64> {
    let mut fields = text.split_whitespace();
    let quota: f64 = fields.next()?.parse().ok()?;
    let period: f64 = fields.next()?.parse().ok()?;
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

/// `cpu.stat`: microseconds used.
fn usage_usec(text: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix("usage_usec "))?.trim().parse().ok()
}

/// `/proc/stat`: all time and the part that was not idle, in ticks.
fn machine(text: &str) -> Option<Reading> {
    let line = text.lines().find(|line| line.starts_with("cpu "))?;
    let ticks: Vec<f64> = line.split_whitespace().skip(1).map_while(|field| field.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; guests are counted in user already.
    let [_, _, _, idle, iowait, ..] = ticks[..] else { return None };
    let all: f64 = ticks.iter().take(8).sum();
    Some(Reading { used: all - idle - iowait, available: all })
}

/// Memory: what the process holds, and what is left where it runs.
pub(super) mod memory {
    use super::{CGROUPS, Path, fs, groups};

    /// Of a group's limit, what stays free for what is not ours to count (page tables, sockets).
    const RESERVE: f64 = 0.1;

    /// Resident memory of process `pid`, in bytes.
    pub fn resident(pid: u32) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024)
    }

    /// Whether there is room for another job: the process is below `limit` bytes (0: no limit), and no
    /// control group is near its own limit.
    pub fn is_roomy(limit: u64) -> bool {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let below = limit == 0 || resident(std::process::id()).is_none_or(|bytes| bytes < limit);
        let root = Path::new(CGROUPS);
        below
            && groups(root, &own, "").iter().all(|dir| has_room(dir, &NAMES))
            && groups(&root.join("memory"), &own, "memory").iter().all(|dir| has_room(dir, &OLD_NAMES))
    }

    /// Limit, use, and the caches in the statistics.
    type Names = [&'static str; 3];
    const NAMES: Names = ["memory.max", "memory.current", "inactive_file "];
    /// Version 1; a group without a limit has one of almost 2^63.
    const OLD_NAMES: Names = ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "];

    /// Whether the group at `dir` is not near its limit, if it has one. Caches of files do not count:
    /// they are given up when memory is needed.
    fn has_room(dir: &Path, [limit, used, cached]: &Names) -> bool {
        let number = |file: &str| fs::read_to_string(dir.join(file)).ok()?.trim().parse::<f64>().ok();
        let (Some(limit), Some(used)) = (number(limit), number(used)) else { return true };
        let stat = fs::read_to_string(dir.join("memory.stat")).unwrap_or_default();
        let cached = stat
            .lines()
            .find_map(|line| line.strip_prefix(cached))
            .and_then(|bytes| bytes.trim().parse::<f64>().ok())
            .unwrap_or(0.0);
        used - cached < limit * (1.0 - RESERVE)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_full_group_is_not_taken_for_roomy() {
            let dir = tempfile::tempdir().unwrap();
            let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
            write("memory.max", "max\n");
            write("memory.current", "900\n");
            assert!(has_room(dir.path(), &NAMES), "no limit");
            write("memory.max", "1000\n");
            assert!(!has_room(dir.path(), &NAMES), "90 % in use");
            write("memory.stat", "anon 700\ninactive_file 200\n");
            assert!(has_room(dir.path(), &NAMES), "caches are given up");
            write("memory.limit_in_bytes", "1000\n");
            write("memory.usage_in_bytes", "950\n");
            assert!(!has_room(dir.path(), &OLD_NAMES), "95 % in use");
        }

        #[test]
        fn our_own_memory_is_not_zero() {
            assert!(resident(std::process::id()).unwrap() > 100_000);
            assert!(!is_roomy(1), "a process of one byte");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter() -> LoadMeter {
        LoadMeter { source: Source::Machine, last: None, samples: VecDeque::new() }
    }

    #[test]
    fn a_burst_does_not_look_like_steady_load() {
        let mut meter = meter();
        for i in 0..=10 {
            let used = if i >= 10 { 0.5 } else { 0.0 };
            meter.take(Reading { used, available: f64::from(i) * 0.5 });
        }
        assert!((meter.average() - 0.2).abs() < 1e-6, "one full sample of five: {}", meter.average());
    }

    #[test]
    fn a_clock_that_stands_does_not_divide_by_zero() {
        let mut meter = meter();
        meter.take(Reading { used: 1.0, available: 2.0 });
        meter.take(Reading { used: 3.0, available: 2.0 });
        assert_eq!(meter.average(), 0.0);
    }

    #[test]
    fn a_containers_limit_is_not_overlooked() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("kubepods/pod1");
        fs::create_dir_all(&inner).unwrap();
        fs::write(root.path().join("kubepods/cpu.max"), "max 100000\n").unwrap();
        fs::write(inner.join("cpu.max"), "25000 100000\n").unwrap();
        let expected = Source::Group { stat: inner.join("cpu.stat"), processors: 0.25 };
        assert_eq!(source(root.path(), "0::/kubepods/pod1\n"), expected);
        assert_eq!(source(root.path(), "0::/\n"), Source::Machine);
    }

    #[test]
    fn a_containers_limit_at_the_mounted_root_is_not_overlooked() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("cpu.max"), "200000 100000\n").unwrap();
        let expected = Source::Group { stat: root.path().join("cpu.stat"), processors: 2.0 };
        assert_eq!(source(root.path(), "0::/../../pod9\n"), expected);
    }

    #[test]
    fn an_old_containers_limit_is_not_overlooked() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("cpu/docker/x");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("cpu.cfs_quota_us"), "50000\n").unwrap();
        fs::write(dir.join("cpu.cfs_period_us"), "100000\n").unwrap();
        let expected = Source::OldGroup { usage: dir.join("cpuacct.usage"), processors: 0.5 };
        assert_eq!(source(root.path(), "4:cpu,cpuacct:/docker/x\n"), expected);

        let apart = root.path().join("cpuacct/docker/x");
        fs::create_dir_all(&apart).unwrap();
        fs::write(apart.join("cpuacct.usage"), "1\n").unwrap();
        let expected = Source::OldGroup { usage: apart.join("cpuacct.usage"), processors: 0.5 };
        assert_eq!(source(root.path(), "4:cpuacct:/docker/x\n5:cpu:/docker/x\n"), expected);
    }

    #[test]
    fn waiting_for_disks_does_not_count_as_work() {
        let reading = machine("cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 1 1 1 1\n").unwrap();
        assert_eq!(reading, Reading { used: 200.0, available: 1000.0 });
    }

    #[test]
    fn this_machines_own_figures_are_read() {
        let mut meter = LoadMeter::new();
        meter.sample(Duration::from_secs(1));
        assert!(meter.last.is_some() || !Path::new("/proc/stat").exists());
    }
}
