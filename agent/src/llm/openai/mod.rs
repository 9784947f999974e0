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
//! [`OpenAiConfig`] is there in every build; the client needs the feature `openai`.
//!
//! ```
//! use duologue_agent::llm::{Llm, openai::{OpenAi, OpenAiConfig}};
//!
//! let llm = OpenAi::new(OpenAiConfig::new("http://127.0.0.1:11434/v1", "qwen3:4b").temperature(0.3))?;
//! assert_eq!(llm.name(), "qwen3:4b");
//! # Ok::<(), duologue_agent::Error>(())
//! ```

#[cfg(feature = "openai")]
mod answer;
#[cfg(feature = "openai")]
mod assembly;
#[cfg(feature = "openai")]
mod chunk;
#[cfg(feature = "openai")]
mod client;
mod config;
#[cfg(feature = "openai")]
mod request;
#[cfg(all(test, feature = "openai"))]
mod tests;
#[cfg(feature = "openai")]
mod think;
#[cfg(feature = "openai")]
mod transport;

#[cfg(feature = "openai")]
pub use client::OpenAi;
pub use config::{ApiKey, OpenAiConfig};
