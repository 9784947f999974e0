//! Voice activity detection as its users meet it: real models over real recordings.

mod allocations;
mod silero;
