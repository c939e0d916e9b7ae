//! The trait of the handlers.

use gte_shared::wire::{Call, ErrorReply};

use crate::serve::service::Service;

/// A request that the daemon can answer.
pub(super) trait Handle: Call {
    /// Answers the request.
    fn handle(
        self,
        service: &Service,
    ) -> impl Future<Output = Result<Self::Output, ErrorReply>> + Send;
}
