//! Which language model answers: a script, so that an example runs anywhere, or a server.

use std::sync::Arc;

use duologue::agent::Error;
use duologue::agent::llm::Llm;
use duologue::agent::llm::openai::{OpenAi, OpenAiConfig};
use duologue::agent::testing::{Script, ScriptedLlm};

/// `[llm]` in `duologue.toml` and `DUOLOGUE_LLM__…` in the environment say the same and more.
#[derive(clap::Args, Debug, Default)]
pub struct ModelArgs {
    /// An OpenAI-compatible server, such as http://127.0.0.1:11434/v1; without one, a script answers
    #[arg(long, value_name = "URL")]
    llm: Option<String>,
    /// The server's model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

impl ModelArgs {
    /// The server's model, or one that follows `script` (TOML).
    pub fn llm(&self, settings: &OpenAiConfig, script: &str) -> Result<Arc<dyn Llm>, Error> {
        let mut settings = settings.clone();
        if let Some(url) = &self.llm {
            settings.base_url.clone_from(url);
        }
        if let Some(model) = &self.model {
            settings.model.clone_from(model);
        }
        if settings.base_url.is_empty() {
            return Ok(Arc::new(ScriptedLlm::new(Script::parse(script)?)));
        }
        Ok(Arc::new(OpenAi::new(settings)?))
    }
}
