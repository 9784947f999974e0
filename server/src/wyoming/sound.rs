//! Chunks of sound, as they are sent, to what models hear: mono at 16 kHz.

use duologue_pipeline::resample::{RATES, Resampler};

use super::refusal::{Code, Refusal};

/// Rate, in Hz, that models hear at.
pub(super) const RATE: u32 = 16_000;
/// Most channels.
const CHANNELS: u64 = 8;

/// How a chunk's samples are stored: integers, little-endian, channels side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    /// Hz.
    rate: u32,
    width: Width,
    channels: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    /// Unsigned: 128 is silence.
    Bits8,
    Bits16,
    Bits24,
    Bits32,
}

impl Width {
    fn bytes(self) -> usize {
        match self {
            Self::Bits8 => 1,
            Self::Bits16 => 2,
            Self::Bits24 => 3,
            Self::Bits32 => 4,
        }
    }

    /// A sample of as many bytes, ±1.0.
    fn sample(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Self::Bits8, &[a]) => (f32::from(a) - 128.0) / 128.0,
            (Self::Bits16, &[a, b]) => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
            (Self::Bits24, &[a, b, c]) => i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0,
            (Self::Bits32, &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
            _ => 0.0,
        }
    }
}

impl Format {
    /// Samples of `rate` Hz and `width` bytes.
    pub(super) fn new(rate: u64, width: u64, channels: u64) -> Result<Self, Refusal> {
        let refused = |what: String| Err(Refusal::new(Code::AudioFormat, what));
        let Some(rate) = u32::try_from(rate).ok().filter(|rate| RATES.contains(rate)) else {
            return refused(format!("rate {rate} Hz: must be {} to {}", RATES.start(), RATES.end()));
        };
        let width = match width {
            1 => Width::Bits8,
            2 => Width::Bits16,
            3 => Width::Bits24,
            4 => Width::Bits32,
            _ => return refused(format!("width {width}: a sample has 1, 2, 3 or 4 bytes")),
        };
        if !(1..=CHANNELS).contains(&channels) {
            return refused(format!("channels {channels}: must be 1 to {CHANNELS}"));
        }
        Ok(Self { rate, width, channels: channels as usize })
    }

    fn frame(self) -> usize {
        self.width.bytes() * self.channels
    }
}

/// A chunk: whole frames.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sound {
    format: Format,
    bytes: Vec<u8>,
}

impl Sound {
    pub(super) fn new(format: Format, bytes: Vec<u8>) -> Result<Self, Refusal> {
        if !bytes.len().is_multiple_of(format.frame()) {
            let (length, frame) = (bytes.len(), format.frame());
            let message = format!("audio-chunk of {length} bytes: a frame has {frame}; send whole frames");
            return Err(Refusal::new(Code::AudioFormat, message));
        }
        Ok(Self { format, bytes })
    }

    /// The mean of the channels.
    fn mono(&self) -> impl Iterator<Item = f32> {
        let Format { width, channels, .. } = self.format;
        let mean = move |frame: &[u8]| {
            frame.chunks_exact(width.bytes()).map(|bytes| width.sample(bytes)).sum::<f32>() / channels as f32
        };
        self.bytes.chunks_exact(self.format.frame()).map(mean)
    }
}

/// Takes chunks of any format, one after the other, and gives one stream at [`RATE`]. The rate of each chunk counts:
/// where it changes, the stream goes on without a gap.
#[derive(Default)]
pub(super) struct Intake {
    resampler: Option<Resampler>,
    mono: Vec<f32>,
    heard: Vec<f32>,
}

impl Intake {
    /// What `sound` completes.
    pub(super) fn take(&mut self, sound: &Sound) -> Result<&[f32], Refusal> {
        self.heard.clear();
        if self.resampler.as_ref().is_none_or(|resampler| resampler.from() != sound.format.rate) {
            self.flush();
            let made = Resampler::new(sound.format.rate, RATE);
            self.resampler = Some(made.map_err(|error| Refusal::new(Code::AudioFormat, error.to_string()))?);
        }
        self.mono.clear();
        self.mono.extend(sound.mono());
        if let Some(resampler) = &mut self.resampler {
            resampler.process(&self.mono, &mut |samples| self.heard.extend_from_slice(samples));
        }
        Ok(&self.heard)
    }

    /// The rest.
    pub(super) fn finish(&mut self) -> &[f32] {
        self.heard.clear();
        self.flush();
        &self.heard
    }

    fn flush(&mut self) {
        if let Some(resampler) = &mut self.resampler {
            resampler.flush(&mut |samples| self.heard.extend_from_slice(samples));
        }
    }
}

/// 16-bit little-endian samples.
pub(super) fn pcm(samples: &[f32]) -> Vec<u8> {
    let whole = |sample: &f32| (sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16;
    samples.iter().flat_map(|sample| whole(sample).to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(width: u64, channels: u64, bytes: &[u8]) -> Vec<f32> {
        Sound::new(Format::new(16_000, width, channels).unwrap(), bytes.to_vec()).unwrap().mono().collect()
    }

    #[test]
    fn every_width_reaches_the_same_level() {
        assert_eq!(sound(1, 1, &[0, 128, 192]), [-1.0, 0.0, 0.5]);
        assert_eq!(sound(2, 1, &[0, 0x80, 0, 0, 0, 0x40]), [-1.0, 0.0, 0.5]);
        assert_eq!(sound(3, 1, &[0, 0, 0x80, 0, 0, 0, 0, 0, 0x40]), [-1.0, 0.0, 0.5]);
        assert_eq!(sound(4, 1, &[0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x40]), [-1.0, 0.0, 0.5]);
        assert_eq!(sound(2, 2, &[0, 0x40, 0, 0]), [0.25]);
    }

    #[test]
    fn odd_formats_and_half_frames_are_refused() {
        for (rate, width, channels) in [
            (0, 2, 1),
            (7_999, 2, 1),
            (u64::MAX, 2, 1),
            (16_000, 0, 1),
            (16_000, 5, 1),
            (16_000, 2, 0),
            (16_000, 2, 9),
        ] {
            assert!(Format::new(rate, width, channels).is_err(), "{rate} {width} {channels}");
        }
        assert!(Sound::new(Format::new(16_000, 2, 2).unwrap(), vec![0; 6]).is_err());
    }

    #[test]
    fn a_rate_that_changes_leaves_no_gap() {
        let mut intake = Intake::default();
        let mut heard = 0;
        for rate in [48_000, 8_000, 16_000, 44_100] {
            let second = vec![0; 2 * rate as usize];
            let sound = Sound::new(Format::new(rate, 2, 1).unwrap(), second).unwrap();
            heard += intake.take(&sound).unwrap().len();
        }
        assert_eq!(heard + intake.finish().len(), 4 * RATE as usize);
    }

    #[test]
    fn samples_beyond_full_scale_are_limited() {
        assert_eq!(pcm(&[2.0, -2.0, 0.0]), [0xff, 0x7f, 0x01, 0x80, 0, 0]);
    }
}
