//! Where tools come from that are not part of the program.

use async_trait::async_trait;

use super::Toolset;
use crate::Error;

/// Gives tools that are found out at run time, for example from an MCP server.
#[async_trait]
pub trait ToolSource<U: Send + Sync + 'static>: Send + Sync + 'static {
    /// For logs and messages.
    fn name(&self) -> &str;

    /// The tools as they are now.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Tool`] if the source cannot be reached or makes no sense;
    /// [`crate::ErrorKind::TimedOut`] if it does not answer in time.
    async fn tools(&self) -> Result<Toolset<U>, Error>;

    /// Frees what the source holds: processes, connections. Tools of it fail from now on.
    async fn close(&self) {}
}
