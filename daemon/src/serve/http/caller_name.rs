//! Name of the token that a request was sent with.

use std::sync::Arc;

/// Name of a token, for logs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CallerName(pub(super) Arc<str>);

impl CallerName {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
