//! Libraries of a test's own.

use std::{fs, path::Path, process::Command};

/// Builds a library from C source, or `None` (said aloud) without a C compiler.
pub fn compile(source: &str, to: &Path) -> Option<()> {
    let file = to.with_extension("c");
    fs::write(&file, source).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(to)
        .arg(&file)
        .status()
        .is_ok_and(|s| s.success());
    if !built {
        println!("SKIPPED: no C compiler");
    }
    built.then_some(())
}
