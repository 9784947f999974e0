//! OpenAI-compatible servers: llama.cpp, Ollama, vLLM, LM Studio, OpenAI.
//!
//! | file | what |
//! |---|---|
//! | `config` | where the server is, which model, limits |
//! | `request` | a request as the server's JSON |
//! | `transport` | sends it; failures of connection and status; a limit of bytes |
//! | `chunk`, `assembly`, `think` | what comes back, made into [`LlmEvent`](crate::llm::LlmEvent)s |
//! | `answer` | one answer: attempts and time limits |
//!
//! Invariant: every answer ends, by its last piece or by an error, within [`OpenAiConfig::total`].
//! A request is repeated only while nothing of its answer was given. Dropping an answer closes its
//! connection. The key is in no error, log or debug output.
//!
//! ```
//! use duologue_agent::llm::{Llm, openai::{OpenAi, OpenAiConfig}};
//!
//! let llm = OpenAi::new(OpenAiConfig::new("http://127.0.0.1:11434/v1", "qwen3:4b").temperature(0.3))?;
//! assert_eq!(llm.name(), "qwen3:4b");
//! # Ok::<(), duologue_agent::Error>(())
//! ```

mod answer;
mod assembly;
mod chunk;
mod config;
mod request;
#[cfg(test)]
mod tests;
mod think;
mod transport;

use std::sync::Arc;

use futures_util::{StreamExt, stream};

pub use config::{ApiKey, OpenAiConfig};

use super::{Llm, LlmRequest, LlmStream};
use crate::Error;
use answer::Answer;
use transport::Transport;

/// A model behind an OpenAI-compatible server. Connections are kept and shared.
pub struct OpenAi {
    inner: Arc<Inner>,
}

struct Inner {
    config: OpenAiConfig,
    transport: Transport,
}

impl OpenAi {
    /// Ready to connect; it connects when it is asked.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Config`] naming the key that is wrong.
    pub fn new(config: OpenAiConfig) -> Result<Self, Error> {
        let transport = Transport::new(&config)?;
        Ok(Self { inner: Arc::new(Inner { config, transport }) })
    }

    /// With the settings of the environment alone; see [`OpenAiConfig::with_environment`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Config`] naming the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, Error> {
        Self::new(OpenAiConfig::default().with_environment(|name| std::env::var(name).ok())?)
    }
}

impl Llm for OpenAi {
    fn name(&self) -> &str {
        &self.inner.config.model
    }

    fn stream(&self, request: LlmRequest) -> LlmStream {
        let answer = Answer::new(Arc::clone(&self.inner), request::body(&request, &self.inner.config));
        stream::unfold(answer, |mut answer| async move {
            let event = answer.next().await?;
            Some((event, answer))
        })
        .boxed()
    }
}
