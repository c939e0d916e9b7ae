//! Handler of `UseModel`: the selection of another model.

use gte_shared::wire::{ErrorReply, ModelInfo, UseModel};

use super::handle::Handle;
use crate::serve::service::Service;

impl Handle for UseModel {
    async fn handle(self, service: &Service) -> Result<ModelInfo, ErrorReply> {
        service.use_model(self.model).await
    }
}
