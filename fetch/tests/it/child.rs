//! Runs a test of the same program again, alone in a process of its own: the libraries are loaded once per process, and environment variables
//! belong to all threads.

use std::process::Command;

const MARK: &str = "DUOLOGUE_TEST_CHILD";

/// A process that runs the ignored test `name` of this program, such as `wheel::child_fetches`. No variable that steers this crate is passed on.
pub fn command(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    prepare(&mut command, name);
    command
}

/// Adds what a copy of this program, or a shell that runs it, needs to run the ignored test `name`.
pub fn prepare(command: &mut Command, name: &str) {
    command.args([name, "--exact", "--ignored", "--nocapture", "--test-threads=1"]).env(MARK, "1");
    for (variable, _) in std::env::vars().filter(|(v, _)| v.starts_with("DUOLOGUE_")) {
        if variable != MARK {
            command.env_remove(variable);
        }
    }
}

/// Whether this is such a process; else somebody asked for ignored tests, and there is nothing to do.
pub fn is_one() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Prints an outcome for the parent.
pub fn tell<T>(result: Result<T, String>) {
    match result {
        Ok(_) => println!("\nOUTCOME Ok"),
        Err(e) => println!("\nOUTCOME {e}"),
    }
}

/// What a child told, or everything it printed if it told nothing.
pub fn outcome(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = text.lines().find_map(|line| line.strip_prefix("OUTCOME ")).map(str::to_owned);
    told.unwrap_or_else(|| format!("{}: {text}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}
