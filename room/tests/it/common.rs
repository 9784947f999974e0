//! A LiveKit server to test against, tokens for it, and waiting for what happens.

#![allow(dead_code, reason = "room-native uses some of it")]

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use duologue_room::engine::{ConnectOptions, Room, RoomEngine, RoomEvent, RoomEvents};
use sha2::{Digest, Sha256};

/// Longer than anything that a test waits for; only a failure takes it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The server that the environment names.
#[derive(Clone, Debug)]
pub struct Server {
    pub url: String,
    pub key: String,
    pub secret: String,
}

/// What a token grants.
pub struct Grant<'a> {
    pub identity: &'a str,
    pub room: &'a str,
    /// Seconds from now; negative for an expired token.
    pub valid: i64,
    pub kind: Option<&'a str>,
}

impl Server {
    /// `None`, said aloud, where no server is named.
    pub fn get() -> Option<Self> {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let found = (variable("LIVEKIT_URL"), variable("LIVEKIT_API_KEY"), variable("LIVEKIT_API_SECRET"));
        let (Some(url), Some(key), Some(secret)) = found else {
            eprintln!("SKIPPED: LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET name no server");
            return None;
        };
        Some(Self { url, key, secret })
    }

    /// A token to join a room with.
    pub fn token(&self, identity: &str, room: &str) -> String {
        self.token_for(&Grant { identity, room, valid: 600, kind: None })
    }

    pub fn token_for(&self, grant: &Grant<'_>) -> String {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        let mut claims = serde_json::json!({
            "iss": self.key, "sub": grant.identity, "name": grant.identity,
            "nbf": now - 3_600, "exp": now + grant.valid,
            "video": { "roomJoin": true, "room": grant.room, "canUpdateOwnMetadata": true },
        });
        if let Some(kind) = grant.kind {
            claims["kind"] = kind.into();
        }
        let body = format!(
            "{}.{}",
            base64(br#"{"alg":"HS256","typ":"JWT"}"#),
            base64(claims.to_string().as_bytes())
        );
        let signature = base64(&hmac(self.secret.as_bytes(), body.as_bytes()));
        format!("{body}.{signature}")
    }

    /// Joins a room.
    pub async fn join(&self, identity: &str, room: &str) -> (Arc<dyn Room>, RoomEvents) {
        let joined = engine()
            .connect(&self.url, &self.token(identity, room), &ConnectOptions::default())
            .await
            .unwrap();
        (joined.room, joined.events)
    }
}

/// The engine, loaded once for all tests of a file. The crate `room-native` runs these tests over its own.
pub fn engine() -> &'static Arc<dyn RoomEngine> {
    static ENGINE: OnceLock<Arc<dyn RoomEngine>> = OnceLock::new();
    ENGINE.get_or_init(|| {
        #[cfg(livekit_native)]
        let engine = duologue_room_native::NativeEngine::new();
        #[cfg(not(livekit_native))]
        let engine =
            duologue_room::engine::FfiEngine::load(&duologue_native::LoadOptions::default()).unwrap();
        Arc::new(engine)
    })
}

/// A room that no other test uses.
pub fn room_name(test: &str) -> String {
    format!("{test}-{}", std::process::id())
}

/// The first event that `wanted` takes.
pub async fn until<T>(
    events: &mut RoomEvents,
    what: &str,
    mut wanted: impl FnMut(RoomEvent) -> Option<T>,
) -> T {
    let found = async {
        loop {
            let event = events.next().await.unwrap_or_else(|| panic!("the room ended before {what}"));
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("waited too long for {what}"))
}

/// Mono samples and their rate, of a WAV file of the shared material; `None`, said aloud, where it is absent.
pub fn speech(name: &str) -> Option<(Vec<i16>, u32)> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material/speech")).join(name);
    if !path.exists() {
        eprintln!("SKIPPED: {} is not here", path.display());
        return None;
    }
    let mut reader = hound::WavReader::open(path).unwrap();
    let rate = reader.spec().sample_rate;
    Some((reader.samples::<i16>().map(Result::unwrap).collect(), rate))
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|b| b ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().chain([&0; 3]).take(3).fold(0_u32, |word, &b| word << 8 | u32::from(b));
        for digit in 0..=chunk.len() {
            text.push(ALPHABET[(word >> (18 - 6 * digit) & 63) as usize] as char);
        }
    }
    text
}
