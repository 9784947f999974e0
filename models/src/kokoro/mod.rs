//! Kokoro: its model files and voices.
mod files;
mod names;
mod npy;
mod voices;

pub use files::ModelFiles;
pub use voices::{KOKORO_ROWS, STYLE_WIDTH, Style, TableHint, Voices};
