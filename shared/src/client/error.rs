//! What can go wrong between a client and its daemon.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::endpoint::EndpointError;
use crate::wire::codec::CodecError;
use crate::wire::frame::FrameError;
use crate::wire::{ErrorReply, MAX_FRAME_BYTES};

/// Why a call has no reply. Each says what was wrong; [`hint`](Self::hint) says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens at the socket.
    #[error("no daemon is running at {}", .0.display())]
    NotRunning(PathBuf),
    /// The socket is there, but cannot be connected to.
    #[error("cannot connect to {}: {source}", socket.display())]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no place for the socket.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The daemon speaks another protocol, in its own words or in none that are understood.
    #[error("client and daemon do not understand each other: {0}")]
    Handshake(String),
    /// The daemon refused the request or failed at it.
    #[error("{0}")]
    Refused(#[from] ErrorReply),
    /// The connection ended before the reply came.
    #[error("the daemon closed the connection before it answered")]
    Closed,
    /// What the daemon sent is no reply.
    #[error("the daemon's reply cannot be read: {0}")]
    Reply(#[from] CodecError),
    /// The daemon answered something else than was asked.
    #[error("the daemon answered another question than was asked")]
    UnexpectedReply,
    /// The transport failed.
    #[error(transparent)]
    Frame(FrameError),
    /// The request is larger than a frame.
    #[error("the request is {0} bytes long, and a frame holds {MAX_FRAME_BYTES}")]
    RequestTooLarge(usize),
    /// No `gted` to start.
    #[error("there is no gted beside this program or on the PATH")]
    NoProgram,
    /// `gted` is there, but cannot be started.
    #[error("{} cannot be started: {source}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// `gted` was started and gave up.
    #[error("the daemon could not start ({status}){}", said(log))]
    StartFailed {
        /// How it ended.
        status: ExitStatus,
        /// What it wrote.
        log: String,
    },
    /// `gted` was started and is not answering yet.
    #[error("the daemon did not answer within {} s", .0.as_secs())]
    StartTimeout(Duration),
}

fn said(log: &str) -> String {
    if log.is_empty() {
        String::new()
    } else {
        format!(":\n{log}")
    }
}

impl ClientError {
    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotRunning(_) => {
                Some("start it with `gted serve`; without --no-start, the commands that compute start one".to_owned())
            }
            Self::Handshake(_) | Self::Reply(_) | Self::UnexpectedReply => Some(
                "stop the old daemon with `gte stop`; the next command starts the one beside it"
                    .to_owned(),
            ),
            Self::Refused(error) => error.hint.clone(),
            Self::Closed => Some("try again; the daemon may have been stopped".to_owned()),
            Self::RequestTooLarge(_) => Some("send it in several requests".to_owned()),
            Self::NoProgram => {
                Some("install gted beside gte, or start `gted serve` by hand".to_owned())
            }
            Self::StartTimeout(_) => {
                Some("run `gted serve` in another terminal to see what it waits for".to_owned())
            }
            Self::Connect { .. }
            | Self::Endpoint(_)
            | Self::Frame(_)
            | Self::Spawn { .. }
            | Self::StartFailed { .. } => None,
        }
    }
}
