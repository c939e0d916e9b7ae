//! Failures between a client and its daemon.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::endpoint::EndpointError;
use crate::wire::codec::CodecError;
use crate::wire::frame::FrameError;
use crate::wire::{ErrorReply, MAX_FRAME_BYTES};

/// Failure of a call. The message says what is wrong; [`hint`](Self::hint) says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No daemon listens at the socket.
    #[error("no daemon is running at {}", .0.display())]
    NotRunning(PathBuf),
    /// The socket exists, but cannot be connected to.
    #[error("cannot connect to {}: {source}", socket.display())]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The socket has no usable path.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The daemon speaks another protocol.
    #[error("client and daemon do not understand each other: {0}")]
    Mismatch(String),
    /// The daemon refused the connection, or its answer cannot be read.
    #[error("client and daemon do not understand each other: {0}")]
    Handshake(String),
    /// A daemon holds the socket, but does not listen there.
    #[error("{} holds {}, but does not listen there", named(*pid), socket.display())]
    NotListening {
        /// The socket.
        socket: PathBuf,
        /// Process id of the daemon, if it has recorded it.
        pid: Option<u32>,
    },
    /// The daemon refused the request or failed at it.
    #[error("{0}")]
    Refused(#[from] ErrorReply),
    /// The connection ended before the reply came.
    #[error("the daemon closed the connection before it answered")]
    Closed,
    /// The daemon sent bytes that are not a reply.
    #[error("the daemon's reply cannot be read: {0}")]
    Reply(#[from] CodecError),
    /// The reply belongs to another kind of request.
    #[error("the daemon sent a reply of an unexpected kind")]
    UnexpectedReply,
    /// The transport failed.
    #[error(transparent)]
    Frame(FrameError),
    /// The request is larger than a frame.
    #[error("the request has {0} bytes; the limit is {MAX_FRAME_BYTES}")]
    RequestTooLarge(usize),
    /// No `gted` was found.
    #[error("gted is neither beside this program nor on the PATH")]
    NoProgram,
    /// `gted` was found, but cannot be started.
    #[error("{} cannot be started: {source}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// `gted` was started and has exited with an error.
    #[error("the daemon could not start ({status}){}", quoted(log))]
    StartFailed {
        /// Exit status.
        status: ExitStatus,
        /// Messages of the daemon.
        log: String,
    },
    /// `gted` was started and is not answering yet.
    #[error("the daemon did not answer within {} s", .0.as_secs())]
    StartTimeout(Duration),
}

/// The daemon of a process id, as the subject of a sentence.
fn named(pid: Option<u32>) -> String {
    pid.map_or_else(|| "gted".to_owned(), |pid| format!("gted (pid {pid})"))
}

fn quoted(log: &str) -> String {
    if log.is_empty() {
        String::new()
    } else {
        format!(":\n{log}")
    }
}

impl ClientError {
    /// Index of the text at fault in a refused request.
    #[must_use]
    pub fn text(&self) -> Option<usize> {
        match self {
            Self::Refused(reply) => Some(reply.text? as usize),
            _ => None,
        }
    }

    /// Next step for the user, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotRunning(_) => {
                Some("start it with `gted serve`; without --no-start, the commands that compute start one".to_owned())
            }
            Self::Mismatch(_) | Self::Handshake(_) | Self::Reply(_) | Self::UnexpectedReply => {
                Some("`gte restart` replaces the daemon by the one beside this program".to_owned())
            }
            Self::NotListening { pid, .. } => Some(match pid {
                Some(pid) => format!("it may be ending; if it does not, end it with `kill {pid}`"),
                None => "it may be ending; if it does not, end it with `kill`".to_owned(),
            }),
            Self::Refused(error) => error.hint.clone(),
            Self::Closed => Some("try again; the daemon may have been stopped".to_owned()),
            Self::RequestTooLarge(_) => Some("send it in several requests".to_owned()),
            Self::NoProgram => {
                Some("install gted beside gte, or start `gted serve` by hand".to_owned())
            }
            Self::StartTimeout(_) => {
                Some("run `gted serve` in another terminal to see what it waits for".to_owned())
            }
            Self::Endpoint(error) => error.hint(),
            Self::Connect { .. }
            | Self::Frame(_)
            | Self::Spawn { .. }
            | Self::StartFailed { .. } => None,
        }
    }
}
