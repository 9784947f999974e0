//! The `#[tool]` attribute: an async function becomes a tool that a language model may call.
#![forbid(unsafe_code)]
