//! `duologue models`: list, find, verify.

use anyhow::{Result, bail};
use duologue::models::registry::Registry;
use duologue::setup;
use serde_json::json;

use super::args::{Common, ModelsCommand};
use super::output::Table;

pub fn run(common: &Common, command: &ModelsCommand) -> Result<()> {
    let registry = setup::registry(common.offline)?;
    match command {
        ModelsCommand::List => list(&registry, common.json),
        ModelsCommand::Path { name } => {
            println!("{}", registry.resolve(name)?.dir.display());
            Ok(())
        }
        ModelsCommand::Verify { name } => verify(&registry, name.as_deref(), common.json),
    }
}

fn list(registry: &Registry, json: bool) -> Result<()> {
    let mut table = Table::new(&["name", "kind", "here", "MB", "licence", "what"]);
    for entry in registry.list() {
        let present = registry.is_present(&entry.name);
        if json {
            let value = json!({
                "name": entry.name, "kind": entry.kind.to_string(), "family": entry.family, "present": present,
                "bytes": entry.bytes(), "licence": entry.licence, "about": entry.about,
                "urls": entry.urls().collect::<Vec<_>>(),
            });
            println!("{value}");
            continue;
        }
        let size = entry.bytes();
        table.row([
            entry.name.clone(),
            entry.kind.to_string(),
            if present { "yes" } else { "–" }.to_owned(),
            if size == 0 { "–".to_owned() } else { format!("{:.1}", size as f64 / 1e6) },
            entry.licence.clone(),
            entry.about.clone(),
        ]);
    }
    if !json {
        print!("{}", table.render());
    }
    Ok(())
}

fn verify(registry: &Registry, name: Option<&str>, json: bool) -> Result<()> {
    let names: Vec<String> = match name {
        Some(name) => vec![name.to_owned()],
        None => {
            let all = registry.list().iter().map(|entry| entry.name.clone());
            all.filter(|name| registry.is_present(name)).collect()
        }
    };
    let mut bad = 0;
    for name in &names {
        let outcome = registry.verify(name);
        let problem = outcome.as_ref().err().map(ToString::to_string);
        bad += usize::from(problem.is_some());
        match (json, &outcome) {
            (true, _) => println!("{}", json!({ "name": name, "ok": problem.is_none(), "problem": problem })),
            (false, Ok(verified)) => {
                println!(
                    "{name}: {} files, {:.1} MB, as published",
                    verified.files,
                    verified.bytes as f64 / 1e6
                );
            }
            (false, Err(error)) => println!("{name}: {error}"),
        }
    }
    if bad > 0 {
        bail!("{bad} of {} models did not pass", names.len());
    }
    Ok(())
}
