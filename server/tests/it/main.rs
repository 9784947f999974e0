//! What the servers do from outside, over loopback sockets, with the built-in models.

mod limits;
mod rig;
mod speech;
mod transcription;
mod wyoming;
mod wyoming_codec;
mod wyoming_material;
mod wyoming_peer;
