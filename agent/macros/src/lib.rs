//! The `#[tool]` attribute: an async function becomes a tool that a language model may call.
//!
//! Use it as `duologue_agent::tool` (or `duologue::agent::tool`); its documentation is there.
//!
//! `options` reads what stands in the attribute's parentheses, `function` what the function
//! says of itself, and `expand` writes the tool. Whatever cannot become a tool is a compile error
//! at the offending word, with the remedy.
#![forbid(unsafe_code)]

mod expand;
mod function;
mod options;

use proc_macro::TokenStream;

/// Makes a tool of an async function.
///
/// ```ignore
/// use duologue_agent::tool;
///
/// /// Tells the weather of a city, for today or a coming day.
/// #[tool(time_limit = "10s")]
/// async fn weather(
///     /// The city, in English.
///     city: String,
///     /// How many days ahead; today if left out.
///     days: Option<u32>,
/// ) -> Result<String, ToolError> {
///     Ok(format!("sunny in {city} in {} days", days.unwrap_or(0)))
/// }
///
/// let tools = Toolset::new().with(weather);          // as a tool
/// let text = weather::run("Oslo".into(), None).await; // as a function
/// ```
///
/// The function's name becomes a value that is a `Tool`, and a type whose associated function `run` is
/// the function itself.
///
/// | the model is told | which is |
/// |---|---|
/// | name | the function's, or `name = "…"` |
/// | description | the doc comment, or `description = "…"` |
/// | arguments | the parameters: their names, types (`serde::Deserialize` and `schemars::JsonSchema`) and doc comments; `Option<T>` may be left out |
///
/// `#[serde(…)]` and `#[schemars(…)]` on a parameter mean what they mean on a struct's field, for
/// example `#[schemars(range(min = 1, max = 10))]` or `#[serde(default)]`. (The doc comment of a
/// parameter and these attributes are allowed because `#[tool]` takes them away.)
///
/// A first parameter of type `RunContext<U>` or `&RunContext<U>` is not an argument: it gives the
/// session, its userdata `U` and word of cancellation. Without it the tool fits sessions of every
/// userdata. The function may be generic over `U`, and over nothing else.
///
/// It returns anything that is `IntoToolOutput`: text, `()`, a `serde_json::Value`, `Json<T>`, a
/// `Handoff<U>`, a `(Handoff<U>, String)`, or a `Result` of those.
///
/// | option | meaning |
/// |---|---|
/// | `name = "…"` | the name that the model sees: letters, digits, `_`, `-`; at most 64 |
/// | `description = "…"` | instead of the doc comment |
/// | `effect` | it changes something outside the conversation: it waits until the turn is certain, runs once per call, and an interruption does not stop it |
/// | `time_limit = "10s"` | `"500ms"`, `"10s"`, `"2m"`, or a number of seconds; by default 30 s |
/// | `output_limit = 4096` | bytes of the result that the model is told; by default 16 KiB |
/// | `crate = path` | where `duologue_agent` is, if it is neither a dependency of that name nor reached as `duologue::agent` |
#[proc_macro_attribute]
pub fn tool(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::tool(options.into(), item.into(), syn::parse_quote!(::duologue_agent)).into()
}

/// [`macro@tool`] for users of the `duologue` crate, who need not depend on `duologue_agent`:
/// `duologue::agent` re-exports it under the name `tool`.
#[proc_macro_attribute]
pub fn facade_tool(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::tool(options.into(), item.into(), syn::parse_quote!(::duologue::agent)).into()
}
