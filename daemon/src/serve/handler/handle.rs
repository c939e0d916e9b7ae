//! The trait of the handlers.

use gte_shared::wire::{Call, ErrorReply, Truncation};

use crate::serve::context::{Context, ReplyForm, Sizes};

/// Bytes of a score in a reply, or of another short entry, in either form of reply.
const SCORE_BYTES: usize = 512;

/// Least bytes of a text that each window adds: half of one of 510 tokens, less what it shares with
/// the next, and a byte for each token.
const LEAST_WINDOW_BYTES: usize = 510 / 2 - 64;

/// A request that the daemon can answer.
pub(super) trait Handle: Call {
    /// Name, for monitoring.
    const NAME: &'static str;

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

    /// Most vectors that are computed for the request, in whose message there are `message` bytes.
    fn most_vectors(&self, sizes: &Sizes, message: usize) -> usize {
        let rules = self.options().map(|options| options.rules(sizes.rules));
        let windows = match rules.map(|rules| rules.truncation) {
            Some(Truncation::Chunk) => message / LEAST_WINDOW_BYTES,
            _ => 0,
        };
        self.text_count() + windows
    }

    /// Answers the request.
    fn handle(
        self,
        context: &Context,
    ) -> impl Future<Output = Result<Self::Output, ErrorReply>> + Send;
}
