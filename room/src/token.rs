//! Where a LiveKit server is, and what proves that we may use it: keys, and the tokens signed with them.
//!
//! Invariant: the secret is never shown, in no message and no `Debug`. A token is made for one purpose,
//! with the grants of that purpose and no more.
//!
//! ```
//! use duologue_room::token::{Access, JoinToken};
//!
//! let access = Access::new("ws://127.0.0.1:7880", "devkey", "secret-secret-secret-secret-secret-32")?;
//! let token = access.join(&JoinToken::new("kitchen", "caller").agent("appliance", "{\"floor\": 2}"))?;
//! assert_eq!(token.split('.').count(), 3);
//! # Ok::<(), duologue_room::Error>(())
//! ```

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::time::Duration;

use livekit_protocol::{RoomAgentDispatch, RoomConfiguration};
use livekit_token::{AccessToken, VideoGrants};
use serde::Serialize;

use crate::{Error, ErrorKind};

/// Variable that holds the server's address.
pub const URL: &str = "LIVEKIT_URL";
/// Variable that holds the key.
pub const API_KEY: &str = "LIVEKIT_API_KEY";
/// Variable that holds the key's secret.
pub const API_SECRET: &str = "LIVEKIT_API_SECRET";

/// How long a worker's token is valid: it is made anew for each connection.
const WORKER_TTL: Duration = Duration::from_secs(600);
/// How long a participant's token is valid unless [`JoinToken::ttl`] says otherwise.
pub const JOIN_TTL: Duration = Duration::from_secs(6 * 3600);

/// A server and a key to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    url: String,
    api_key: String,
    api_secret: String,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("url", &self.url)
            .field("api_key", &self.api_key)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// The server at `url` (`ws`, `wss`, `http` or `https`), with a key and its secret.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the address is none, or key or secret are empty.
    pub fn new(
        url: impl Into<String>,
        api_key: impl Into<String>,
        api_secret: impl Into<String>,
    ) -> Result<Self, Error> {
        let (url, api_key, api_secret) = (url.into(), api_key.into(), api_secret.into());
        let url = url.trim_end_matches('/').to_owned();
        let host =
            ["ws://", "wss://", "http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        if host.is_none_or(|host| host.is_empty() || host.contains(char::is_whitespace)) {
            let message =
                format!("{URL}: `{url}` is no LiveKit server's address; write ws://host:7880 or wss://host");
            return Err(Error::new(ErrorKind::Config, message));
        }
        for (variable, value) in [(API_KEY, &api_key), (API_SECRET, &api_secret)] {
            if value.trim().is_empty() {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!("{variable} is missing or empty; {}", REMEDY),
                ));
            }
        }
        Ok(Self { url, api_key, api_secret })
    }

    /// In the process of an isolated job: what stands for the worker's access there. Nothing can be signed with it; the job joins
    /// with the token that it was sent with. `None` in every other process.
    pub fn of_job_process() -> Option<Self> {
        crate::worker::is_job_process().then(|| Self {
            url: std::env::var(URL).unwrap_or_default(),
            api_key: String::new(),
            api_secret: String::new(),
        })
    }

    /// From `LIVEKIT_URL`, `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET`. In the process of an isolated job it is
    /// [`Access::of_job_process`].
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the variable that is missing or wrong.
    pub fn from_environment() -> Result<Self, Error> {
        if let Some(access) = Self::of_job_process() {
            return Ok(access);
        }
        let variable = |name: &str| {
            std::env::var(name)
                .map_err(|_| Error::new(ErrorKind::Config, format!("{name} is missing or empty; {REMEDY}")))
        };
        Self::new(variable(URL)?, variable(API_KEY)?, variable(API_SECRET)?)
    }

    /// The server's address, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key's name.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    pub(crate) fn secret(&self) -> &str {
        &self.api_secret
    }

    /// `text` without the secret, if it holds it. A secret of a few letters is looked for as a whole text only: it may be part of
    /// any word.
    pub(crate) fn withheld(&self, text: &OsStr) -> Option<OsString> {
        const WITHHELD: &str = "withheld-from-jobs";
        let text = text.to_str()?;
        if text == self.api_secret {
            return Some(WITHHELD.into());
        }
        let found = self.api_secret.len() >= 16 && text.contains(&self.api_secret);
        found.then(|| text.replace(&self.api_secret, WITHHELD).into())
    }

    /// A token with which a participant joins.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if room or identity is empty.
    pub fn join(&self, token: &JoinToken) -> Result<String, Error> {
        for (key, value) in [("room", &token.room), ("identity", &token.identity)] {
            if value.is_empty() {
                return Err(Error::new(ErrorKind::Config, format!("a token needs a non-empty {key}")));
            }
        }
        let mut access = AccessToken::with_api_key(&self.api_key, &self.api_secret)
            .with_identity(&token.identity)
            .with_ttl(token.ttl)
            .with_grants(token.grants.video(&token.room));
        if let Some(name) = &token.name {
            access = access.with_name(name);
        }
        if let Some(metadata) = &token.metadata {
            access = access.with_metadata(metadata);
        }
        if token.as_agent {
            access = access.with_kind("agent");
        }
        if !token.agents.is_empty() {
            let agents = token.agents.iter().map(|(agent_name, metadata)| RoomAgentDispatch {
                agent_name: agent_name.clone(),
                metadata: metadata.clone(),
                ..RoomAgentDispatch::default()
            });
            access = access.with_room_config(RoomConfiguration {
                agents: agents.collect(),
                ..RoomConfiguration::default()
            });
        }
        signed(self, access)
    }

    /// A fresh token with which a worker connects.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it cannot be signed.
    pub(crate) fn worker(&self) -> Result<String, Error> {
        let grants = VideoGrants { agent: true, ..VideoGrants::default() };
        signed(
            self,
            AccessToken::with_api_key(&self.api_key, &self.api_secret)
                .with_ttl(WORKER_TTL)
                .with_grants(grants),
        )
    }
}

const REMEDY: &str = "set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET to your server's";

fn signed(access: &Access, token: AccessToken) -> Result<String, Error> {
    if access.api_secret.is_empty() {
        let message = "a job's process has no secret to sign tokens with; JobContext::token is the one that it was sent with";
        return Err(Error::new(ErrorKind::Config, message));
    }
    token
        .to_jwt()
        .map_err(|error| Error::new(ErrorKind::Config, format!("the token cannot be signed: {error}")))
}

/// What a participant may do in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Grants {
    /// Publish tracks.
    pub publish: bool,
    /// Subscribe to tracks of others.
    pub subscribe: bool,
    /// Send data.
    pub data: bool,
    /// Change its own metadata and attributes.
    pub metadata: bool,
    /// Administer the room.
    pub admin: bool,
    /// Be seen by nobody.
    pub hidden: bool,
}

impl Default for Grants {
    /// What a caller needs: everything but administering and hiding.
    fn default() -> Self {
        Self { publish: true, subscribe: true, data: true, metadata: true, admin: false, hidden: false }
    }
}

impl Grants {
    fn video(self, room: &str) -> VideoGrants {
        VideoGrants {
            room_join: true,
            room: room.to_owned(),
            room_admin: self.admin,
            can_publish: Some(self.publish),
            can_subscribe: Some(self.subscribe),
            can_publish_data: Some(self.data),
            can_update_own_metadata: Some(self.metadata),
            hidden: self.hidden,
            ..VideoGrants::default()
        }
    }
}

/// A participant that is to join a room.
#[derive(Clone, Debug)]
pub struct JoinToken {
    room: String,
    identity: String,
    name: Option<String>,
    metadata: Option<String>,
    ttl: Duration,
    grants: Grants,
    as_agent: bool,
    agents: Vec<(String, String)>,
}

impl JoinToken {
    /// `identity` joins `room`, for [`JOIN_TTL`], with the default [`Grants`].
    pub fn new(room: impl Into<String>, identity: impl Into<String>) -> Self {
        Self {
            room: room.into(),
            identity: identity.into(),
            name: None,
            metadata: None,
            ttl: JOIN_TTL,
            grants: Grants::default(),
            as_agent: false,
            agents: Vec::new(),
        }
    }

    /// The name that others see.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The participant's metadata.
    #[must_use]
    pub fn metadata(mut self, metadata: impl Into<String>) -> Self {
        self.metadata = Some(metadata.into());
        self
    }

    /// How long the token lets in; who is in stays in.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// What the participant may do.
    #[must_use]
    pub fn grants(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    /// The participant is an agent, and frontends see it as one.
    #[must_use]
    pub fn as_agent(mut self) -> Self {
        self.as_agent = true;
        self
    }

    /// When this token creates the room, the worker called `agent_name` is dispatched to it with
    /// `metadata`.
    #[must_use]
    pub fn agent(mut self, agent_name: impl Into<String>, metadata: impl Into<String>) -> Self {
        self.agents.push((agent_name.into(), metadata.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use livekit_token::{Claims, TokenVerifier};

    use super::*;

    const SECRET: &str = "secret-secret-secret-secret-secret-32";

    fn access() -> Access {
        Access::new("ws://127.0.0.1:7880/", "devkey", SECRET).unwrap()
    }

    fn claims(token: &str) -> Claims {
        TokenVerifier::with_api_key("devkey", SECRET).verify(token).unwrap()
    }

    #[test]
    fn the_secret_is_found_in_what_is_handed_on() {
        let access = Access::new("ws://host", "key", "a-secret-of-more-than-16-characters").unwrap();
        let argument = access.withheld("--api-secret=a-secret-of-more-than-16-characters".as_ref()).unwrap();
        assert_eq!(argument, "--api-secret=withheld-from-jobs");
        assert!(access.withheld("a-secret-of-more-than-16-characters".as_ref()).is_some());
        assert!(access.withheld("--room=kitchen".as_ref()).is_none());
        let short = Access::new("ws://host", "key", "secret").unwrap();
        assert!(
            short.withheld("secret".as_ref()).is_some() && short.withheld("/secretary".as_ref()).is_none()
        );
    }

    #[test]
    fn the_secret_is_not_shown() {
        assert!(!format!("{:?}", access()).contains(SECRET));
        let error = Access::new("7880", "devkey", SECRET).unwrap_err();
        assert!(error.to_string().contains("LIVEKIT_URL") && !error.to_string().contains(SECRET), "{error}");
    }

    #[test]
    fn a_missing_secret_is_not_taken_for_an_empty_one() {
        let error = Access::new("ws://host", "devkey", " ").unwrap_err();
        assert!(error.to_string().contains(API_SECRET), "{error}");
    }

    #[test]
    fn a_caller_does_not_administer_the_room() {
        let claims = claims(&access().join(&JoinToken::new("kitchen", "caller")).unwrap());
        assert!(claims.video.room_join && !claims.video.room_admin && !claims.video.agent);
        assert_eq!((claims.video.room.as_str(), claims.sub.as_str()), ("kitchen", "caller"));
    }

    #[test]
    fn the_agent_of_a_token_is_not_lost() {
        let claims =
            claims(&access().join(&JoinToken::new("kitchen", "caller").agent("cook", "soup")).unwrap());
        let agents = claims.room_config.unwrap().agents;
        assert_eq!((agents[0].agent_name.as_str(), agents[0].metadata.as_str()), ("cook", "soup"));
    }

    #[test]
    fn a_workers_token_does_not_join_rooms() {
        let claims = claims(&access().worker().unwrap());
        assert!(claims.video.agent && !claims.video.room_join && claims.video.room.is_empty());
    }

    #[test]
    fn an_empty_identity_is_not_signed() {
        let error = access().join(&JoinToken::new("kitchen", "")).unwrap_err();
        assert!(error.to_string().contains("identity"), "{error}");
    }
}
