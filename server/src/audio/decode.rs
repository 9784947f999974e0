//! What clients upload to samples: recognised by its bytes, never by its name.
//!
//! WAV goes through the pipeline's own reader, which knows every kind of it; MP3, AAC in MP4, FLAC, Vorbis and Opus in
//! Ogg or WebM through symphonia and opus-decoder. Nothing touches the disk, and samples are given on as they are
//! decoded: an hour of Opus in 10 MB is never an hour of samples in memory. Invariant: they are mono and finite.

use std::io::Cursor;

use duologue_pipeline::wav::WavReader;
use opus_decoder::OpusDecoder;
use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

/// Opus is always decoded at this rate.
const OPUS_RATE: u32 = 48_000;
/// Longest packet of Opus: 120 ms.
const OPUS_PACKET: usize = 5_760;

/// Takes samples (mono, ±1.0) of a rate in Hz, which stays the same; an error ends the decoding.
pub(crate) type Take<'a> = &'a mut dyn FnMut(u32, &[f32]) -> Result<(), String>;

/// Decodes `bytes`; an error says, for people, what is wrong with them.
pub(crate) fn decode(bytes: Vec<u8>, take: Take<'_>) -> Result<(), String> {
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    if bytes.starts_with(b"RIFF") || bytes.starts_with(b"RF64") {
        wav(bytes, take)
    } else {
        compressed(bytes, take)
    }
}

fn wav(bytes: Vec<u8>, take: Take<'_>) -> Result<(), String> {
    let mut reader = WavReader::new(Cursor::new(bytes), "the file").map_err(|error| error.to_string())?;
    let rate = reader.spec().rate;
    let mut samples = [0.0; 4_800];
    loop {
        let count = reader.read(&mut samples).map_err(|error| error.to_string())?;
        if count == 0 {
            return Ok(());
        }
        take(rate, &samples[..count])?;
    }
}

fn compressed(bytes: Vec<u8>, take: Take<'_>) -> Result<(), String> {
    let unknown = |fault: Fault| {
        format!(
            "the file is none of wav, mp3, flac, m4a, ogg and webm that can be read ({fault}); convert it"
        )
    };
    let options = MediaSourceStreamOptions::default();
    let source = MediaSourceStream::new(Box::new(Cursor::new(bytes)), options);
    let (format, metadata) = (FormatOptions::default(), MetadataOptions::default());
    let mut reader =
        symphonia::default::get_probe().probe(&Hint::new(), source, format, metadata).map_err(unknown)?;
    let track = reader.default_track(TrackType::Audio).ok_or("there is no sound in the file")?;
    let id = track.id;
    let parameters = track.codec_params.as_ref().and_then(|codec| codec.audio());
    let parameters = parameters.ok_or("the file does not say how its sound is coded")?.clone();
    let any = if parameters.codec == CODEC_ID_OPUS {
        opus(&mut *reader, id, take)?
    } else {
        let options = AudioDecoderOptions::default();
        let decoder =
            symphonia::default::get_codecs().make_audio_decoder(&parameters, &options).map_err(unknown)?;
        packets(&mut *reader, id, decoder, take)?
    };
    if any {
        return Ok(());
    }
    Err("no sound could be decoded from the file; it may be cut off or damaged".to_owned())
}

/// Whether there was any sound. What comes before a damaged or missing end is used.
fn packets(
    reader: &mut dyn FormatReader,
    id: u32,
    mut decoder: Box<dyn AudioDecoder>,
    take: Take<'_>,
) -> Result<bool, String> {
    let mut first_rate = None;
    let (mut interleaved, mut samples) = (Vec::new(), Vec::new());
    while let Ok(Some(packet)) = reader.next_packet() {
        if packet.track_id != id {
            continue;
        }
        let Ok(decoded) = decoder.decode(&packet) else { continue };
        let (rate, channels) = (decoded.spec().rate(), decoded.spec().channels().count());
        if *first_rate.get_or_insert(rate) != rate {
            return Err("the file changes its rate on the way; convert it".to_owned());
        }
        mix(&decoded, channels, &mut interleaved, &mut samples);
        take(rate, &samples)?;
    }
    Ok(first_rate.is_some())
}

/// The mean of the channels.
fn mix(
    decoded: &GenericAudioBufferRef<'_>,
    channels: usize,
    interleaved: &mut Vec<f32>,
    samples: &mut Vec<f32>,
) {
    decoded.copy_to_vec_interleaved(interleaved);
    samples.clear();
    samples.extend(interleaved.chunks_exact(channels.max(1)).map(|frame| {
        let mean = frame.iter().sum::<f32>() / frame.len() as f32;
        if mean.is_finite() { mean.clamp(-1.0, 1.0) } else { 0.0 }
    }));
}

fn opus(reader: &mut dyn FormatReader, id: u32, take: Take<'_>) -> Result<bool, String> {
    // A mono decoder mixes a stereo stream down by itself.
    let mut decoder = OpusDecoder::new(OPUS_RATE, 1).map_err(|error| error.to_string())?;
    let mut pcm = vec![0.0; OPUS_PACKET];
    let mut any = false;
    while let Ok(Some(packet)) = reader.next_packet() {
        if packet.track_id != id {
            continue;
        }
        let Ok(count) = decoder.decode_float(&packet.data, &mut pcm, false) else { continue };
        any = true;
        take(OPUS_RATE, &pcm[..count.min(OPUS_PACKET)])?;
    }
    Ok(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_sound_is_refused_in_words() {
        let garbage: Vec<u8> = (0..20_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for bytes in [Vec::new(), b"hello".to_vec(), b"RIFFxxxxWAVE".to_vec(), garbage] {
            let error = decode(bytes, &mut |_, _| Ok(())).unwrap_err();
            assert!(error.len() > 10, "{error}");
        }
    }
}
