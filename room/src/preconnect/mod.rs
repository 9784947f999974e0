//! What the user said before the agent was there: the pre-connect audio buffer.
//!
//! A frontend may record from the moment the user presses the button, and send the recording once an
//! agent has joined, as a byte stream about [`TOPIC`]. Its attributes tell which track it belongs to; it
//! is Ogg or WebM with Opus in it, or 16-bit PCM. It is fed to the agent before the track's live sound.
//!
//! Invariant: a recording is used at most once, for the track it names, and only within [`MAX_AGE`] of
//! its arrival; decoding accepts any bytes without panic and gives at most [`MAX_LENGTH`].
//!
//! Life cycle: [`decode`] when a stream has arrived → [`Recordings::put`] → [`Recordings::take`] when
//! the track is listened to.
//!
//! ```
//! use duologue_room::preconnect::decode;
//!
//! // 20 ms at 24 kHz, stereo, as 16-bit PCM.
//! let sound = decode(&[0; 1920], "application/octet-stream", 24_000, 2)?;
//! assert_eq!((sound.rate, sound.samples.len()), (24_000, 480));
//! # Ok::<(), duologue_room::Error>(())
//! ```

mod container;

use std::time::Duration;

use crate::{Error, ErrorKind};

/// What the byte stream is about.
pub const TOPIC: &str = "lk.agent.pre-connect-audio-buffer";
/// Attribute: the track that the recording belongs to.
pub const TRACK_ATTRIBUTE: &str = "trackId";
/// Attribute: rate of PCM, in Hz.
pub const RATE_ATTRIBUTE: &str = "sampleRate";
/// Attribute: channels of PCM.
pub const CHANNELS_ATTRIBUTE: &str = "channels";
/// How long the live sound of a track waits for its recording.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// How old a recording may be when its track is listened to; older words would answer themselves.
pub const MAX_AGE: Duration = Duration::from_secs(1);
/// Longest recording; frontends stop at 10 s.
pub const MAX_LENGTH: Duration = Duration::from_secs(30);
/// Recordings that may wait for their tracks.
const MAX_WAITING: usize = 8;

/// A recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sound {
    /// Rate in Hz.
    pub rate: u32,
    /// Mono samples, ±1.0.
    pub samples: Vec<f32>,
}

/// Decodes what a frontend sent as `mime`; `rate` and `channels` are those of PCM.
///
/// # Errors
/// [`ErrorKind::Config`] names what is wrong with it.
pub fn decode(bytes: &[u8], mime: &str, rate: u32, channels: u32) -> Result<Sound, Error> {
    if container::is_ogg(bytes) || container::is_webm(bytes) {
        // The decoder is third-party code and the bytes are the network's: a panic is a refusal.
        let decoded = std::panic::catch_unwind(|| container::decode(bytes));
        return decoded.unwrap_or_else(|_| Err(refused(mime, "the decoder failed")));
    }
    if mime.starts_with("audio/") && mime.contains("opus") {
        return Err(refused(mime, "it is neither Ogg nor WebM"));
    }
    pcm(bytes, mime, rate, channels)
}

fn pcm(bytes: &[u8], mime: &str, rate: u32, channels: u32) -> Result<Sound, Error> {
    if !(8_000..=192_000).contains(&rate) {
        return Err(refused(mime, &format!("{RATE_ATTRIBUTE} is {rate}: send 8000 to 192000")));
    }
    if !(1..=8).contains(&channels) {
        return Err(refused(mime, &format!("{CHANNELS_ATTRIBUTE} is {channels}: send 1 to 8")));
    }
    let channels = channels as usize;
    let samples: Vec<f32> = bytes
        .chunks_exact(2 * channels)
        .take(most(rate))
        .map(|frame| {
            let sum: f32 = frame.chunks_exact(2).map(|s| f32::from(i16::from_le_bytes([s[0], s[1]]))).sum();
            sum / (32_768.0 * channels as f32)
        })
        .collect();
    Ok(Sound { rate, samples })
}

/// Most samples at `rate`.
fn most(rate: u32) -> usize {
    (u64::from(rate) * MAX_LENGTH.as_secs()) as usize
}

fn refused(mime: &str, problem: &str) -> Error {
    Error::new(ErrorKind::Config, format!("the pre-connect recording ({mime}) cannot be used: {problem}"))
}

/// Recordings that wait for their tracks.
#[derive(Debug, Default)]
pub struct Recordings {
    waiting: Vec<(String, Duration, Sound)>,
}

impl Recordings {
    /// Keeps a recording of `track` that arrived at `now`.
    pub fn put(&mut self, track: &str, sound: Sound, now: Duration) {
        self.waiting.retain(|(known, ..)| known != track);
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.remove(0);
        }
        self.waiting.push((track.to_owned(), now, sound));
    }

    /// The recording of `track`, unless it is too old at `now`. It is forgotten either way.
    pub fn take(&mut self, track: &str, now: Duration) -> Option<Sound> {
        let index = self.waiting.iter().position(|(known, ..)| known == track)?;
        let (_, at, sound) = self.waiting.remove(index);
        let age = now.saturating_sub(at);
        if age > MAX_AGE {
            tracing::warn!(
                track,
                "a pre-connect recording came {} ms before its track and was discarded",
                age.as_millis()
            );
            return None;
        }
        Some(sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn power(samples: &[f32]) -> f32 {
        samples.iter().map(|x| x * x).sum::<f32>() / samples.len().max(1) as f32
    }

    #[test]
    fn a_browsers_recording_is_not_lost() {
        // Made by Chromium's MediaRecorder out of the built-in caller's "what time is it".
        let sound = decode(
            include_bytes!("../../tests/it/data/what-time-is-it.webm"),
            "audio/webm;codecs=opus",
            0,
            0,
        )
        .unwrap();
        assert_eq!(sound.rate, 48_000);
        assert!((1.5..3.0).contains(&(sound.samples.len() as f32 / 48_000.0)), "{}", sound.samples.len());
        assert!(power(&sound.samples) > 1e-4);
    }

    #[test]
    fn an_ogg_recording_is_not_lost() {
        // Made by FFmpeg's libopus out of the same line.
        let sound =
            decode(include_bytes!("../../tests/it/data/what-time-is-it.ogg"), "audio/opus", 0, 0).unwrap();
        assert_eq!(sound.rate, 48_000);
        assert!((0.9..1.5).contains(&(sound.samples.len() as f32 / 48_000.0)), "{}", sound.samples.len());
        assert!(power(&sound.samples) > 1e-4);
    }

    #[test]
    fn pcm_is_neither_too_loud_nor_one_sided() {
        let stereo: Vec<u8> = [16_384i16, 0, -16_384, 0].iter().flat_map(|s| s.to_le_bytes()).collect();
        let sound = decode(&stereo, "application/octet-stream", 48_000, 2).unwrap();
        assert_eq!(sound.samples, [0.25, -0.25]);
    }

    #[test]
    fn a_recording_without_a_rate_is_refused_by_name() {
        let error = decode(&[0; 100], "audio/pcm", 0, 1).unwrap_err();
        assert!(error.to_string().contains("sampleRate"), "{error}");
        let error = decode(b"junk", "audio/opus", 0, 0).unwrap_err();
        assert!(error.to_string().contains("neither Ogg nor WebM"), "{error}");
    }

    #[test]
    fn an_old_recording_does_not_answer_itself() {
        let ms = Duration::from_millis;
        let sound = Sound { rate: 48_000, samples: vec![0.5] };
        let mut recordings = Recordings::default();
        recordings.put("TR_1", sound.clone(), ms(0));
        assert_eq!(recordings.take("TR_2", ms(10)), None);
        assert_eq!(recordings.take("TR_1", ms(900)), Some(sound.clone()));
        assert_eq!(recordings.take("TR_1", ms(900)), None, "used once");
        recordings.put("TR_1", sound, ms(0));
        assert_eq!(recordings.take("TR_1", ms(1_001)), None);
    }

    #[test]
    fn a_damaged_recording_does_not_panic_or_hang() {
        for whole in [
            &include_bytes!("../../tests/it/data/what-time-is-it.ogg")[..],
            include_bytes!("../../tests/it/data/what-time-is-it.webm"),
        ] {
            for cut in (0..whole.len()).step_by(997) {
                let _ = decode(&whole[..cut], "audio/opus", 48_000, 1);
                let mut bytes = whole.to_vec();
                bytes[cut] ^= 0xff;
                let _ = decode(&bytes, "audio/opus", 48_000, 1);
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_accepted_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..2_000),
            magic in prop::sample::select(vec![&b""[..], b"OggS", &[0x1a, 0x45, 0xdf, 0xa3]]),
            rate in any::<u32>(),
            channels in any::<u32>(),
        ) {
            let _ = decode(&[magic, &bytes].concat(), "audio/opus", rate, channels);
        }
    }
}
