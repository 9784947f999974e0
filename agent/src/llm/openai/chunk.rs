//! A chunk of an answer as servers write it: everything may be missing or `null`.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    #[serde(default, deserialize_with = "or_default")]
    pub choices: Vec<Choice>,
    #[serde(default)]
    pub usage: Option<WireUsage>,
    /// A failure in the middle of an answer that began well (llama.cpp, vLLM).
    #[serde(default)]
    pub error: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    pub index: Option<u64>,
    #[serde(default)]
    pub delta: Option<Delta>,
    #[serde(default)]
    pub finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta {
    #[serde(default)]
    pub content: Option<String>,
    /// llama.cpp, vLLM, DeepSeek.
    #[serde(default)]
    pub reasoning_content: Option<String>,
    /// Ollama, newer vLLM.
    #[serde(default)]
    pub reasoning: Option<String>,
    /// OpenAI's word for why it will not answer; it is meant for the user.
    #[serde(default)]
    pub refusal: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub tool_calls: Vec<CallPart>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CallPart {
    #[serde(default)]
    pub index: Option<u64>,
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub function: FunctionPart,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct FunctionPart {
    #[serde(default)]
    pub name: Option<String>,
    /// Text, a piece of JSON; or, from some servers, the whole object.
    #[serde(default)]
    pub arguments: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireUsage {
    #[serde(default, deserialize_with = "or_default")]
    pub prompt_tokens: u64,
    #[serde(default, deserialize_with = "or_default")]
    pub completion_tokens: u64,
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(input: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}
