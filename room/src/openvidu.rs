//! An agent's configuration file, as OpenVidu hands it to the agent's container.
//!
//! ```yaml
//! # agent-appliance.yaml
//! docker_image: registry.example.org/duologue:latest
//! enabled: true
//! # everything else is the agent's own
//! instructions: You are a kitchen's voice.
//! ```
//!
//! OpenVidu names the file `agent-AGENT_NAME.yaml` and tells where it is in `AGENT_CONFIG_FILE`; or it
//! gives the text itself in `AGENT_CONFIG_BODY`, with a key `agent_name`. What is OpenVidu's is in
//! [`AgentFile`]; all other keys are the agent's own, typed as it likes ([`AgentFile::agent`]).
//!
//! Invariant: nothing is silently ignored. An error names file, line, column and key.
//!
//! ```
//! use duologue_room::openvidu::AgentFile;
//!
//! #[derive(Default, serde::Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! struct Kitchen {
//!     instructions: String,
//! }
//!
//! let text = "docker_image: example/agent\nenabled: true\ninstructions: Cook.\n";
//! let file = AgentFile::<Kitchen>::parse(text, "agent-cook.yaml")?;
//! assert_eq!((file.agent_name.as_str(), file.agent.instructions.as_str()), ("cook", "Cook."));
//! # Ok::<(), duologue_room::Error>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde_saphyr::Spanned;

use crate::{Error, ErrorKind};

/// Variable that holds the file's path.
pub const FILE: &str = "AGENT_CONFIG_FILE";
/// Variable that holds the file's text.
pub const BODY: &str = "AGENT_CONFIG_BODY";

/// How the agent comes into rooms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Processing {
    /// By its name, when it is dispatched.
    #[default]
    Manual,
    /// Into every new room.
    Automatic,
    /// Not at all.
    Disabled,
}

/// A configuration file: OpenVidu's keys, and the agent's own.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentFile<T> {
    /// The agent's name: of the file's name, and of `agent_name`, where that is given.
    pub agent_name: String,
    /// The container's image, which OpenVidu reads.
    pub docker_image: Option<String>,
    /// Whether the agent shall run.
    pub enabled: bool,
    /// How it comes into rooms.
    pub processing: Processing,
    /// The server, if it is not in `LIVEKIT_URL`.
    pub ws_url: Option<String>,
    /// The key, if it is not in `LIVEKIT_API_KEY`.
    pub api_key: Option<String>,
    /// The key's secret, if it is not in `LIVEKIT_API_SECRET`.
    pub api_secret: Option<String>,
    /// The agent's own keys.
    pub agent: T,
}

impl<T: DeserializeOwned> AgentFile<T> {
    /// What the environment hands over, if anything.
    ///
    /// # Errors
    /// As [`AgentFile::load`].
    pub fn from_environment() -> Result<Option<Self>, Error> {
        Self::text(None)?.map(|(text, name)| Self::parse(&text, &name)).transpose()
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it cannot be read, is not named `agent-AGENT_NAME.yaml`, or says what it
    /// may not.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let (text, name) = read(path)?;
        Self::parse(&text, &name)
    }

    /// The text at `path`, or what the environment hands over, if anything; with its name.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it cannot be read.
    pub fn text(path: Option<&Path>) -> Result<Option<(String, String)>, Error> {
        if let Some(path) = path {
            return read(path).map(Some);
        }
        if let Ok(body) = std::env::var(BODY) {
            return Ok(Some((body, BODY.to_owned())));
        }
        std::env::var_os(FILE).map(|path| read(Path::new(&path))).transpose()
    }

    /// Reads `text`, the file at `name`.
    ///
    /// # Errors
    /// As [`AgentFile::load`].
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        let Parsed { header, agent } = serde_saphyr::from_str::<Parsed<T>>(text)
            .map_err(|error| Error::new(ErrorKind::Config, format!("{name}: {error}")))?;
        let agent_name = agent_name(name, header.agent_name)?;
        Ok(Self {
            agent_name,
            docker_image: header.docker_image,
            enabled: header.enabled.unwrap_or(true),
            processing: header.processing.unwrap_or_default(),
            ws_url: header.ws_url,
            api_key: header.api_key,
            api_secret: header.api_secret,
            agent,
        })
    }
}

impl<T> AgentFile<T> {
    /// The same file with the agent's own keys read in another way, as `agent`.
    pub fn with_agent<U>(self, agent: U) -> AgentFile<U> {
        let Self { agent_name, docker_image, enabled, processing, ws_url, api_key, api_secret, agent: _ } =
            self;
        AgentFile { agent_name, docker_image, enabled, processing, ws_url, api_key, api_secret, agent }
    }
}

/// The line, from 1, of what stands at `key` in a file's `text`, if there is such a key: for whoever finds a mistake
/// in it after it was read.
///
/// ```
/// let text = "enabled: true\nworker:\n  job_limit: many\n";
/// assert_eq!(duologue_room::openvidu::line_of(text, "worker.job_limit"), Some(3));
/// assert_eq!(duologue_room::openvidu::line_of(text, "worker.drain"), None);
/// ```
pub fn line_of(text: &str, key: &str) -> Option<u64> {
    let mut node = serde_saphyr::from_str::<Spanned<Node>>(text).ok()?;
    for step in key.split('.') {
        node = node.value.0.remove(step)?;
    }
    Some(node.referenced.line())
}

/// What stands at a key: only the keys in it, and their places.
#[derive(Default)]
struct Node(BTreeMap<String, Spanned<Node>>);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

/// A visitor's methods for values without keys.
macro_rules! no_keys {
    ($($visit:ident($value:ty))*) => {$(
        fn $visit<E>(self, _: $value) -> Result<Node, E> {
            Ok(Node::default())
        }
    )*};
}

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("anything")
    }

    no_keys!(visit_bool(bool) visit_i64(i64) visit_u64(u64) visit_f64(f64) visit_str(&str));

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::default())
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Node::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut inside = BTreeMap::new();
        while let Some((key, value)) = map.next_entry()? {
            inside.insert(key, value);
        }
        Ok(Node(inside))
    }
}

fn read(path: &Path) -> Result<(String, String), Error> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::Config, format!("{name} cannot be read: {error}; see {FILE}"))
    })?;
    Ok((text, name))
}

/// The name that the file's name says; the key `agent_name` must agree.
fn agent_name(name: &str, key: Option<String>) -> Result<String, Error> {
    let wrong = |message: String| Err(Error::new(ErrorKind::Config, message));
    if name == BODY {
        return match key.filter(|key| !key.is_empty()) {
            Some(key) => Ok(key),
            None => wrong(format!("{BODY}: agent_name is missing; with {FILE} the file's name says it")),
        };
    }
    let file = Path::new(name).file_name().and_then(|file| file.to_str()).unwrap_or_default();
    let stem = file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml"));
    let allowed = |name: &&str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let Some(named) = stem.and_then(|stem| stem.strip_prefix("agent-")).filter(allowed) else {
        return wrong(format!(
            "{name}: the file must be named agent-AGENT_NAME.yaml (letters, digits, - and _)"
        ));
    };
    match key {
        Some(key) if key != named => wrong(format!(
            "{name}: agent_name is `{key}`, but the file's name says `{named}`; make them agree"
        )),
        _ => Ok(named.to_owned()),
    }
}

#[derive(Default)]
struct Header {
    agent_name: Option<String>,
    docker_image: Option<String>,
    enabled: Option<bool>,
    processing: Option<Processing>,
    ws_url: Option<String>,
    api_key: Option<String>,
    api_secret: Option<String>,
}

struct Parsed<T> {
    header: Header,
    agent: T,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FileVisitor(PhantomData))
    }
}

struct FileVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FileVisitor<T> {
    type Value = Parsed<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an agent's configuration: keys and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut header = Header::default();
        let agent = T::deserialize(MapAccessDeserializer::new(Own { map, header: &mut header }))?;
        Ok(Parsed { header, agent })
    }
}

/// The map without OpenVidu's keys, which go into the header as they come by: so every error keeps its
/// place in the file.
struct Own<'a, A> {
    map: A,
    header: &'a mut Header,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Own<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            match key.as_str() {
                "agent_name" => self.header.agent_name = self.map.next_value()?,
                "docker_image" => self.header.docker_image = self.map.next_value()?,
                "enabled" => self.header.enabled = self.map.next_value()?,
                "processing" => self.header.processing = self.map.next_value()?,
                "ws_url" => self.header.ws_url = self.map.next_value()?,
                "api_key" => self.header.api_key = self.map.next_value()?,
                "api_secret" => self.header.api_secret = self.map.next_value()?,
                // OpenVidu's agents keep locks there; ours need none.
                "redis" => drop(self.map.next_value::<IgnoredAny>()?),
                _ => return seed.deserialize(key.into_deserializer()).map(Some),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Own {
        instructions: String,
        floors: u8,
    }

    fn parse(text: &str, name: &str) -> Result<AgentFile<Own>, Error> {
        AgentFile::parse(text, name)
    }

    #[test]
    fn openvidus_keys_are_not_taken_for_the_agents() {
        let text = "docker_image: a/b:1\nenabled: false\nprocessing: automatic\nredis:\n  db: 0\nfloors: 3\n";
        let file = parse(text, "/etc/agent-lift.yml").unwrap();
        assert_eq!((file.enabled, file.processing, file.agent.floors), (false, Processing::Automatic, 3));
        assert_eq!(file.docker_image.as_deref(), Some("a/b:1"));
        assert_eq!(file.agent_name, "lift");
    }

    #[test]
    fn an_error_names_file_line_and_key() {
        let error = parse("enabled: true\nfloors: many\n", "agent-lift.yaml").unwrap_err().to_string();
        assert!(error.contains("agent-lift.yaml") && error.contains("line 2"), "{error}");
        let error = parse("enabled: true\n\nflors: 3\n", "agent-lift.yaml").unwrap_err().to_string();
        assert!(error.contains("flors") && error.contains("line 3"), "{error}");
        let error = parse("enabled: perhaps\n", "agent-lift.yaml").unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
        let error = parse("a: [\n", "agent-lift.yaml").unwrap_err().to_string();
        assert!(error.contains("agent-lift.yaml") && error.contains("line"), "{error}");
    }

    #[test]
    fn two_names_that_disagree_are_not_accepted() {
        let error = parse("agent_name: door\n", "agent-lift.yaml").unwrap_err().to_string();
        assert!(error.contains("door") && error.contains("lift"), "{error}");
        assert!(parse("agent_name: lift\n", "agent-lift.yaml").is_ok());
    }

    #[test]
    fn a_file_of_another_name_is_not_accepted() {
        for name in ["lift.yaml", "agent-.yaml", "agent-lift.toml", "agent-a b.yaml"] {
            let error = parse("enabled: true\n", name).unwrap_err().to_string();
            assert!(error.contains("agent-AGENT_NAME.yaml"), "{error}");
        }
    }

    #[test]
    fn a_body_without_a_name_is_not_accepted() {
        assert!(parse("enabled: true\n", BODY).unwrap_err().to_string().contains("agent_name"));
        assert_eq!(parse("agent_name: lift\n", BODY).unwrap().agent_name, "lift");
    }
}
