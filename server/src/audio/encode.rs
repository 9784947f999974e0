//! Speech to the formats that clients ask for, as it is made.
//!
//! Every format is written from its first samples on, MP3 from its first clause: nothing is held back but what a frame
//! needs, so a client plays the beginning while the rest is spoken.

use std::str::FromStr;

use flacenc::bitsink::ByteSink;
use flacenc::component::{BitRepr, Stream, StreamInfo};
use flacenc::config::Encoder as FlacConfig;
use flacenc::error::{Verified, Verify};
use flacenc::source::{Fill, FrameBuf};
use oxideav_mp3::{ChannelMode, Mp3Encoder};

use super::opus::OggOpus;

/// Rate, in Hz, that clients expect where none is said: OpenAI's.
pub(crate) const RATE: u32 = 24_000;
/// Samples of one FLAC frame.
const FLAC_BLOCK: usize = 4_096;
/// Kilobits a second of MP3: at 64 its noise is 13 dB below speech, at 96 it is 17 dB.
const MP3_KBPS: u32 = 96;
/// Samples by which an MP3 encoder and decoder delay what they are given.
const MP3_DELAY: usize = 1_057;

/// A format of speech.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    #[default]
    Mp3,
    Opus,
    Flac,
    Wav,
    Pcm,
}

impl Format {
    pub(crate) const NAMES: &'static str = "mp3, opus, flac, wav, pcm";

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Mp3 => "audio/mpeg",
            Self::Opus => "audio/ogg",
            Self::Flac => "audio/flac",
            Self::Wav => "audio/wav",
            Self::Pcm => "audio/pcm",
        }
    }

    /// Whether it can be written at `rate` Hz.
    pub(crate) fn takes(self, rate: u32) -> bool {
        match self {
            Self::Mp3 => matches!(rate, 16_000 | 22_050 | 24_000 | 32_000 | 44_100 | 48_000),
            Self::Opus => matches!(rate, 8_000 | 12_000 | 16_000 | 24_000 | 48_000),
            Self::Flac | Self::Wav | Self::Pcm => (8_000..=48_000).contains(&rate),
        }
    }

    /// An encoder of mono speech at `rate` Hz, which the format [takes](Self::takes).
    pub(crate) fn encoder(self, rate: u32) -> Result<Box<dyn Encode>, String> {
        Ok(match self {
            Self::Mp3 => Box::new(Mp3::new(rate)?),
            Self::Opus => Box::new(OggOpus::new(rate)?),
            Self::Flac => Box::new(Flac::new(rate)?),
            Self::Wav => Box::new(Wav { rate, begun: false }),
            Self::Pcm => Box::new(Pcm),
        })
    }
}

impl FromStr for Format {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Ok(match name {
            "mp3" => Self::Mp3,
            "opus" => Self::Opus,
            "flac" => Self::Flac,
            "wav" => Self::Wav,
            "pcm" => Self::Pcm,
            _ => return Err(()),
        })
    }
}

/// Writes one stream. Samples are mono, ±1.0.
pub(crate) trait Encode: Send {
    /// Writes what whole frames there are.
    fn push(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), String>;
    /// A clause is over: what may be written now is.
    fn clause_end(&mut self, _: &mut Vec<u8>) -> Result<(), String> {
        Ok(())
    }
    /// Writes the rest.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), String>;
}

fn to_i16(sample: f32) -> i16 {
    // The cast saturates.
    (sample * 32_768.0).round() as i16
}

/// As 16-bit little-endian samples.
pub(crate) fn write_pcm(samples: &[f32], out: &mut Vec<u8>) {
    out.extend(samples.iter().flat_map(|&sample| to_i16(sample).to_le_bytes()));
}

struct Pcm;

impl Encode for Pcm {
    fn push(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), String> {
        write_pcm(samples, out);
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> Result<(), String> {
        Ok(())
    }
}

struct Wav {
    rate: u32,
    begun: bool,
}

/// The 44 bytes before 16-bit mono samples; sizes of a stream whose length is not known are the largest.
pub(crate) fn wav_header(rate: u32, bytes: Option<u32>) -> [u8; 44] {
    let (riff, data) = bytes.map_or((u32::MAX, u32::MAX), |bytes| (bytes.saturating_add(36), bytes));
    let mut header = [0; 44];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        header[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"RIFF");
    put(&riff.to_le_bytes());
    put(b"WAVEfmt ");
    put(&16_u32.to_le_bytes());
    put(&1_u16.to_le_bytes());
    put(&1_u16.to_le_bytes());
    put(&rate.to_le_bytes());
    put(&(rate * 2).to_le_bytes());
    put(&2_u16.to_le_bytes());
    put(&16_u16.to_le_bytes());
    put(b"data");
    put(&data.to_le_bytes());
    header
}

impl Encode for Wav {
    fn push(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), String> {
        if !std::mem::replace(&mut self.begun, true) {
            out.extend(wav_header(self.rate, None));
        }
        write_pcm(samples, out);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        self.push(&[], out)
    }
}

struct Flac {
    config: Verified<FlacConfig>,
    info: StreamInfo,
    rest: Vec<i32>,
    frames: usize,
    begun: bool,
}

impl Flac {
    fn new(rate: u32) -> Result<Self, String> {
        let config = FlacConfig::default().into_verified().map_err(|(_, error)| error.to_string())?;
        let mut info = StreamInfo::new(rate as usize, 1, 16).map_err(|error| error.to_string())?;
        info.set_block_sizes(FLAC_BLOCK, FLAC_BLOCK).map_err(|error| error.to_string())?;
        Ok(Self { config, info, rest: Vec::new(), frames: 0, begun: false })
    }

    fn frame(&mut self, samples: &[i32], out: &mut Vec<u8>) -> Result<(), String> {
        let mut block = FrameBuf::with_size(1, samples.len()).map_err(|error| error.to_string())?;
        block.fill_interleaved(samples).map_err(|error| error.to_string())?;
        let frame = flacenc::encode_fixed_size_frame(&self.config, &block, self.frames, &self.info)
            .map_err(|error| error.to_string())?;
        self.frames += 1;
        write(&frame, out)
    }

    /// The head of a stream whose length is not known: its count of samples and its checksum are 0.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        write(&Stream::with_stream_info(self.info.clone()), out)
    }
}

fn write(part: &impl BitRepr, out: &mut Vec<u8>) -> Result<(), String> {
    let mut sink = ByteSink::new();
    part.write(&mut sink).map_err(|error| error.to_string())?;
    out.extend_from_slice(sink.as_slice());
    Ok(())
}

impl Encode for Flac {
    fn push(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), String> {
        self.begin(out)?;
        self.rest.extend(samples.iter().map(|&sample| i32::from(to_i16(sample))));
        let rest = std::mem::take(&mut self.rest);
        let mut blocks = rest.chunks_exact(FLAC_BLOCK);
        for block in &mut blocks {
            self.frame(block, out)?;
        }
        self.rest = blocks.remainder().to_vec();
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        self.begin(out)?;
        let mut rest = std::mem::take(&mut self.rest);
        if rest.is_empty() {
            return Ok(());
        }
        // The encoder makes no smaller frame.
        rest.resize(rest.len().max(flacenc::constant::MIN_BLOCK_SIZE), 0);
        self.frame(&rest, out)
    }
}

/// One run of frames a clause: the encoder gives nothing before it has all, and a run is a stream of its own, so that
/// runs follow each other in one file.
struct Mp3 {
    rate: u32,
    clause: Vec<i16>,
}

impl Mp3 {
    fn new(rate: u32) -> Result<Self, String> {
        encoder(rate)?;
        Ok(Self { rate, clause: Vec::new() })
    }
}

fn encoder(rate: u32) -> Result<Mp3Encoder, String> {
    Mp3Encoder::new(MP3_KBPS, rate, ChannelMode::SingleChannel).map_err(|error| error.to_string())
}

impl Encode for Mp3 {
    fn push(&mut self, samples: &[f32], _: &mut Vec<u8>) -> Result<(), String> {
        self.clause.extend(samples.iter().map(|&sample| to_i16(sample)));
        Ok(())
    }

    fn clause_end(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let clause = std::mem::take(&mut self.clause);
        // A run begins with the encoder's delay: the pause before it is shorter by as much.
        let silent = clause.iter().rev().take(MP3_DELAY).take_while(|sample| **sample == 0).count();
        let samples = &clause[..clause.len() - silent];
        if samples.is_empty() {
            return Ok(());
        }
        let mut encoder = encoder(self.rate)?;
        encoder.push_samples(samples).map_err(|error| error.to_string())?;
        encoder.finish(out).map(drop).map_err(|error| error.to_string())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        self.clause_end(out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::decode;
    use super::*;

    /// A second of a tone that swells, at 24 kHz.
    fn tone() -> Vec<f32> {
        (0..24_000).map(|i| (i as f32 * 0.11).sin() * i as f32 / 48_000.0).collect()
    }

    fn encoded(format: Format, pieces: usize) -> Vec<u8> {
        let mut encoder = format.encoder(24_000).unwrap();
        let mut out = Vec::new();
        for piece in tone().chunks(24_000 / pieces) {
            encoder.push(piece, &mut out).unwrap();
        }
        encoder.clause_end(&mut out).unwrap();
        encoder.finish(&mut out).unwrap();
        out
    }

    #[test]
    fn what_is_encoded_is_what_is_decoded() {
        for (format, most_noise) in
            [(Format::Wav, 1e-4), (Format::Flac, 1e-4), (Format::Mp3, 0.05), (Format::Opus, 0.05)]
        {
            let (mut rate, mut samples) = (0, Vec::new());
            let mut take = |of, some: &[f32]| {
                rate = of;
                samples.extend_from_slice(some);
                Ok(())
            };
            decode(encoded(format, 7), &mut take).unwrap();
            let expected = tone();
            let heard: Vec<f32> = samples.iter().step_by((rate / 24_000) as usize).copied().collect();
            // A lossy codec delays: the best match within 100 ms counts.
            let noise = (0..2_400)
                .step_by(if most_noise < 0.01 { 2_400 } else { 1 })
                .map(|delay| {
                    let pairs = expected.iter().zip(heard.iter().skip(delay));
                    pairs.map(|(a, b)| (a - b).powi(2)).sum::<f32>() / 24_000.0
                })
                .fold(f32::MAX, f32::min)
                .sqrt();
            assert!(noise < most_noise, "{format:?}: {noise} of noise, {} samples", heard.len());
            assert!((23_900..=27_000).contains(&heard.len()), "{format:?}: {} samples", heard.len());
        }
    }

    #[test]
    fn the_pieces_size_does_not_change_the_bytes() {
        for format in [Format::Wav, Format::Flac, Format::Mp3, Format::Opus, Format::Pcm] {
            assert!(encoded(format, 1) == encoded(format, 50), "{format:?}");
        }
    }

    #[test]
    fn nothing_said_is_still_a_file() {
        for format in [Format::Wav, Format::Flac, Format::Opus] {
            let mut out = Vec::new();
            format.encoder(24_000).unwrap().finish(&mut out).unwrap();
            assert!(out.len() > 40, "{format:?}");
        }
    }
}
