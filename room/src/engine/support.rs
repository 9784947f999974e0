//! What implementations of [`RoomEngine`](super::RoomEngine) share: limits, checks, and errors made of LiveKit's words.

use super::{AudioFormat, AudioTrackOptions};
use crate::{Error, ErrorKind};

pub use super::playout::Account;

/// What one data packet holds, in bytes, by LiveKit's protocol.
pub const PACKET_LIMIT: usize = 15 << 10;
/// The longest text stream that is received, in bytes: longer than any transcript or chat message.
pub const TEXT_LIMIT: usize = 4 << 20;
/// The longest byte stream that is received, in bytes: more than a minute of uncompressed sound at 48 kHz.
pub const BYTES_LIMIT: usize = 16 << 20;

/// Checks an address and a token as far as that goes without a server: what LiveKit's client would only say in its log.
///
/// # Errors
/// [`ErrorKind::Config`]: `url` is no address of a server. [`ErrorKind::Unauthorized`]: `token` is no token; it is not quoted.
pub fn check_address(url: &str, token: &str) -> Result<(), Error> {
    let known = ["ws://", "wss://", "http://", "https://"];
    if !known.iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty())) {
        return Err(Error::new(
            ErrorKind::Config,
            format!(
                "{url:?} is no address of a LiveKit server; it looks like wss://my.server or ws://127.0.0.1:7880"
            ),
        ));
    }
    if token.split('.').count() != 3 {
        return Err(Error::new(
            ErrorKind::Unauthorized,
            "the token is no JSON web token; ask for a fresh one",
        ));
    }
    Ok(())
}

/// The error of a join at `url` that was refused with the words `said`, which is all that LiveKit's client tells; they must not quote the
/// token.
pub fn refused(url: &str, said: &str) -> Error {
    let lower = said.to_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    let (kind, remedy) = if has(&[
        "401",
        "403",
        "unauthorized",
        "permission",
        "invalid token",
        "expired",
        "invalid api key",
    ]) {
        (
            ErrorKind::Unauthorized,
            "ask for a fresh token, signed with this server's key and secret, that grants the room",
        )
    } else if has(&["timeout", "timed out"]) {
        (ErrorKind::TimedOut, "check the network, and that the server's media ports can be reached")
    } else {
        (ErrorKind::Network, "check the address, the network and the server")
    };
    Error::new(kind, format!("cannot join at {url}: {said}; {remedy}"))
}

/// The error of a request, `what`, against which the engine or the server said `said`.
pub fn failed(what: &str, said: &str) -> Error {
    let lower = said.to_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    let kind = if has(&["closed", "disconnected", "already closing"]) {
        ErrorKind::Closed
    } else if has(&["timeout", "timed out"]) {
        ErrorKind::TimedOut
    } else {
        ErrorKind::Engine
    };
    Error::new(kind, format!("{what} failed: {said}"))
}

/// Why an incoming stream was given up that grew past `limit` bytes.
pub fn too_long(limit: usize) -> String {
    format!("it is longer than {} MiB", limit >> 20)
}

/// The error of every call once the room is over.
pub fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the room is over; join again")
}

/// Checks that a data message fits into one packet.
///
/// # Errors
/// [`ErrorKind::Config`] if it does not.
pub fn check_packet(payload: &[u8]) -> Result<(), Error> {
    if payload.len() <= PACKET_LIMIT {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Config,
        format!("a data message of {} bytes; at most {PACKET_LIMIT} fit, send a byte stream", payload.len()),
    ))
}

/// Checks how a track is to be received.
///
/// # Errors
/// [`ErrorKind::Config`]: a value is out of the range that [`AudioFormat`] names.
pub fn check_format(format: AudioFormat) -> Result<(), Error> {
    let config = |message: String| Err(Error::new(ErrorKind::Config, message));
    if !(8_000..=48_000).contains(&format.rate) {
        return config(format!("rate {} of a listener: 8,000 to 48,000 Hz", format.rate));
    }
    if !(10..=100).contains(&format.frame_ms) || !format.frame_ms.is_multiple_of(10) {
        return config(format!("frame_ms {} of a listener: 10 to 100, a multiple of 10", format.frame_ms));
    }
    Ok(())
}

/// Checks how a track is to be published.
///
/// # Errors
/// [`ErrorKind::Config`]: a value is out of the range that [`AudioTrackOptions`] names.
pub fn check_track(options: &AudioTrackOptions) -> Result<(), Error> {
    let config = |message: String| Err(Error::new(ErrorKind::Config, message));
    if !(8_000..=48_000).contains(&options.rate) || !options.rate.is_multiple_of(100) {
        return config(format!("rate {} of a track: 8,000 to 48,000 Hz, a multiple of 100", options.rate));
    }
    if options.queue_ms > 10_000 || !options.queue_ms.is_multiple_of(10) {
        return config(format!("queue_ms {} of a track: 0 to 10,000, a multiple of 10", options.queue_ms));
    }
    Ok(())
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_without_a_scheme_is_not_handed_to_the_engine() {
        for url in ["", "livekit.example", "ws://", "ftp://x"] {
            assert_eq!(check_address(url, "a.b.c").unwrap_err().kind(), ErrorKind::Config, "{url}");
        }
        check_address("wss://x", "a.b.c").unwrap();
        assert_eq!(check_address("wss://x", "abc").unwrap_err().kind(), ErrorKind::Unauthorized);
    }

    #[test]
    fn token_is_in_no_message() {
        let said = check_address("wss://x", "very.secret").unwrap_err().to_string();
        assert!(!said.contains("secret"), "{said}");
    }
}
