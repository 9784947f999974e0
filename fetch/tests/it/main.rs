//! Fetches from an index and from servers on this machine: one program for all, so that it is linked once.

mod archive;
mod child;
mod hostile;
mod http;
mod index;
mod pull;
mod server;
mod wheel;
