//! Builds WAV files byte by byte, well-formed or not.

use std::path::PathBuf;

/// How samples are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    U8,
    I16,
    I24,
    I32,
    F32,
    F64,
}

pub const KINDS: [Kind; 6] = [Kind::U8, Kind::I16, Kind::I24, Kind::I32, Kind::F32, Kind::F64];

impl Kind {
    pub fn bits(self) -> u16 {
        match self {
            Kind::U8 => 8,
            Kind::I16 => 16,
            Kind::I24 => 24,
            Kind::I32 | Kind::F32 => 32,
            Kind::F64 => 64,
        }
    }

    /// Half a quantisation step, and what `f32` loses.
    pub fn error(self) -> f32 {
        match self {
            Kind::U8 => 1.0 / 128.0,
            Kind::I16 => 1.0 / 32_768.0,
            _ => 1e-6,
        }
    }

    pub fn encode(self, sample: f64) -> Vec<u8> {
        let scaled = |full: f64| (sample * full).round().clamp(-full, full - 1.0);
        match self {
            Kind::U8 => vec![(scaled(128.0) + 128.0) as u8],
            Kind::I16 => (scaled(32_768.0) as i16).to_le_bytes().to_vec(),
            Kind::I24 => (scaled(8_388_608.0) as i32).to_le_bytes()[..3].to_vec(),
            Kind::I32 => (scaled(2_147_483_648.0) as i32).to_le_bytes().to_vec(),
            Kind::F32 => (sample as f32).to_le_bytes().to_vec(),
            Kind::F64 => sample.to_le_bytes().to_vec(),
        }
    }
}

pub fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    if body.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

pub fn fmt(kind: Kind, rate: u32, channels: u16, extensible: bool) -> Vec<u8> {
    let tag: u16 = if matches!(kind, Kind::F32 | Kind::F64) { 3 } else { 1 };
    let align = channels * kind.bits() / 8;
    let mut body = if extensible { 0xFFFEu16 } else { tag }.to_le_bytes().to_vec();
    body.extend(channels.to_le_bytes());
    body.extend(rate.to_le_bytes());
    body.extend((rate * u32::from(align)).to_le_bytes());
    body.extend(align.to_le_bytes());
    body.extend(kind.bits().to_le_bytes());
    if extensible {
        body.extend(22u16.to_le_bytes());
        body.extend(kind.bits().to_le_bytes());
        body.extend(0u32.to_le_bytes());
        body.extend(tag.to_le_bytes());
        body.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]);
    }
    chunk(b"fmt ", &body)
}

pub fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body: Vec<u8> = b"WAVE".iter().copied().chain(chunks.iter().flatten().copied()).collect();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    bytes
}

/// A whole file of interleaved `samples`.
pub fn wav(kind: Kind, rate: u32, channels: u16, samples: &[f64]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|s| kind.encode(*s)).collect();
    riff(&[fmt(kind, rate, channels, false), chunk(b"data", &data)])
}

/// A header that announces `data_bytes` bytes of audio, which the caller appends.
pub fn header(kind: Kind, rate: u32, channels: u16, data_bytes: u32) -> Vec<u8> {
    let mut bytes = riff(&[fmt(kind, rate, channels, false)]);
    bytes.extend(b"data");
    bytes.extend(data_bytes.to_le_bytes());
    bytes
}

pub fn tone(rate: u32, n: usize) -> Vec<f64> {
    let step = std::f64::consts::TAU * 440.0 / f64::from(rate);
    (0..n).map(|i| 0.5 * (step * i as f64).sin()).collect()
}

/// Writes `bytes` into `dir`.
pub fn file(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A file of the shared test material, if it is there; says so aloud if not.
pub fn material(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material")).join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is absent", path.display());
    None
}
