//! `duologue transcribe`: recordings to text, live on a terminal.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use duologue::models::Word;
use duologue::pipeline::cues::{Cue, Format};
use duologue::pipeline::wav::WavReader;
use duologue::pipeline::{Heard, Listener};
use duologue::setup::{Listening, Models};
use duologue::{note, outln, terminal};
use serde_json::json;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::args::{Common, TranscribeArgs};

/// Frames read at a time: 100 ms at 48 kHz.
const CHUNK: usize = 4_800;
/// Columns of a terminal that does not tell how many it has.
const COLUMNS: usize = 80;
/// Columns in front of the words: the time.
const MARGIN: usize = 10;
/// Level of 100 ms, at most, in a recording that is too soft to be recognised: −55 dBFS.
const TOO_SOFT: f32 = 0.001_778;

pub fn run(common: &Common, args: &TranscribeArgs) -> Result<()> {
    if common.json && args.format != Format::Text {
        bail!("--json is a format of its own: leave out --format");
    }
    let files = recordings(&args.files)?;
    let outputs = outputs(&files, common, args)?;
    let settings = common.settings()?;
    let models = Models::load_listening(&settings, common.offline)?;
    let mut failed = false;
    for (file, output) in files.iter().zip(&outputs) {
        let headline = files.len() > 1 && output.is_none() && args.format == Format::Text && !common.json;
        let result = transcribe(&models, file, output.as_deref(), headline, common, args);
        match result {
            Err(error) if !super::is_output(&error) => {
                note!("duologue: {error:#}");
                failed = true;
            }
            other => other?,
        }
    }
    if failed {
        bail!("not every file could be transcribed; see above");
    }
    Ok(())
}

/// The files, and those in folders that end in `.wav`, by name.
fn recordings(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let unreadable = || format!("{}: cannot be read", path.display());
        let entries = std::fs::read_dir(path).with_context(unreadable)?;
        let mut inside = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<Vec<_>>>()
            .with_context(unreadable)?;
        inside.retain(|file| {
            file.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("wav")) && file.is_file()
        });
        if inside.is_empty() {
            bail!("{}: holds no .wav file", path.display());
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

/// Where each file's transcript goes: `None` is standard output.
fn outputs(files: &[PathBuf], common: &Common, args: &TranscribeArgs) -> Result<Vec<Option<PathBuf>>> {
    let Some(dir) = &args.out else {
        if files.len() > 1 && args.format != Format::Text {
            bail!("{} files as one: name a folder for their transcripts with --out DIR", files.len());
        }
        return Ok(vec![None; files.len()]);
    };
    std::fs::create_dir_all(dir).with_context(|| format!("{}: cannot be made", dir.display()))?;
    let extension = if common.json { "jsonl" } else { args.format.extension() };
    let mut outputs: Vec<Option<PathBuf>> = Vec::new();
    for file in files {
        let stem = if file == Path::new("-") { Path::new("stdin") } else { file };
        let output = dir.join(stem.file_stem().unwrap_or(stem.as_os_str())).with_extension(extension);
        if outputs.iter().flatten().any(|other| *other == output) {
            bail!(
                "{}: another recording's transcript has that name, too; transcribe them apart",
                output.display()
            );
        }
        outputs.push(Some(output));
    }
    Ok(outputs)
}

fn transcribe(
    models: &Listening,
    file: &Path,
    output: Option<&Path>,
    headline: bool,
    common: &Common,
    args: &TranscribeArgs,
) -> Result<()> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    if headline {
        outln!("{name}")?;
    }
    let out = match output {
        None => Out::Standard,
        Some(path) => {
            let made =
                File::create(path).with_context(|| format!("{}: cannot be written", path.display()))?;
            Out::File(BufWriter::new(made), path.to_owned())
        }
    };
    let live = output.is_none() && !common.json && args.format == Format::Text && io::stdout().is_terminal();
    let printer = Printer {
        name: &name,
        json: common.json,
        format: args.format,
        live,
        out,
        cues: 0,
        held: Vec::new(),
        outcome: Ok(()),
    };
    if file == Path::new("-") {
        hear(models, WavReader::new(io::stdin().lock(), &name)?, printer, args.split)
    } else {
        hear(models, WavReader::open(file)?, printer, args.split)
    }
}

fn hear<R: Read>(
    models: &Listening,
    mut reader: WavReader<R>,
    mut printer: Printer,
    split: bool,
) -> Result<()> {
    let channels = if split { usize::from(reader.spec().channels) } else { 1 };
    let mut listeners = (0..channels)
        .map(|_| Ok(Listener::new(&*models.stt, models.vad()?, reader.spec().rate, &Listener::recording())?))
        .collect::<Result<Vec<_>>>()?;
    // Channels are numbered for people, and only where there are several.
    let number = |channel: usize| (channels > 1).then_some(channel + 1);
    printer.begin(channels > 1)?;
    let mut samples = vec![0.0; CHUNK * channels];
    let mut one = Vec::with_capacity(CHUNK);
    let mut loudest = 0.0_f32;
    loop {
        let frames =
            if channels > 1 { reader.read_frames(&mut samples)? } else { reader.read(&mut samples)? };
        if frames == 0 {
            break;
        }
        for (channel, listener) in listeners.iter_mut().enumerate() {
            one.clear();
            one.extend(samples[..frames * channels].iter().skip(channel).step_by(channels));
            loudest = loudest.max(level(&one));
            listener.push(&one, &mut |heard| printer.print(&heard, number(channel)))?;
        }
        std::mem::replace(&mut printer.outcome, Ok(()))?;
    }
    for (channel, listener) in listeners.iter_mut().enumerate() {
        listener.finish(&mut |heard| printer.print(&heard, number(channel)))?;
    }
    let mut warnings: Vec<String> = reader.warnings().iter().map(ToString::to_string).collect();
    if loudest > 0.0 && loudest < TOO_SOFT {
        let dbfs = 20.0 * loudest.log10();
        warnings.push(format!(
            "too soft to be recognised well ({dbfs:.0} dBFS where it is loudest): raise its level"
        ));
    }
    for warning in warnings {
        printer.warn(&warning);
    }
    printer.end()
}

/// Root of the mean square, ±1.0 being full scale.
fn level(samples: &[f32]) -> f32 {
    (samples.iter().map(|x| x * x).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

/// Where a transcript goes.
enum Out {
    Standard,
    File(BufWriter<File>, PathBuf),
}

impl Out {
    fn write(&mut self, text: &str) -> io::Result<()> {
        match self {
            Self::Standard => terminal::write(terminal::shown(format_args!("{text}")).as_bytes()),
            Self::File(file, path) => file.write_all(text.as_bytes()).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: cannot be written: {error}", path.display()))
            }),
        }
    }
}

struct Printer<'a> {
    name: &'a str,
    json: bool,
    format: Format,
    live: bool,
    out: Out,
    cues: usize,
    /// Utterances of several channels, which are recognised in another order than they were begun in: their begin and end in ms,
    /// channel and words.
    held: Vec<(u64, u64, usize, String)>,
    outcome: io::Result<()>,
}

impl Printer<'_> {
    fn begin(&mut self, split: bool) -> io::Result<()> {
        if self.json || self.format.head(split).is_empty() {
            Ok(())
        } else {
            self.out.write(self.format.head(split))
        }
    }

    fn print(&mut self, heard: &Heard, channel: Option<usize>) {
        if self.outcome.is_ok() {
            self.outcome = self.write(heard, channel);
        }
    }

    fn warn(&mut self, warning: &str) {
        note!("duologue: {}: {warning}", self.name);
        if self.json && self.outcome.is_ok() {
            self.outcome = self.object(json!({ "type": "warning", "text": warning }), None);
        }
    }

    fn end(mut self) -> Result<()> {
        std::mem::replace(&mut self.outcome, Ok(()))?;
        let mut held = std::mem::take(&mut self.held);
        held.sort();
        for (start_ms, end_ms, channel, text) in &held {
            let (start_ms, end_ms) = (*start_ms, *end_ms);
            self.cue(&Cue { start_ms, end_ms, channel: Some(*channel), text })?;
        }
        if let Out::File(file, path) = &mut self.out {
            file.flush().with_context(|| format!("{}: cannot be written", path.display()))?;
        }
        Ok(())
    }

    fn write(&mut self, heard: &Heard, channel: Option<usize>) -> io::Result<()> {
        match heard {
            Heard::Partial { start, text } if self.json => {
                self.object(json!({ "type": "partial", "start": seconds(*start), "text": text }), channel)
            }
            Heard::Final { range, text, words } if self.json => {
                let (start, end) = (seconds(range.start), seconds(range.end));
                let word = |word: &Word| json!({ "word": word.text, "start": seconds(word.span.start), "end": seconds(word.span.end) });
                let words: Vec<_> = words.iter().map(word).collect();
                let about =
                    json!({ "type": "final", "start": start, "end": end, "text": text, "words": words });
                self.object(about, channel)
            }
            Heard::Partial { start, text } if self.live => {
                // The width is asked for each time: windows change.
                let text = terminal::shown(format_args!("{text}"));
                let room = columns().saturating_sub(MARGIN + 1);
                let line = format!("\r\x1b[K{:8.2}  \x1b[2m{}\x1b[0m", seconds(*start), tail(&text, room));
                terminal::write(line.as_bytes())
            }
            Heard::Final { range, text, .. } if !text.is_empty() => {
                if self.live {
                    terminal::write(b"\r\x1b[K")?;
                }
                let (start_ms, end_ms) = (range.start / 16, range.end / 16);
                if let Some(channel) = channel {
                    self.held.push((start_ms, end_ms, channel, text.clone()));
                    return Ok(());
                }
                self.cue(&Cue { start_ms, end_ms, channel, text })
            }
            _ => Ok(()),
        }
    }

    fn cue(&mut self, cue: &Cue) -> io::Result<()> {
        self.cues += 1;
        self.out.write(&self.format.cue(self.cues, cue))
    }

    /// One line of JSON about the file, and about a channel of it.
    fn object(&mut self, mut about: serde_json::Value, channel: Option<usize>) -> io::Result<()> {
        about["file"] = json!(self.name);
        if let Some(channel) = channel {
            about["channel"] = json!(channel);
        }
        self.out.write(&format!("{about}\n"))
    }
}

fn columns() -> usize {
    terminal_size::terminal_size().map_or(COLUMNS, |(width, _)| usize::from(width.0))
}

fn seconds(sample: u64) -> f64 {
    sample as f64 / 16_000.0
}

/// The last `room` columns: a line must not wrap while it is rewritten.
fn tail(text: &str, room: usize) -> &str {
    let mut excess = text.width().saturating_sub(room);
    let mut start = 0;
    for (at, c) in text.char_indices() {
        if excess == 0 {
            break;
        }
        excess = excess.saturating_sub(c.width().unwrap_or(0));
        start = at + c.len_utf8();
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(tail("hello", 3), "llo");
        assert_eq!(tail("日本語です", 4), "です");
        assert_eq!(tail("日本語です", 5), "です");
        assert_eq!(tail("short", 80), "short");
        assert_eq!(tail("short", 0), "");
    }
}
