//! Where speech goes: a file or standard output, as WAV or as samples alone.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use duologue::pipeline::wav::WavWriter;
use duologue::terminal;

/// What a WAV file says of its length that is written to where nobody can go back.
const UNKNOWN: u32 = u32::MAX;

pub enum Sink {
    Wav(WavWriter<File>),
    Raw(BufWriter<File>, String),
    /// Standard output.
    Out,
}

/// Whether it is known how to write `path`.
pub fn check(path: Option<&Path>, raw: bool) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let Some(extension) = path.extension() else { return Ok(()) };
    let extension = extension.to_string_lossy().to_ascii_lowercase();
    match extension.as_str() {
        "wav" | "wave" if raw => {
            bail!("{}: --raw writes samples without a header: name it .raw or .pcm", path.display())
        }
        "wav" | "wave" | "raw" | "pcm" => Ok(()),
        _ if raw => Ok(()),
        other => bail!(
            "{}: .{other} is not written here; name it .wav, or .raw for samples alone, and convert it with another \
             program",
            path.display()
        ),
    }
}

/// The sink at `path`, opened at the first sound.
pub fn open<'a>(sink: &'a mut Option<Sink>, path: &Path, raw: bool, rate: u32) -> Result<&'a mut Sink> {
    if sink.is_none() {
        *sink = Some(Sink::new(path, raw, rate)?);
    }
    sink.as_mut().context("invariant: it was just opened")
}

impl Sink {
    fn new(path: &Path, raw: bool, rate: u32) -> Result<Self> {
        let raw = raw
            || path
                .extension()
                .is_some_and(|ext| ext.eq_ignore_ascii_case("raw") || ext.eq_ignore_ascii_case("pcm"));
        if path == Path::new("-") {
            if !raw {
                terminal::write(&header(rate))?;
            }
            return Ok(Self::Out);
        }
        if raw {
            let name = path.display().to_string();
            let file = File::create(path).with_context(|| format!("{name}: cannot be written"))?;
            return Ok(Self::Raw(BufWriter::new(file), name));
        }
        Ok(Self::Wav(WavWriter::create(path, rate, 1)?))
    }

    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        match self {
            Self::Wav(writer) => writer.write(samples)?,
            Self::Raw(file, name) => {
                file.write_all(&bytes(samples)).with_context(|| format!("{name}: cannot be written"))?;
            }
            Self::Out => terminal::write(&bytes(samples))?,
        }
        Ok(())
    }

    pub fn finish(self) -> Result<()> {
        match self {
            Self::Wav(writer) => writer.finish()?,
            Self::Raw(mut file, name) => {
                file.flush().with_context(|| format!("{name}: cannot be written"))?
            }
            Self::Out => {}
        }
        Ok(())
    }
}

/// 16 bits, little-endian.
fn bytes(samples: &[f32]) -> Vec<u8> {
    let sample = |x: &f32| ((x.clamp(-1.0, 1.0) * 32_767.0).round() as i16).to_le_bytes();
    samples.iter().flat_map(sample).collect()
}

/// Of one channel of 16 bits, for a stream whose length is not known yet.
fn header(rate: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(44);
    out.extend(b"RIFF");
    out.extend(UNKNOWN.to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16u32.to_le_bytes());
    for field in [1u16, 1] {
        out.extend(field.to_le_bytes());
    }
    out.extend(rate.to_le_bytes());
    out.extend((rate * 2).to_le_bytes());
    for field in [2u16, 16] {
        out.extend(field.to_le_bytes());
    }
    out.extend(b"data");
    out.extend(UNKNOWN.to_le_bytes());
    out
}
