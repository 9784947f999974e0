//! TLS for HTTP clients: one provider of cryptography per process.
//!
//! `reqwest` is built without one (its default needs a C toolchain) and panics when a client is made
//! before one is installed. Invariant: every client of this crate is made after [`install`].

/// Installs ring as the process's provider, unless the program has chosen one already.
pub(crate) fn install() {
    // An error means that there is one: ours from an earlier call, or the program's.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
