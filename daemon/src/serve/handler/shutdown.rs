//! Handler of `Shutdown`: the end of the daemon.

use gte_shared::wire::{ErrorReply, Shutdown};

use super::handle::Handle;
use crate::serve::context::Context;

impl Handle for Shutdown {
    const NAME: &'static str = "shutdown";
    const IS_WORK: bool = false;

    async fn handle(self, context: &Context) -> Result<(), ErrorReply> {
        tracing::info!("shutdown requested by a client");
        context.service.stop();
        Ok(())
    }
}
