//! `duologue models`: list, show, pull, verify, remove, bundle.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use duologue::models::registry::Registry;
use duologue::outln;
use duologue::setup;
use serde_json::json;

use super::args::{Common, ModelsCommand};
use super::output::Table;

pub fn run(common: &Common, command: &ModelsCommand) -> Result<()> {
    let registry = setup::registry(common.offline)?;
    match command {
        ModelsCommand::List => list(&registry, common.json),
        ModelsCommand::Show { name } => show(&registry, name, common.json),
        ModelsCommand::Pull { names } => names.iter().try_for_each(|name| pull(&registry, name, common.json)),
        ModelsCommand::Rm { names } => names.iter().try_for_each(|name| remove(&registry, name, common.json)),
        ModelsCommand::Bundle { names, out } => {
            names.iter().try_for_each(|name| bundle(&registry, name, out, common.json))
        }
        ModelsCommand::Path { name } => {
            outln!("{}", registry.resolve(name)?.dir.display())?;
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
                "name": entry.name, "kind": entry.kind.to_string(), "family": entry.family.to_string(), "present": present,
                "bytes": entry.bytes(), "licence": entry.licence, "about": entry.about,
                "urls": entry.urls().collect::<Vec<_>>(),
            });
            outln!("{value}")?;
            continue;
        }
        let size = entry.bytes();
        table.row([
            entry.name.clone(),
            entry.kind.to_string(),
            if present { "yes" } else { "–" }.to_owned(),
            if size == 0 { "–".to_owned() } else { megabytes(size) },
            entry.licence.clone(),
            entry.about.clone(),
        ]);
    }
    if !json {
        outln!("{}", table.render().trim_end())?;
    }
    Ok(())
}

fn show(registry: &Registry, name: &str, json: bool) -> Result<()> {
    let entry = registry.entry(name)?;
    let (dir, present) = (registry.path(name)?, registry.is_present(name));
    if json {
        let files: Vec<_> = entry
            .files
            .iter()
            .map(|file| json!({ "path": file.path, "bytes": file.bytes, "sha256": file.sha256 }))
            .collect();
        let value = json!({
            "name": entry.name, "kind": entry.kind.to_string(), "family": entry.family.to_string(), "present": present,
            "bytes": entry.bytes(), "licence": entry.licence, "about": entry.about, "dir": dir, "files": files,
            "urls": entry.urls().collect::<Vec<_>>(),
        });
        outln!("{value}")?;
        return Ok(());
    }
    outln!("{}: {} ({}, {}, {})", entry.name, entry.about, entry.kind, entry.family, entry.licence)?;
    outln!("{} in {}", if present { "here" } else { "not here: belongs" }, dir.display())?;
    let mut table = Table::new(&["file", "MB", "SHA-256"]);
    for file in &entry.files {
        table.row([file.path.clone(), megabytes(file.bytes), file.sha256.clone()]);
    }
    outln!("{}", table.render().trim_end())?;
    for url in entry.archive.iter().map(|archive| &archive.url) {
        outln!("archive: {url}")?;
    }
    Ok(())
}

fn pull(registry: &Registry, name: &str, json: bool) -> Result<()> {
    let (was_here, begin) = (registry.is_present(name), Instant::now());
    let model = registry.pull(name, None)?;
    let (bytes, seconds) = (registry.entry(name)?.bytes(), begin.elapsed().as_secs_f64());
    if json {
        let value = json!({
            "name": name, "dir": model.dir, "bytes": bytes, "seconds": seconds, "was_present": was_here,
        });
        outln!("{value}")?;
    } else if was_here {
        outln!("{name}: here already, in {}", model.dir.display())?;
    } else {
        outln!("{name}: {} MB in {seconds:.1} s, verified, in {}", megabytes(bytes), model.dir.display())?;
    }
    Ok(())
}

fn remove(registry: &Registry, name: &str, json: bool) -> Result<()> {
    let bytes = registry.remove(name)?;
    if json {
        outln!("{}", json!({ "name": name, "removed_bytes": bytes }))?;
    } else if bytes == 0 {
        outln!("{name}: was not here")?;
    } else {
        outln!("{name}: removed, {} MB freed", megabytes(bytes))?;
    }
    Ok(())
}

fn bundle(registry: &Registry, name: &str, out: &Path, json: bool) -> Result<()> {
    let out = std::path::absolute(out).with_context(|| format!("cannot resolve {}", out.display()))?;
    let dir = registry.bundle(name, &out)?;
    if json {
        outln!("{}", json!({ "name": name, "dir": dir, "mirror": out }))?;
    } else {
        outln!("{name}: {}; elsewhere set DUOLOGUE_MIRROR to the copy of {}", dir.display(), out.display())?;
    }
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
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
            (true, _) => outln!("{}", json!({ "name": name, "ok": problem.is_none(), "problem": problem }))?,
            (false, Ok(verified)) if verified.files == 0 => {
                outln!(
                    "{name}: put in place by hand; only its archive is pinned, so there is nothing to compare with"
                )?;
            }
            (false, Ok(verified)) => {
                outln!("{name}: {} files, {} MB, as published", verified.files, megabytes(verified.bytes))?;
            }
            (false, Err(error)) => outln!("{name}: {error}")?,
        }
    }
    if bad > 0 {
        bail!("{bad} of {} models did not pass", names.len());
    }
    Ok(())
}
