//! Opus in Ogg or WebM, as browsers record it.

use std::io::Cursor;

use opus_decoder::OpusDecoder;
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::default::formats::{MkvReader, OggReader};

use super::{Sound, most, refused};
use crate::Error;

/// Opus is always decoded at this rate.
const RATE: u32 = 48_000;
/// Longest packet: 120 ms.
const PACKET: usize = 5_760;

pub(super) fn is_ogg(bytes: &[u8]) -> bool {
    bytes.starts_with(b"OggS")
}

/// The magic number of EBML, which WebM is written in.
pub(super) fn is_webm(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1a, 0x45, 0xdf, 0xa3])
}

pub(super) fn decode(bytes: &[u8]) -> Result<Sound, Error> {
    let name = if is_ogg(bytes) { "Ogg" } else { "WebM" };
    let wrong = |fault: Fault| refused(name, &fault.to_string());
    let source = Cursor::new(bytes);
    let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
    let options = FormatOptions::default();
    let mut reader: Box<dyn FormatReader + '_> = if is_ogg(bytes) {
        Box::new(OggReader::try_new(stream, options).map_err(wrong)?)
    } else {
        Box::new(MkvReader::try_new(stream, options).map_err(wrong)?)
    };
    // A mono decoder mixes a stereo stream down by itself.
    let mut decoder = OpusDecoder::new(RATE, 1).map_err(|error| refused(name, &error.to_string()))?;
    let mut samples = Vec::new();
    let mut pcm = vec![0.0; PACKET];
    // What came before a damaged or missing end is used.
    while let Ok(Some(packet)) = reader.next_packet() {
        let Ok(count) = decoder.decode_float(&packet.data, &mut pcm, false) else { continue };
        samples.extend_from_slice(&pcm[..count.min(PACKET)]);
        if samples.len() >= most(RATE) {
            samples.truncate(most(RATE));
            break;
        }
    }
    if samples.is_empty() {
        return Err(refused(name, "there is no Opus in it"));
    }
    Ok(Sound { rate: RATE, samples })
}
