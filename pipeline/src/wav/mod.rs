//! WAV files as streams of `f32`: a reader that forgives what it can and says so, and a writer
//! whose file is valid at any moment.
//!
//! Reads integer PCM of 8, 16, 24 and 32 bits, IEEE float of 32 and 64 bits, and the µ-law and A-law of
//! telephony, plain or `WAVE_FORMAT_EXTENSIBLE`, RIFF or RF64, with any number of channels, at 8–192 kHz.
//! Writes 16-bit PCM.
//!
//! Invariant: memory is bounded by one buffer of a few kilobytes, whatever the file's length.
//! Samples that come out are finite and within ±1.0. What cannot be used is an [`Error`] that names
//! the file and the remedy; what can be used in part is played, and a [`Warning`] says what is
//! missing.
//!
//! Life cycle: [`WavReader::open`] → [`WavReader::read`] until it gives 0 → [`WavReader::warnings`].
//! [`WavWriter::create`] → [`WavWriter::write`] → [`WavWriter::finish`].
//!
//! ```
//! use duologue_pipeline::wav::{WavReader, WavWriter};
//! # fn main() -> Result<(), duologue_pipeline::Error> {
//! let path = std::env::temp_dir().join("duologue-wav-example.wav");
//! let mut writer = WavWriter::create(&path, 16_000, 1)?;
//! writer.write(&[0.0, 0.5, -0.5])?;
//! writer.finish()?;
//!
//! let mut reader = WavReader::open(&path)?;
//! let mut block = [0.0; 160];
//! assert_eq!(reader.read(&mut block)?, 3);
//! assert_eq!(block[1], 0.5);
//! assert!(reader.warnings().is_empty());
//! # std::fs::remove_file(path).ok();
//! # Ok(())
//! # }
//! ```

mod header;
mod justify;
mod mix;
mod reader;
mod writer;

pub use crate::resample::RATES;
pub use reader::WavReader;
pub use writer::WavWriter;
pub(crate) use writer::to_i16;

use crate::{Error, ErrorKind};
use std::fmt;

/// How a sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SampleFormat {
    /// Unsigned 8-bit PCM, 128 is silence.
    U8,
    /// Signed 16-bit PCM.
    I16,
    /// Signed 24-bit PCM in three bytes.
    I24,
    /// Signed 32-bit PCM; fewer valid bits are on the left, or on the right where the samples show it.
    I32,
    /// IEEE float of 32 bits.
    F32,
    /// IEEE float of 64 bits.
    F64,
    /// G.711 µ-law: 14 bits in eight.
    MuLaw,
    /// G.711 A-law: 13 bits in eight.
    ALaw,
}

impl SampleFormat {
    /// Bytes that one sample takes.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::MuLaw | Self::ALaw => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// What a WAV file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WavSpec {
    /// Sample rate in Hz, within [`RATES`].
    pub rate: u32,
    /// Channels, at least 1.
    pub channels: u16,
    /// How a sample is stored.
    pub format: SampleFormat,
}

impl WavSpec {
    fn frame_bytes(&self) -> usize {
        usize::from(self.channels) * self.format.bytes()
    }
}

/// Something was wrong with the file, and the rest of it was used all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The file ends before the audio that its header announces (in bytes).
    Truncated {
        /// Bytes of audio that the header announces.
        announced: u64,
        /// Bytes of audio that are there.
        found: u64,
    },
    /// The header was never completed (a recorder that was killed, or a pipe): the audio is read to
    /// the end of the file.
    UnknownLength,
    /// The header announces no audio at all.
    Empty,
    /// The last frame is incomplete; these bytes were left out.
    PartialFrame {
        /// Bytes left out.
        bytes: u64,
    },
    /// NaN or infinite samples were replaced by 0.
    NonFinite {
        /// How many so far.
        samples: u64,
    },
    /// Samples beyond ±1.0 were limited.
    Clipped {
        /// How many so far.
        samples: u64,
    },
    /// The channels cancel each other out, as with a plug that is wired the wrong way round: one of them was used alone.
    Cancelling {
        /// The channel that was used, from 0.
        channel: u16,
    },
    /// Samples of four bytes have their valid bits on the right, where a WAV file has them on the left: they were shifted.
    RightJustified,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { announced, found } => {
                write!(f, "cut short: {found} of {announced} bytes of audio are there, and are used")
            }
            Self::UnknownLength => f.write_str("header never completed: reading to the end of the file"),
            Self::Empty => f.write_str("holds no audio"),
            Self::PartialFrame { bytes } => write!(f, "last frame incomplete: {bytes} bytes left out"),
            Self::NonFinite { samples } => write!(f, "{samples} NaN or infinite samples replaced by 0"),
            Self::Clipped { samples } => write!(f, "{samples} samples beyond ±1.0 limited"),
            Self::Cancelling { channel } => {
                write!(f, "the channels cancel each other out: only channel {} was used", channel + 1)
            }
            Self::RightJustified => {
                f.write_str("samples are right-justified in their four bytes: shifted to full level")
            }
        }
    }
}

fn invalid(name: &str, what: impl fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidAudio, format!("{name}: {what}"))
}

pub(crate) fn io_error(doing: &str, name: &str, e: &std::io::Error) -> Error {
    let remedy = match e.kind() {
        std::io::ErrorKind::NotFound => "check the path",
        std::io::ErrorKind::PermissionDenied => "check the file's permissions",
        std::io::ErrorKind::IsADirectory => "name a file, not a directory",
        std::io::ErrorKind::StorageFull => "free some space or choose another disk",
        std::io::ErrorKind::BrokenPipe => "the program that reads it has gone",
        _ => "check the path and the disk",
    };
    Error::new(ErrorKind::Io, format!("{name}: cannot {doing}: {e}; {remedy}"))
}
