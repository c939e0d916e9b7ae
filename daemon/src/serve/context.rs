//! Context of a request.

use std::sync::Arc;

use super::service::Service;
use crate::engine::CallerId;

/// Form of a reply, which decides its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplyForm {
    /// A frame of the binary protocol.
    Binary,
    /// A line of JSON.
    Json,
}

/// Context of a request: the daemon, the connection, and the form of the reply.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) service: Arc<Service>,
    pub(super) caller: CallerId,
    pub(super) form: ReplyForm,
}
