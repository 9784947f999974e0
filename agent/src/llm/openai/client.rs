//! The client: settings made ready to connect.

use std::sync::Arc;

use futures_util::{StreamExt, stream};

use super::answer::Answer;
use super::transport::Transport;
use super::{OpenAiConfig, request};
use crate::Error;
use crate::llm::{Llm, LlmRequest, LlmStream};

/// A model behind an OpenAI-compatible server. Connections are kept and shared.
pub struct OpenAi {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub config: OpenAiConfig,
    pub transport: Transport,
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
