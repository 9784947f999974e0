//! The streaming reader.

use super::header::{self, Header, read_full};
use super::justify::{self, Evidence};
use super::mix::Mixer;
use super::{SampleFormat, Warning, WavSpec, io_error};
use crate::Error;
use audio_codec_algorithms::{decode_alaw, decode_ulaw};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes decoded at once: small enough to stay in the first-level cache.
const BUFFER: usize = 16_384;

/// Reads a WAV file from its first sample to its last, in bounded memory.
pub struct WavReader<R = File> {
    input: BufReader<R>,
    name: String,
    spec: WavSpec,
    /// Bytes of audio announced; `None`: to the end.
    announced: Option<u64>,
    /// Bytes of audio read.
    found: u64,
    frames: Option<u64>,
    /// Whole frames; room for at least one.
    raw: Vec<u8>,
    /// The same decoded, where several channels become one.
    decoded: Vec<f32>,
    mixer: Mixer,
    /// How far samples of four bytes are shifted to the left.
    shift: u32,
    warnings: Vec<Warning>,
    mended: Mended,
}

/// Samples that had to be changed.
#[derive(Clone, Copy, Default)]
struct Mended {
    non_finite: u64,
    clipped: u64,
}

impl WavReader<File> {
    /// Opens the file at `path` and reads its header.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] if it cannot be opened or read;
    /// [`crate::ErrorKind::InvalidAudio`] if it is not a WAV file, or in a format that is not
    /// supported.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| io_error("open it", &name, &e))?;
        let meta = file.metadata().map_err(|e| io_error("open it", &name, &e))?;
        if meta.is_dir() {
            return Err(io_error("open it", &name, &std::io::ErrorKind::IsADirectory.into()));
        }
        let length = meta.is_file().then_some(meta.len());
        let mut again = meta
            .is_file()
            .then(|| File::open(path))
            .transpose()
            .map_err(|e| io_error("open it", &name, &e))?;
        Self::with_length(file, name, length, |header, found| match &mut again {
            Some(file) => {
                file.seek(SeekFrom::Start(header.offset))?;
                justify::is_right_in_all(file.take(header.data_bytes.unwrap_or(u64::MAX)), header.bits)
            }
            None => Ok(found.is_right()),
        })
    }
}

impl<R: Read> WavReader<R> {
    /// Reads the header from `input`; `name` is what messages call it.
    ///
    /// # Errors
    /// As for [`WavReader::open`].
    pub fn new(input: R, name: impl Into<String>) -> Result<Self, Error> {
        Self::with_length(input, name.into(), None, |_, found| Ok(found.is_right()))
    }

    /// `is_right` tells whether fewer than 32 valid bits are on the right, by the header and by what is at hand of the audio.
    fn with_length(
        input: R,
        name: String,
        length: Option<u64>,
        is_right: impl FnOnce(&Header, Evidence) -> std::io::Result<bool>,
    ) -> Result<Self, Error> {
        let mut input = BufReader::with_capacity(BUFFER, input);
        let mut header = header::parse(&mut input, &name)?;
        let mut shift = 0;
        if header.spec.format == SampleFormat::I32 && header.bits < 32 {
            let mut found = Evidence::default();
            let at_hand = input.fill_buf().map_err(|e| io_error("read it", &name, &e))?;
            found.look(at_hand, header.bits);
            if is_right(&header, found).map_err(|e| io_error("read it", &name, &e))? {
                shift = 32 - u32::from(header.bits);
                header.warnings.push(Warning::RightJustified);
            }
        }
        let frame = header.spec.frame_bytes();
        let there = length.map(|l| l.saturating_sub(header.offset));
        let mut reader = Self {
            input,
            name,
            spec: header.spec,
            announced: header.data_bytes,
            found: 0,
            frames: match (header.data_bytes, there) {
                (Some(a), Some(t)) => Some(a.min(t) / frame as u64),
                (a, t) => a.or(t).map(|bytes| bytes / frame as u64),
            },
            raw: vec![0; (BUFFER / frame).max(1) * frame],
            decoded: Vec::new(),
            mixer: Mixer::new(usize::from(header.spec.channels), header.spec.rate),
            shift,
            warnings: header.warnings,
            mended: Mended::default(),
        };
        if let (Some(announced), Some(found)) = (header.data_bytes, there)
            && found < announced
        {
            reader.warn(Warning::Truncated { announced, found });
        }
        Ok(reader)
    }

    /// Rate, channels and format.
    pub fn spec(&self) -> WavSpec {
        self.spec
    }

    /// Frames in the whole file, as far as its header or its size tells.
    pub fn frames(&self) -> Option<u64> {
        self.frames
    }

    /// What was wrong so far; complete once everything has been read.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut all = self.warnings.clone();
        let Mended { non_finite, clipped } = self.mended;
        if non_finite > 0 {
            all.push(Warning::NonFinite { samples: non_finite });
        }
        if clipped > 0 {
            all.push(Warning::Clipped { samples: clipped });
        }
        if let Some(channel) = self.mixer.chosen() {
            all.push(Warning::Cancelling { channel: channel as u16 });
        }
        all
    }

    /// Fills `out` with mono samples; gives how many, fewer than asked only at the end, 0 from then on.
    /// Several channels become their mean, or the loudest of them if they cancel each other out.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] if reading fails.
    pub fn read(&mut self, out: &mut [f32]) -> Result<usize, Error> {
        if self.spec.channels == 1 {
            return self.read_frames(out);
        }
        let mut n = 0;
        while n < out.len() {
            let frames = self.fill(out.len() - n)?;
            if frames == 0 {
                break;
            }
            let raw = &self.raw[..frames * self.spec.frame_bytes()];
            let decoded = &mut self.decoded;
            decoded.clear();
            decode(self.spec.format, self.shift, raw, &mut self.mended, |sample| decoded.push(sample));
            self.mixer.mix(decoded, &mut out[n..n + frames]);
            n += frames;
        }
        Ok(n)
    }

    /// Fills `out` with interleaved frames of all channels; gives how many frames, fewer than fit
    /// only at the end, 0 from then on.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] if reading fails.
    pub fn read_frames(&mut self, out: &mut [f32]) -> Result<usize, Error> {
        let channels = usize::from(self.spec.channels);
        let wanted = out.len() / channels;
        let mut n = 0;
        while n < wanted {
            let frames = self.fill(wanted - n)?;
            if frames == 0 {
                break;
            }
            let raw = &self.raw[..frames * self.spec.frame_bytes()];
            let mut at = n * channels;
            decode(self.spec.format, self.shift, raw, &mut self.mended, |sample| {
                out[at] = sample;
                at += 1;
            });
            n += frames;
        }
        Ok(n)
    }

    /// The rest of the file as mono samples.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] if reading fails; [`crate::ErrorKind::InvalidAudio`] if there are
    /// more than `most` samples, so that a clip that must fit in memory cannot be a day long.
    pub fn read_to_end(&mut self, most: usize) -> Result<Vec<f32>, Error> {
        let mut all = Vec::new();
        let mut block = [0.0; 4096];
        loop {
            let n = self.read(&mut block)?;
            if n == 0 {
                return Ok(all);
            }
            if all.len() + n > most {
                let seconds = most as f64 / f64::from(self.spec.rate);
                let what = format!("longer than the {seconds:.1} s that fit here; use a shorter clip");
                return Err(super::invalid(&self.name, what));
            }
            all.extend_from_slice(&block[..n]);
        }
    }

    /// Reads up to `frames` whole frames into `raw`; gives how many.
    fn fill(&mut self, frames: usize) -> Result<usize, Error> {
        let frame = self.spec.frame_bytes();
        let left = self.announced.map_or(u64::MAX, |a| a.saturating_sub(self.found));
        let wanted = (frames.min(self.raw.len() / frame) * frame) as u64;
        let wanted = wanted.min(left) as usize;
        if wanted == 0 {
            return Ok(0);
        }
        let n = read_full(&mut self.input, &mut self.raw[..wanted])
            .map_err(|e| io_error("read it", &self.name, &e))?;
        self.found += n as u64;
        if n < wanted {
            self.ended_early();
        }
        let partial = n % frame;
        if partial > 0 {
            self.warn(Warning::PartialFrame { bytes: partial as u64 });
            self.announced = Some(self.found);
        }
        Ok(n / frame)
    }

    fn ended_early(&mut self) {
        let found = self.found;
        if let Some(announced) = self.announced.replace(found)
            && !self.warnings.iter().any(|w| matches!(w, Warning::Truncated { .. }))
        {
            self.warn(Warning::Truncated { announced, found });
        }
    }

    fn warn(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

fn decode(format: SampleFormat, shift: u32, raw: &[u8], mended: &mut Mended, mut put: impl FnMut(f32)) {
    match format {
        SampleFormat::U8 => each(raw, |[b]| put((f32::from(b) - 128.0) / 128.0)),
        SampleFormat::I16 => each(raw, |b| put(f32::from(i16::from_le_bytes(b)) / 32_768.0)),
        SampleFormat::I24 => {
            each(raw, |[a, b, c]| put((i32::from_le_bytes([0, a, b, c]) >> 8) as f32 / 8_388_608.0))
        }
        SampleFormat::I32 => each(raw, |b| put((i32::from_le_bytes(b) << shift) as f32 / 2_147_483_648.0)),
        SampleFormat::F32 => each(raw, |b| put(mend(f64::from(f32::from_le_bytes(b)), mended))),
        SampleFormat::F64 => each(raw, |b| put(mend(f64::from_le_bytes(b), mended))),
        SampleFormat::MuLaw => each(raw, |[b]| put(f32::from(decode_ulaw(b)) / 32_768.0)),
        SampleFormat::ALaw => each(raw, |[b]| put(f32::from(decode_alaw(b)) / 32_768.0)),
    }
}

fn each<const N: usize>(raw: &[u8], mut f: impl FnMut([u8; N])) {
    raw.as_chunks::<N>().0.iter().for_each(|sample| f(*sample));
}

fn mend(sample: f64, mended: &mut Mended) -> f32 {
    if !sample.is_finite() {
        mended.non_finite += 1;
        return 0.0;
    }
    if sample.abs() > 1.0 {
        mended.clipped += 1;
    }
    sample.clamp(-1.0, 1.0) as f32
}
