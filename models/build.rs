//! Embeds the built-in models under `builtin/` where they exist and the feature `builtin` is on.
//!
//! Writes `builtin.rs` with `FILES`, paths and contents, and `KEY`, a hash of both.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

const MANIFEST: &str = "manifest.toml";
/// The directories that hold models; the recipe that made them stays out.
const PARTS: [&str; 3] = ["stt", "tts", "caller"];

fn main() -> io::Result<()> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("builtin");
    println!("cargo::rerun-if-changed=build.rs");
    for part in PARTS.iter().chain(&[MANIFEST]) {
        println!("cargo::rerun-if-changed={}", watched(&root, part).display());
    }
    let mut files = Vec::new();
    if env::var_os("CARGO_FEATURE_BUILTIN").is_some() && root.join(MANIFEST).is_file() {
        files.push(MANIFEST.to_owned());
        for part in PARTS {
            collect(&root, part, &mut files)?;
        }
    }
    fs::write(Path::new(&variable("OUT_DIR")).join("builtin.rs"), table(&root, &files)?)
}

/// What to watch for a change of `part`: where it is missing, the directory it would appear in (a
/// missing path would count as changed at every build).
fn watched(root: &Path, part: &str) -> PathBuf {
    let path = root.join(part);
    let candidates = [path.as_path(), root];
    candidates.into_iter().find(|path| path.exists()).unwrap_or(Path::new("src")).into()
}

/// The table's source text.
fn table(root: &Path, files: &[String]) -> io::Result<String> {
    let mut hasher = DefaultHasher::new();
    let mut rows = String::new();
    for name in files {
        let path = root.join(name);
        (name, fs::read(&path)?).hash(&mut hasher);
        let _ = writeln!(rows, "    ({name:?}, include_bytes!({:?})),", path.display().to_string());
    }
    Ok(format!(
        "pub(super) const KEY: &str = \"{:016x}\";\npub(super) static FILES: &[(&str, &[u8])] = &[\n{rows}];\n",
        hasher.finish()
    ))
}

/// Adds every file under `root/dir`, sorted, with `/` between the parts of its path.
fn collect(root: &Path, dir: &str, files: &mut Vec<String>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(root.join(dir)) else { return Ok(()) };
    let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{dir}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(root, &name, files)?;
        } else if !entry.file_name().to_string_lossy().starts_with('.') {
            files.push(name);
        }
    }
    Ok(())
}

fn variable(name: &str) -> String {
    env::var(name).expect("cargo sets it")
}
