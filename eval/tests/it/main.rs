//! Scripted models and scenarios, through real sessions and real sockets.

mod scenario;
mod script;
