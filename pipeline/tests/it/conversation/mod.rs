//! The conversation, without threads and without sound.

mod barge_in;
mod detector;
mod driver;
mod model;
mod properties;
mod soak;
mod speeches;
mod turns;
mod world;
