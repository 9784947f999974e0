//! Duologue: an on-device voice pipeline for agents. It hears, lets your agent think, and speaks.
#![forbid(unsafe_code)]

pub use duologue_models as models;
pub use duologue_native as native;
pub use duologue_pipeline as pipeline;
pub use duologue_vad as vad;
