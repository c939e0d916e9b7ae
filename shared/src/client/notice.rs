//! Notices: what a user should know about the daemon, besides the answer.

use std::time::Duration;

use crate::endpoint::{AnsweringModel, Endpoint};
use crate::version::VERSION;

/// Wait for a daemon after which the user is told.
pub(super) const NOTICE_AFTER: Duration = Duration::from_secs(1);

/// Something that a user should know about the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The client waits for a daemon that does not listen yet, or no longer.
    Waiting {
        /// Process id of the daemon, if it has recorded it.
        pid: Option<u32>,
    },
    /// An idle daemon of another version has been replaced.
    Replaced {
        /// Version of the former daemon.
        version: String,
    },
    /// A daemon of another version answers.
    OtherVersion {
        /// Version of the daemon.
        version: String,
    },
    /// A daemon has crashed, and another model answers than before.
    OtherModel {
        /// Model that answered before the crash.
        before: AnsweringModel,
        /// Model that answers now.
        now: AnsweringModel,
    },
    /// The daemon has no room for a request, which the client sends again.
    Busy,
    /// A daemon was started that programs of other sessions may not find.
    ThisSessionOnly(&'static str),
}

impl Notice {
    /// Notice about the daemon that holds the socket and does not listen.
    pub(super) fn waiting(endpoint: &Endpoint) -> Self {
        Self::Waiting {
            pid: endpoint.holder().map(|holder| holder.pid),
        }
    }
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Waiting { pid: Some(pid) } => {
                write!(
                    f,
                    "waiting for gted (pid {pid}), which is starting or ending"
                )
            }
            Self::Waiting { pid: None } => {
                write!(f, "waiting for gted, which is starting or ending")
            }
            Self::Replaced { version } => {
                write!(
                    f,
                    "the idle daemon of version {version} was replaced by {VERSION}"
                )
            }
            Self::OtherVersion { version } => write!(
                f,
                "the daemon is of version {version}, this program of {VERSION}; \
                 `gte restart` replaces the daemon"
            ),
            Self::OtherModel { before, now } => write!(
                f,
                "the daemon ended unexpectedly: {now} answers now, and {before} did before"
            ),
            Self::Busy => write!(f, "the daemon is busy with other clients; trying again"),
            Self::ThisSessionOnly(reason) => write!(f, "{reason}"),
        }
    }
}
