//! Handler of `UseModel`: the selection of another model.

use std::sync::Arc;

use gte_shared::wire::{ErrorReply, ModelInfo, UseModel};

use super::handle::Handle;
use crate::serve::context::Context;

impl Handle for UseModel {
    const NAME: &'static str = "use";

    async fn handle(self, context: &Context) -> Result<ModelInfo, ErrorReply> {
        Arc::clone(&context.service).use_model(self.model).await
    }
}
