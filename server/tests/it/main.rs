//! The servers over real sockets, with the built-in models.

mod limits;
mod rig;
mod speech;
mod transcription;
