//! Handler of `Shutdown`: the end of the daemon.

use gte_shared::wire::{ErrorReply, Shutdown};

use super::handle::Handle;
use crate::serve::service::Service;

impl Handle for Shutdown {
    async fn handle(self, service: &Service) -> Result<(), ErrorReply> {
        tracing::info!("shutdown requested by a client");
        service.stop();
        Ok(())
    }
}
