//! Context of a request.

use std::sync::Arc;

use super::selected::Selected;
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

/// Context of a request: the daemon, the model that answers, the connection, and the form of the
/// reply.
pub(super) struct Context {
    pub(super) service: Arc<Service>,
    /// Model that was selected when the request came. It answers even if another one is selected
    /// while the request waits.
    pub(super) selected: Arc<Selected>,
    pub(super) caller: CallerId,
    pub(super) form: ReplyForm,
    /// Number of the request among all of the daemon, for its log.
    pub(super) number: u64,
}

impl Context {
    /// Creates the context of a request that comes now.
    pub(super) fn new(service: &Arc<Service>, caller: CallerId, form: ReplyForm) -> Self {
        Self {
            service: Arc::clone(service),
            selected: service.selected(),
            caller,
            form,
            number: service.new_request(),
        }
    }
}
