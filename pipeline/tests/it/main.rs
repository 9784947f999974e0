//! The pipeline's tests from outside, in one binary. What touches the whole process has a binary of its own: `callbacks`
//! (counts allocations) and `loom`.

mod conversation;
mod echo;
mod echo_cast;
mod endpoint;
mod keypad;
mod playback;
mod remote;
mod self_echo;
mod simulated;
mod wav;
