//! Models as `gted` describes them to other programs: `gted models --json` prints an array of
//! [`ModelRow`], `gted pull --json` one [`PullEvent`] per line.

use serde::{Deserialize, Serialize};

/// A model that is installed or known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRow {
    /// Name.
    pub name: String,
    /// True if it is installed.
    pub installed: bool,
    /// True if it is compiled into the daemon.
    pub builtin: bool,
    /// True if a daemon that is started now uses it.
    pub default: bool,
    /// Size in megabytes, rounded: of the download, or of the installed files.
    pub megabytes: u64,
    /// License, where it is known.
    pub license: Option<String>,
    /// Origin, or a place to pull it from.
    pub source: Option<String>,
}

/// An event of a pull.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PullEvent {
    /// Another process pulls the same model; this pull waits for it.
    Waiting,
    /// A source did not have the model; the next one is tried.
    Failed {
        /// Source.
        source: String,
        /// Error message.
        error: String,
    },
    /// Bytes of a file have arrived. The first event of a file counts those of an earlier pull.
    Progress {
        /// File.
        file: String,
        /// Size in bytes, where the hub states it.
        size: Option<u64>,
        /// Bytes that are here.
        have: u64,
    },
    /// A file is complete.
    Done {
        /// File.
        file: String,
        /// True if the hub states a checksum for it, and it matches.
        checked: bool,
    },
    /// The model is installed.
    Installed {
        /// Name.
        name: String,
        /// Origin.
        source: String,
        /// True if it was installed before this pull.
        already: bool,
    },
}
