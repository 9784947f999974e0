//! Triage over real stores and sockets.

mod notifications;
mod requests;
mod routing;
