//! The trait of the handlers.

use gte_shared::wire::{Call, ErrorReply};

use crate::serve::context::{Context, ReplyForm};

/// Bytes of a score in a reply, or of another short entry, in either form of reply.
const SCORE_BYTES: usize = 512;

/// A request that the daemon can answer.
pub(super) trait Handle: Call {
    /// True if a daemon with this request is not idle.
    const IS_WORK: bool = true;

    /// Most bytes of the reply if the model has this dimension.
    ///
    /// # Errors
    ///
    /// If the reply cannot fit into a message, so that it is not computed.
    fn reply_bytes(&self, _form: ReplyForm, _dimension: usize) -> Result<usize, ErrorReply> {
        Ok(self.text_count() * SCORE_BYTES)
    }

    /// Answers the request.
    fn handle(
        self,
        context: &Context,
    ) -> impl Future<Output = Result<Self::Output, ErrorReply>> + Send;
}
