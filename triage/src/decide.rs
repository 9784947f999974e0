//! Asking a model for a typed answer.

use std::fmt;
use std::time::Duration;

use futures_util::StreamExt;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::loose_json;
use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::llm::{Llm, LlmError, LlmEvent, LlmRequest, ToolChoice};

/// How long [`decide`] may take, repair included, unless told otherwise.
pub const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(8);
/// Most bytes of an answer; a decision is short, and a model that goes on is cut off.
const MAX_ANSWER: usize = 16 * 1024;

/// A typed answer, and how it was got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided<T> {
    /// The answer.
    pub value: T,
    /// It took a second attempt.
    pub repaired: bool,
}

/// Why there is no typed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecideError {
    /// The model failed.
    Model(LlmError),
    /// It took longer than this.
    TimedOut(Duration),
    /// It answered twice, and both times what could not be read.
    Unreadable {
        /// What is wrong with the second answer.
        problem: String,
        /// The second answer.
        answer: String,
    },
}

impl fmt::Display for DecideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(error) => write!(f, "the model failed: {error}"),
            Self::TimedOut(limit) => {
                write!(f, "the model took over {limit:?}; allow it longer, or choose a faster one")
            }
            Self::Unreadable { problem, .. } => write!(f, "the model's answer cannot be read: {problem}"),
        }
    }
}

impl std::error::Error for DecideError {}

/// Asks `llm` for a `T`: as a JSON schema where the server heeds one, in words, and with a tolerant
/// reading. An answer that cannot be read is sent back once with what is wrong. `check` may refuse a
/// readable answer in the same way.
///
/// # Errors
/// The model fails, takes over `time_limit` in all, or answers twice what cannot be read.
///
/// ```
/// # use std::time::Duration;
/// # use duologue_agent::llm::{Llm, LlmEvent, LlmRequest, LlmStream};
/// # struct Model;
/// # impl Llm for Model {
/// #     fn name(&self) -> &str { "model" }
/// #     fn stream(&self, _: LlmRequest) -> LlmStream {
/// #         let text = "```json\n{\"urgent\": true}\n```".to_owned();
/// #         Box::pin(futures_util::stream::iter([Ok(LlmEvent::Text(text))]))
/// #     }
/// # }
/// use duologue_triage::decide;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Urgency {
///     /// Whether somebody is in danger.
///     urgent: bool,
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let model = Model;
/// # let items = vec![];
/// let instructions = "Judge how urgent the caller's request is.";
/// let decided =
///     decide::<Urgency>(&model, instructions, items, Duration::from_secs(5), |_| Ok(())).await.unwrap();
/// assert!(decided.value.urgent);
/// # }
/// ```
pub async fn decide<T: DeserializeOwned + JsonSchema>(
    llm: &dyn Llm,
    instructions: &str,
    items: Vec<ChatItem>,
    time_limit: Duration,
    check: impl Fn(&T) -> Result<(), String>,
) -> Result<Decided<T>, DecideError> {
    decide_by_schema(llm, instructions, items, time_limit, schema_of::<T>(), check).await
}

/// As [`decide`], with a schema that may be narrower than `T`'s own.
pub(super) async fn decide_by_schema<T: DeserializeOwned>(
    llm: &dyn Llm,
    instructions: &str,
    items: Vec<ChatItem>,
    time_limit: Duration,
    schema: Value,
    check: impl Fn(&T) -> Result<(), String>,
) -> Result<Decided<T>, DecideError> {
    let instructions =
        format!("{instructions}\n\nAnswer only with one JSON object that follows this schema:\n{schema}");
    let request = LlmRequest {
        instructions,
        items,
        tools: Vec::new(),
        tool_choice: ToolChoice::None,
        response_schema: Some(schema),
    };
    let work = attempt_twice(llm, request, check);
    tokio::time::timeout(time_limit, work).await.unwrap_or(Err(DecideError::TimedOut(time_limit)))
}

async fn attempt_twice<T: DeserializeOwned>(
    llm: &dyn Llm,
    mut request: LlmRequest,
    check: impl Fn(&T) -> Result<(), String>,
) -> Result<Decided<T>, DecideError> {
    let answer = ask(llm, request.clone()).await?;
    let problem = match read(&answer, &check) {
        Ok(value) => return Ok(Decided { value, repaired: false }),
        Err(problem) => problem,
    };
    tracing::debug!(problem, "a decision could not be read; asking again");
    let said = |role, text| ChatItem::new("router", ChatContent::Message { role, text, interrupted: false });
    request.items.push(said(Role::Assistant, answer));
    let ask_again =
        format!("That answer cannot be used: {problem}. Answer again, only with the corrected JSON object.");
    request.items.push(said(Role::User, ask_again));
    let answer = ask(llm, request).await?;
    match read(&answer, &check) {
        Ok(value) => Ok(Decided { value, repaired: true }),
        Err(problem) => Err(DecideError::Unreadable { problem, answer }),
    }
}

async fn ask(llm: &dyn Llm, request: LlmRequest) -> Result<String, DecideError> {
    let mut stream = llm.stream(request);
    let mut answer = String::new();
    while let Some(event) = stream.next().await {
        if let LlmEvent::Text(text) = event.map_err(DecideError::Model)? {
            answer.push_str(&text);
        }
        if answer.len() > MAX_ANSWER {
            answer.truncate(answer.floor_char_boundary(MAX_ANSWER));
            break;
        }
    }
    Ok(answer)
}

/// The first object in `answer` that is a `T` and passes `check`.
fn read<T: DeserializeOwned>(answer: &str, check: &impl Fn(&T) -> Result<(), String>) -> Result<T, String> {
    let mut problem = "it holds no JSON object".to_owned();
    for object in loose_json::objects(answer) {
        let typed = serde_path_to_error::deserialize(object).map_err(|error| error.to_string());
        match typed.and_then(|value: T| check(&value).map(|()| value)) {
            Ok(value) => return Ok(value),
            Err(reason) => problem = reason,
        }
    }
    Err(problem)
}

pub(super) fn schema_of<T: JsonSchema>() -> Value {
    // Inlined: small models and some servers do not follow references.
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("$schema");
    schema.to_value()
}
