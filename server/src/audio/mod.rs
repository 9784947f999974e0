//! Sound as clients send and want it.

pub(crate) mod decode;
pub(crate) mod encode;
mod opus;
