//! The limit on file descriptors.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit on the descriptors of this process to what it may be; returns the limit.
pub(crate) fn raise_limit() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit on descriptors stays as it is");
        limit = getrlimit(Resource::Nofile);
    }
    let descriptors = limit.current.unwrap_or(u64::MAX);
    usize::try_from(descriptors).unwrap_or(usize::MAX)
}
