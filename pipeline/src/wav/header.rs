//! Parses everything in front of the first sample.
//!
//! Bounded: one pass, at most [`MAX_CHUNKS`] chunks, no chunk is held in memory.

use super::{RATES, SampleFormat, Warning, WavSpec, invalid, io_error};
use crate::Error;
use std::io::{BufRead, Read};

/// More chunks than this in front of the audio is no WAV file that anything writes.
const MAX_CHUNKS: usize = 10_000;
/// `fmt ` is 16, 18 or 40 bytes (Microsoft, `mmreg.h`); longer ones exist, with fields we skip.
const MAX_FMT: u64 = 65_536;
const TO_WAV: &str = "convert it, e.g. with: ffmpeg -i INPUT -c:a pcm_s16le OUTPUT.wav";

const PCM: u16 = 1;
const IEEE_FLOAT: u16 = 3;
const ALAW: u16 = 6;
const MULAW: u16 = 7;
const EXTENSIBLE: u16 = 0xFFFE;
/// Bytes 2..16 of the sub-format GUIDs of `WAVE_FORMAT_EXTENSIBLE` (`ksmedia.h`).
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

/// Chunks that programs write in front of the audio.
const KNOWN_CHUNKS: [&[u8; 4]; 15] = [
    b"fmt ", b"data", b"LIST", b"fact", b"ds64", b"bext", b"iXML", b"JUNK", b"PAD ", b"FLLR", b"cue ",
    b"smpl", b"PEAK", b"id3 ", b"list",
];

pub(super) struct Header {
    pub spec: WavSpec,
    /// Valid bits of a sample.
    pub bits: u16,
    /// Bytes of audio announced; `None`: to the end of the file.
    pub data_bytes: Option<u64>,
    /// Bytes in front of the audio.
    pub offset: u64,
    pub warnings: Vec<Warning>,
}

pub(super) fn parse<R: BufRead>(input: &mut R, name: &str) -> Result<Header, Error> {
    let mut parser = Parser { input, name, offset: 0, odd: false };
    let rf64 = parser.magic()?;
    let mut spec = None;
    let mut data_size64 = None;
    for _ in 0..MAX_CHUNKS {
        let head = parser.chunk_head()?;
        let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        match &head[..4] {
            b"fmt " => spec = Some(parser.fmt(u64::from(size))?),
            b"ds64" if rf64 => data_size64 = Some(parser.ds64(u64::from(size))?),
            b"data" => {
                let (spec, bits) =
                    spec.ok_or_else(|| invalid(name, "the audio comes before its format; record it again"))?;
                return parser.data(spec, bits, size, data_size64);
            }
            _ => parser.skip_chunk(u64::from(size))?,
        }
    }
    Err(invalid(name, format!("no audio within the first {MAX_CHUNKS} chunks; {TO_WAV}")))
}

struct Parser<'a, R> {
    input: &'a mut R,
    name: &'a str,
    offset: u64,
    /// The last chunk was odd: a byte that fills it up should follow, which some programs forget.
    odd: bool,
}

impl<R: BufRead> Parser<'_, R> {
    /// Whether the file is RF64 (64-bit sizes) rather than RIFF.
    fn magic(&mut self) -> Result<bool, Error> {
        let mut head = [0; 12];
        let n = read_full(self.input, &mut head).map_err(|e| io_error("read it", self.name, &e))?;
        self.offset += n as u64;
        if n == 0 {
            return Err(invalid(self.name, "the file is empty (0 bytes); record or copy it again"));
        }
        if let Some(kind) = other_format(&head[..n]) {
            return Err(invalid(self.name, format!("this is {kind}, not WAV; {TO_WAV}")));
        }
        let riff = head.starts_with(b"RIFF") || head.starts_with(b"RF64");
        if !riff || (n == 12 && &head[8..] != b"WAVE") {
            return Err(invalid(self.name, format!("not a WAV file; {TO_WAV}")));
        }
        if n < 12 {
            return Err(self.cut("the file's header"));
        }
        Ok(head.starts_with(b"RF64"))
    }

    fn fmt(&mut self, size: u64) -> Result<(WavSpec, u16), Error> {
        if !(16..=MAX_FMT).contains(&size) {
            return Err(invalid(self.name, format!("format chunk of {size} bytes, not 16 to 40; {TO_WAV}")));
        }
        let mut f = [0u8; 40];
        let known = size.min(40) as usize;
        self.fill(&mut f[..known], "its format")?;
        self.skip(size - known as u64)?;
        self.pad(size);
        self.spec(&f[..known])
    }

    /// The format, and how many bits of a sample are valid.
    fn spec(&self, f: &[u8]) -> Result<(WavSpec, u16), Error> {
        let u16_at = |i: usize| u16::from_le_bytes([f[i], f[i + 1]]);
        let mut tag = u16_at(0);
        let (channels, align, bits) = (u16_at(2), u16_at(12), u16_at(14));
        let mut valid = bits;
        let rate = u32::from_le_bytes([f[4], f[5], f[6], f[7]]);
        if tag == EXTENSIBLE {
            if f.len() < 40 || f[26..40] != GUID_TAIL {
                return Err(invalid(self.name, format!("unknown extensible format; {TO_WAV}")));
            }
            tag = u16_at(24);
            // Where a sample has more bits than are valid, this says how many are.
            valid = Some(u16_at(18)).filter(|valid| (1..=bits).contains(valid)).unwrap_or(bits);
        }
        if channels == 0 {
            return Err(invalid(self.name, format!("0 channels announced; {TO_WAV}")));
        }
        if !RATES.contains(&rate) {
            let (lo, hi) = (RATES.start(), RATES.end());
            let what = format!("sample rate {rate} Hz is outside {lo} to {hi} Hz; resample it");
            return Err(invalid(self.name, what));
        }
        if align % channels != 0 || align == 0 {
            let what = format!("frames of {align} bytes do not divide into {channels} channels; {TO_WAV}");
            return Err(invalid(self.name, what));
        }
        let format = match (tag, align / channels, bits) {
            (PCM, 1, 1..=8) => SampleFormat::U8,
            (PCM, 2, 9..=16) => SampleFormat::I16,
            (PCM, 3, 17..=24) => SampleFormat::I24,
            (PCM, 4, 17..=32) => SampleFormat::I32,
            (MULAW, 1, _) => SampleFormat::MuLaw,
            (ALAW, 1, _) => SampleFormat::ALaw,
            (IEEE_FLOAT, 4, 32) => SampleFormat::F32,
            (IEEE_FLOAT, 8, 64) => SampleFormat::F64,
            (PCM | IEEE_FLOAT | MULAW | ALAW, bytes, _) => {
                let what = format!("samples of {bits} bits in {bytes} bytes are not supported; {TO_WAV}");
                return Err(invalid(self.name, what));
            }
            _ => {
                return Err(invalid(
                    self.name,
                    format!("{} audio is not supported; {TO_WAV}", tag_name(tag)),
                ));
            }
        };
        Ok((WavSpec { rate, channels, format }, valid))
    }

    /// The size of `data` in a file beyond 4 GiB (EBU Tech 3306).
    fn ds64(&mut self, size: u64) -> Result<u64, Error> {
        if size < 16 {
            return Err(invalid(
                self.name,
                format!("RF64 size chunk of {size} bytes is too short; {TO_WAV}"),
            ));
        }
        let f: [u8; 16] = self.take("its 64-bit sizes")?;
        self.skip(size - 16)?;
        self.pad(size);
        Ok(u64::from_le_bytes([f[8], f[9], f[10], f[11], f[12], f[13], f[14], f[15]]))
    }

    fn data(&mut self, spec: WavSpec, bits: u16, size: u32, size64: Option<u64>) -> Result<Header, Error> {
        let mut warnings = Vec::new();
        // A recorder that was killed before it knew the size leaves 0, or all ones.
        let size64 = size64.filter(|size| !matches!(*size, 0 | u64::MAX));
        let data_bytes = match (size, size64) {
            (u32::MAX, Some(size)) => Some(size),
            (u32::MAX, None) => {
                warnings.push(Warning::UnknownLength);
                None
            }
            (0, _) if self.audio_follows()? => {
                warnings.push(Warning::UnknownLength);
                None
            }
            (0, _) => {
                warnings.push(Warning::Empty);
                Some(0)
            }
            (size, _) => Some(u64::from(size)),
        };
        Ok(Header { spec, bits, data_bytes, offset: self.offset, warnings })
    }

    /// A recorder that was killed leaves a size of 0 in front of real audio, whereas in a file that
    /// is really empty nothing follows but perhaps another chunk, whose name is ASCII.
    fn audio_follows(&mut self) -> Result<bool, Error> {
        let next = self.input.fill_buf().map_err(|e| io_error("read it", self.name, &e))?;
        let is_chunk = next.len() >= 8 && next[..4].iter().all(|b| b.is_ascii_alphanumeric() || *b == b' ');
        Ok(!next.is_empty() && !is_chunk)
    }

    /// A chunk's name and size, behind the byte that fills up an odd chunk: of any value, and forgotten by some programs.
    fn chunk_head(&mut self) -> Result<[u8; 8], Error> {
        let mut head: [u8; 8] = self.take("a chunk's header")?;
        if std::mem::take(&mut self.odd) && is_filled_up(&head) {
            let [last] = self.take("a chunk's header")?;
            head.rotate_left(1);
            head[7] = last;
        }
        Ok(head)
    }

    fn skip_chunk(&mut self, size: u64) -> Result<(), Error> {
        self.skip(size)?;
        self.pad(size);
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Error> {
        let skipped = std::io::copy(&mut self.input.take(bytes), &mut std::io::sink())
            .map_err(|e| io_error("read it", self.name, &e))?;
        self.offset += skipped;
        if skipped < bytes { Err(self.cut("a chunk in front of its audio")) } else { Ok(()) }
    }

    fn pad(&mut self, size: u64) {
        self.odd = !size.is_multiple_of(2);
    }

    fn take<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.fill(&mut bytes, what)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8], what: &str) -> Result<(), Error> {
        let n = read_full(self.input, bytes).map_err(|e| io_error("read it", self.name, &e))?;
        self.offset += n as u64;
        if n < bytes.len() { Err(self.cut(what)) } else { Ok(()) }
    }

    fn cut(&self, what: &str) -> Error {
        let what = format!(
            "the file ends after {} bytes, where {what} should be: no audio in it; record or copy it again",
            self.offset
        );
        invalid(self.name, what)
    }
}

/// Whether the first of these bytes fills up the chunk before, and a chunk's name begins behind it.
fn is_filled_up(head: &[u8; 8]) -> bool {
    let is_known = |name: &[u8]| KNOWN_CHUNKS.iter().any(|known| known.as_slice() == name);
    let begins_a_name = head[0].is_ascii_alphanumeric();
    !is_known(&head[..4]) && (is_known(&head[1..5]) || !begins_a_name)
}

/// Reads until `bytes` is full or the input ends; gives how many were read.
pub(super) fn read_full(input: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<usize> {
    let mut n = 0;
    while n < bytes.len() {
        match input.read(&mut bytes[n..]) {
            Ok(0) => break,
            Ok(k) => n += k,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

fn other_format(head: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 7] = [
        (b"fLaC", "FLAC"),
        (b"OggS", "Ogg"),
        (b"ID3", "MP3"),
        (b"FORM", "AIFF"),
        (b"RIFX", "big-endian RIFX"),
        (b"riff", "Wave64"),
        (b"caff", "CAF"),
    ];
    let found = known.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind);
    found.or_else(|| (head.get(4..8) == Some(b"ftyp")).then_some("MP4"))
}

fn tag_name(tag: u16) -> String {
    match tag {
        2 | 0x11 => "ADPCM".into(),
        0x55 => "MP3".into(),
        other => format!("format {other:#06x}"),
    }
}
