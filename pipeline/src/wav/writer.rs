//! The writer: 16-bit PCM whose header is brought up to date every second.

use super::{RATES, io_error};
use crate::{Error, ErrorKind};
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

const HEADER: usize = 44;
/// What sizes say when they are unknown or beyond 32 bits; readers then go to the end of the file.
const UNKNOWN: u32 = u32::MAX;

/// Writes a 16-bit PCM WAV file.
///
/// The file on disk is a valid WAV file at any moment: if the process dies, at most the last second
/// is missing. Dropping the writer closes the file as [`WavWriter::finish`] does, but cannot report
/// an error.
pub struct WavWriter<W: Write + Seek = File> {
    output: BufWriter<W>,
    name: String,
    rate: u32,
    channels: u16,
    data_bytes: u64,
    /// Data bytes since the header was last updated.
    unlisted: u64,
    /// A pipe cannot go back to its header.
    seekable: bool,
    open: bool,
}

impl WavWriter<File> {
    /// Creates the file at `path`, or empties it, and writes its header; `rate` in Hz within
    /// [`RATES`], `channels` interleaved channels (1: mono, 2: stereo).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] if it cannot be created or written;
    /// [`crate::ErrorKind::Config`] if `rate` or `channels` is out of range.
    pub fn create(path: impl AsRef<Path>, rate: u32, channels: u16) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        check(&name, rate, channels)?;
        let file = File::create(path).map_err(|e| io_error("create it", &name, &e))?;
        Self::new(file, name, rate, channels)
    }
}

impl<W: Write + Seek> WavWriter<W> {
    /// Writes to `output`, which messages call `name`; otherwise as [`WavWriter::create`].
    ///
    /// # Errors
    /// As for [`WavWriter::create`].
    pub fn new(output: W, name: impl Into<String>, rate: u32, channels: u16) -> Result<Self, Error> {
        let name = name.into();
        check(&name, rate, channels)?;
        let mut output = BufWriter::new(output);
        let seekable = output.stream_position().is_ok();
        let mut writer =
            Self { output, name, rate, channels, data_bytes: 0, unlisted: 0, seekable, open: true };
        let header = writer.header();
        writer.attempt(|o| o.write_all(&header).and_then(|()| o.flush()))?;
        Ok(writer)
    }

    /// Appends interleaved samples; ±1.0 is full scale, more is limited, NaN is 0.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] if the disk is full or gone.
    pub fn write(&mut self, samples: &[f32]) -> Result<(), Error> {
        for chunk in samples.chunks(1024) {
            let mut bytes = [0u8; 2048];
            for (pair, sample) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(chunk) {
                *pair = to_i16(*sample).to_le_bytes();
            }
            let n = chunk.len() * 2;
            self.attempt(|o| o.write_all(&bytes[..n]))?;
            self.data_bytes += n as u64;
            self.unlisted += n as u64;
        }
        if self.unlisted >= u64::from(self.rate) * u64::from(self.channels) * 2 {
            self.list()?;
        }
        Ok(())
    }

    /// Writes what is buffered and brings the header up to date.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] if the disk is full or gone.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.list()
    }

    /// Completes and closes the file.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] if the last of the audio or the header cannot be written.
    pub fn finish(mut self) -> Result<(), Error> {
        self.open = false;
        self.list()
    }

    /// Frames written so far.
    pub fn frames(&self) -> u64 {
        self.data_bytes / (2 * u64::from(self.channels))
    }

    /// Audio first, header second: the header never announces what is not there.
    fn list(&mut self) -> Result<(), Error> {
        self.unlisted = 0;
        self.attempt(BufWriter::flush)?;
        if !self.seekable {
            return Ok(());
        }
        let header = self.header();
        self.attempt(|o| {
            o.seek(SeekFrom::Start(0))?;
            o.write_all(&header)?;
            o.seek(SeekFrom::End(0))?;
            o.flush()
        })
    }

    fn header(&self) -> [u8; HEADER] {
        let fits = self.seekable.then(|| u32::try_from(self.data_bytes).ok()).flatten();
        let data = fits.filter(|d| *d <= UNKNOWN - HEADER as u32).unwrap_or(UNKNOWN);
        let riff = data.saturating_add(HEADER as u32 - 8);
        let align = self.channels * 2;
        let mut h = [0; HEADER];
        h[0..4].copy_from_slice(b"RIFF");
        h[4..8].copy_from_slice(&riff.to_le_bytes());
        h[8..16].copy_from_slice(b"WAVEfmt ");
        h[16..20].copy_from_slice(&16u32.to_le_bytes());
        h[20..22].copy_from_slice(&1u16.to_le_bytes());
        h[22..24].copy_from_slice(&self.channels.to_le_bytes());
        h[24..28].copy_from_slice(&self.rate.to_le_bytes());
        h[28..32].copy_from_slice(&(self.rate * u32::from(align)).to_le_bytes());
        h[32..34].copy_from_slice(&align.to_le_bytes());
        h[34..36].copy_from_slice(&16u16.to_le_bytes());
        h[36..40].copy_from_slice(b"data");
        h[40..44].copy_from_slice(&data.to_le_bytes());
        h
    }

    fn attempt(
        &mut self,
        action: impl FnOnce(&mut BufWriter<W>) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        action(&mut self.output).map_err(|e| io_error("write it", &self.name, &e))
    }
}

impl<W: Write + Seek> Drop for WavWriter<W> {
    fn drop(&mut self) {
        if self.open {
            // Nobody is left to tell; `finish` reports.
            let _ = self.list();
        }
    }
}

/// A sample of 16 bits, rounded, limited to full scale; NaN is 0.
pub(crate) fn to_i16(sample: f32) -> i16 {
    // A float cast saturates and turns NaN into 0.
    (sample * 32_768.0).round() as i16
}

fn check(name: &str, rate: u32, channels: u16) -> Result<(), Error> {
    if !RATES.contains(&rate) {
        let (lo, hi) = (RATES.start(), RATES.end());
        let what = format!("{name}: cannot write a WAV file at {rate} Hz; choose {lo} to {hi} Hz");
        return Err(Error::new(ErrorKind::Config, what));
    }
    if !(1..=256).contains(&channels) {
        let what = format!("{name}: cannot write a WAV file of {channels} channels; choose 1 to 256");
        return Err(Error::new(ErrorKind::Config, what));
    }
    Ok(())
}
