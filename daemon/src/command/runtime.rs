//! The runtime of a command that asks a daemon.

use anyhow::Context;

/// Runs a future on this thread.
///
/// # Errors
///
/// If the system refuses what a runtime needs.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    Ok(runtime.block_on(future))
}
