//! Origin of a daemon.

/// Origin of a daemon, for its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartedBy {
    /// A client, which has detached it.
    Client,
    /// A service manager, when somebody has connected to the socket that it listens at.
    ServiceManager,
    /// A service that runs functions, which hands requests over.
    Function,
    /// Anything else: a shell, or a service manager without a socket.
    Other,
}

impl StartedBy {
    /// Returns true if each HTTP request is logged. The log of a daemon that a client has started
    /// is a file that nobody looks after, and a function writes a line of metrics anyway.
    pub(super) fn logs_http(self) -> bool {
        match self {
            Self::Client | Self::Function => false,
            Self::ServiceManager | Self::Other => true,
        }
    }
}
