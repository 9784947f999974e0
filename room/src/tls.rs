//! TLS for what we open ourselves: one provider of cryptography per process.
//!
//! Invariant: every client of this crate is made after [`install`]; without a provider they panic.

/// Installs ring as the process's provider, unless the program has chosen one already.
pub(crate) fn install() {
    // An error means that there is one: ours from an earlier call, or the program's.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
