//! Whether a file that happens to lie in the working directory may start programs and name servers.
//!
//! A file that was named (`--config`) is trusted. One that was only found may not start MCP commands, nor send what
//! is said, or a key, to a server on another machine, before somebody has vouched for its content: once per
//! directory and content, as direnv does.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use toml::Table;

use super::error::ConfigError;
use super::layers::get;

/// Fails if `table`, read from the `text` of `file`, does what needs trust and nobody has vouched for it.
pub(super) fn check(file: &Path, text: &str, table: &Table, with_key: bool) -> Result<(), ConfigError> {
    match deeds(table, with_key) {
        Some(what) if !is_trusted(file, text) => Err(ConfigError::untrusted(file, &what)),
        _ => Ok(()),
    }
}

/// What in `table` needs trust, for people.
fn deeds(table: &Table, with_key: bool) -> Option<String> {
    let servers = get(table, "agent.mcp").and_then(|mcp| mcp.as_array()).is_some_and(|all| !all.is_empty());
    if servers {
        return Some("starts or calls MCP servers (agent.mcp)".to_owned());
    }
    let url = get(table, "llm.base_url").and_then(|url| url.as_str()).filter(|url| !url.is_empty())?;
    let shown = url.escape_debug();
    if with_key {
        return Some(format!("would be given the API key of the environment, for {shown}"));
    }
    (!is_local(url)).then(|| format!("sends what is said to {shown}"))
}

/// Whether `url` names this machine.
fn is_local(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    let name = match host.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether somebody has vouched for `file` with this `text`.
pub fn is_trusted(file: &Path, text: &str) -> bool {
    let (Some(list), Some(line)) = (list(), line(file, text)) else { return false };
    fs::read_to_string(list).is_ok_and(|known| known.lines().any(|known| known == line))
}

/// Vouches for `file` with its present content.
///
/// # Errors
/// [`ConfigError`] if it cannot be read, or the list of trusted files not be written.
pub fn trust(file: &Path) -> Result<(), ConfigError> {
    let failed =
        |path: &Path, error: &dyn std::fmt::Display| ConfigError::new(format!("{}: {error}", path.display()));
    let text = fs::read_to_string(file).map_err(|error| failed(file, &error))?;
    let list =
        list().ok_or_else(|| ConfigError::new("no home directory is known; name the file with --config"))?;
    let line = line(file, &text).ok_or_else(|| failed(file, &"has no absolute path"))?;
    if let Some(dir) = list.parent() {
        fs::create_dir_all(dir).map_err(|error| failed(dir, &error))?;
    }
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&list).map_err(|error| failed(&list, &error))?;
    writeln!(out, "{line}").map_err(|error| failed(&list, &error))
}

/// The hash of the directory and the content: neither shows in the list.
fn line(file: &Path, text: &str) -> Option<String> {
    let path = fs::canonicalize(file).ok()?;
    let mut hash = Sha256::new();
    hash.update(path.as_os_str().as_encoded_bytes());
    hash.update([0]);
    hash.update(text.as_bytes());
    Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Where the trusted files are listed: `DUOLOGUE_TRUSTED`, or in the user's state directory.
fn list() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("DUOLOGUE_TRUSTED").or_else(|| {
        let state = set("XDG_STATE_HOME").filter(|path| path.is_absolute());
        let base =
            state.or_else(|| Some(set("HOME")?.join(".local/state"))).or_else(|| set("LOCALAPPDATA"))?;
        Some(base.join("duologue/trusted"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_local() {
        for url in ["http://127.0.0.1:11434/v1", "http://localhost/v1", "http://[::1]:80/v1"] {
            assert!(is_local(url), "{url}");
        }
        for url in [
            "http://127.0.0.1.evil.example/v1",
            "http://localhost.evil/v1",
            "https://api.example/v1",
            "http://10.0.0.1",
        ] {
            assert!(!is_local(url), "{url}");
        }
    }

    #[test]
    fn a_found_file_that_starts_programs_needs_trust() {
        let table: Table = "[[agent.mcp]]\ncommand = [\"x\"]".parse().unwrap();
        assert!(deeds(&table, false).is_some());
        let table: Table = "[llm]\nbase_url = \"http://127.0.0.1/v1\"".parse().unwrap();
        assert_eq!(deeds(&table, false), None);
        assert!(deeds(&table, true).unwrap().contains("key"));
        assert_eq!(deeds(&"stt = \"builtin\"".parse().unwrap(), true), None);
    }
}
