//! Handler of `UseModel`: the selection of another model.

use std::sync::Arc;

use gte_shared::wire::{ErrorReply, ModelInfo, UseModel};

use super::handle::Handle;
use crate::serve::context::Context;

impl Handle for UseModel {
    async fn handle(self, context: &Context) -> Result<ModelInfo, ErrorReply> {
        Arc::clone(&context.service).use_model(self.model).await
    }
}
