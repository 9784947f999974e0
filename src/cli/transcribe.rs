//! `duologue transcribe`: recordings to text, live on a terminal.

use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::Result;
use duologue::pipeline::wav::WavReader;
use duologue::pipeline::{Heard, Listener};
use duologue::setup::{Listening, Models};
use serde_json::json;

use super::args::{Common, TranscribeArgs};

/// Frames read at a time: 100 ms at 48 kHz.
const CHUNK: usize = 4_800;

pub fn run(common: &Common, args: &TranscribeArgs) -> Result<()> {
    let settings = common.settings()?;
    let models = Models::load_listening(&settings, common.offline)?;
    let mut failed = None;
    for file in &args.files {
        if let Err(error) = transcribe(&models, file, common.json, args.files.len() > 1) {
            eprintln!("duologue: {error:#}");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), |_| Err(anyhow::anyhow!("not every file could be transcribed; see above")))
}

fn transcribe(models: &Listening, file: &Path, json: bool, headline: bool) -> Result<()> {
    let mut reader = WavReader::open(file)?;
    let rate = reader.spec().rate;
    let mut listener = Listener::new(&*models.stt, models.vad()?, rate, &Listener::recording())?;
    let mut printer = Printer { file, json, live: !json && std::io::stdout().is_terminal(), outcome: Ok(()) };
    if headline && !json {
        writeln!(std::io::stdout(), "{}", file.display())?;
    }
    let mut samples = [0.0; CHUNK];
    loop {
        let n = reader.read(&mut samples)?;
        if n == 0 {
            break;
        }
        listener.push(&samples[..n], &mut |heard| printer.print(&heard))?;
        std::mem::replace(&mut printer.outcome, Ok(()))?;
    }
    listener.finish(&mut |heard| printer.print(&heard))?;
    for warning in reader.warnings() {
        eprintln!("duologue: {}: {warning}", file.display());
    }
    Ok(printer.outcome?)
}

struct Printer<'a> {
    file: &'a Path,
    json: bool,
    live: bool,
    outcome: std::io::Result<()>,
}

impl Printer<'_> {
    fn print(&mut self, heard: &Heard) {
        if self.outcome.is_ok() {
            self.outcome = self.write(heard);
        }
    }

    fn write(&self, heard: &Heard) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        match heard {
            Heard::Partial { start, text } if self.json => {
                let line =
                    json!({ "file": self.file, "type": "partial", "start": seconds(*start), "text": text });
                writeln!(out, "{line}")
            }
            Heard::Final { range, text } if self.json => {
                let line = json!({ "file": self.file, "type": "final", "start": seconds(range.start), "end": seconds(range.end), "text": text });
                writeln!(out, "{line}")
            }
            Heard::Partial { start, text } if self.live => {
                write!(out, "\r\x1b[K{:8.2}  \x1b[2m{}\x1b[0m", seconds(*start), tail(text, 100))?;
                out.flush()
            }
            Heard::Final { range, text } if !text.is_empty() => {
                let clear = if self.live { "\r\x1b[K" } else { "" };
                writeln!(out, "{clear}{:8.2}  {text}", seconds(range.start))
            }
            _ => Ok(()),
        }
    }
}

fn seconds(sample: u64) -> f64 {
    sample as f64 / 16_000.0
}

/// The last `room` characters: a line must not wrap while it is rewritten.
fn tail(text: &str, room: usize) -> String {
    let skip = text.chars().count().saturating_sub(room);
    text.chars().skip(skip).collect()
}
