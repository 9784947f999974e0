//! `duologue __probe DIR`: loads a foreign model where its faults harm nobody.

use std::path::Path;

use anyhow::Result;

/// A damaged model may ask for any amount of memory; more than the largest known one needs is refused.
#[cfg(unix)]
const MEMORY: u64 = 8 << 30;

pub fn run(dir: &Path) -> Result<()> {
    limit();
    let code = duologue::models::probe::answer(dir);
    std::process::exit(code.into());
}

/// Best effort: without limits the parent's deadline remains.
#[cfg(unix)]
fn limit() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    for (resource, most) in [(Resource::As, MEMORY), (Resource::Core, 0)] {
        let _ = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
}

#[cfg(not(unix))]
fn limit() {}
