//! `duologue text`: what will be spoken for each line, how it sounds, where it is cut.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use duologue::models::text::{ClauseConfig, Explanation, explain, language, to_be_spoken};
use duologue::outln;
use serde_json::json;

use super::args::{Common, TextArgs};

pub fn run(common: &Common, args: &TextArgs) -> Result<()> {
    let tag = match (&args.language, args.voice.as_deref().and_then(language::of_voice)) {
        (Some(tag), _) => tag.as_str(),
        (None, of_voice) => of_voice.unwrap_or("en-US"),
    };
    let Some(language) = language::by_tag(tag) else {
        bail!("language {tag:?} is not known; known are {}", language::TAGS.join(", "));
    };
    let config = ClauseConfig { words: language.clause_words(), ..ClauseConfig::default() };
    for line in lines(&args.text)?.lines() {
        let found = explain(&to_be_spoken(line), &*language, &config);
        if common.json {
            outln!("{}", as_json(line, &found))?;
        } else {
            print(line, &found)?;
        }
    }
    Ok(())
}

/// Standard input for `-`, a file's text if there is such a file, else the argument itself.
fn lines(argument: &str) -> Result<String> {
    if argument == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input is not readable UTF-8 text")?;
        return Ok(text);
    }
    let path = Path::new(argument);
    if argument.len() < 4096 && path.is_file() {
        return std::fs::read_to_string(path)
            .with_context(|| format!("{argument} is not readable UTF-8 text"));
    }
    Ok(argument.to_owned())
}

fn as_json(line: &str, found: &Explanation) -> serde_json::Value {
    let clauses: Vec<_> = found
        .clauses
        .iter()
        .map(|clause| json!({ "text": clause.text, "boundary": format!("{:?}", clause.boundary).to_lowercase(), "pause_ms": clause.pause_after.as_millis() as u64 }))
        .collect();
    let rules: Vec<_> = found
        .rules
        .iter()
        .map(|piece| json!({ "rule": piece.rule, "written": piece.written, "spoken": piece.spoken, "start": piece.source.start, "end": piece.source.end }))
        .collect();
    json!({ "input": line, "spoken": found.spoken, "phonemes": found.phonemes, "clauses": clauses, "rules": rules })
}

fn print(line: &str, found: &Explanation) -> std::io::Result<()> {
    outln!("{line}\n  spoken    {}\n  phonemes  {}", found.spoken, found.phonemes)?;
    for clause in &found.clauses {
        outln!("  clause    {:?}, then {} ms", clause.text, clause.pause_after.as_millis())?;
    }
    for piece in &found.rules {
        outln!("  {:<9} {:?} → {}", piece.rule, piece.written, piece.spoken)?;
    }
    Ok(())
}
