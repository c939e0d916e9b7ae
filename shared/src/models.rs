//! Models as `gted` tells other programs of them: `gted models --json` prints an array of
//! [`ModelRow`], `gted pull --json` a [`PullEvent`] a line.

use serde::{Deserialize, Serialize};

/// A model that is installed or known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRow {
    /// What it is called.
    pub name: String,
    /// Whether it is installed.
    pub installed: bool,
    /// Whether it is compiled into the daemon.
    pub embedded: bool,
    /// Whether a daemon that is started now uses it.
    pub default: bool,
    /// About how large it is: its download, or what is installed.
    pub megabytes: u64,
    /// Its licence, where that is known.
    pub licence: Option<String>,
    /// Where it is from, or can be had from.
    pub source: Option<String>,
}

/// Something that happened during a pull.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PullEvent {
    /// Another process pulls the same model, and is waited for.
    Waiting,
    /// A source did not have the model; the next one is tried.
    Failed {
        /// The source.
        source: String,
        /// Why not, in words.
        error: String,
    },
    /// Bytes of a file have come. The first of these for a file says what an earlier pull has left.
    Progress {
        /// The file.
        file: String,
        /// Its size in bytes, where the hub states it.
        size: Option<u64>,
        /// How many of them are here.
        have: u64,
    },
    /// A file is here.
    Done {
        /// The file.
        file: String,
        /// Whether the hub states a checksum for it, and it is right.
        checked: bool,
    },
    /// The model is installed.
    Installed {
        /// What it is called.
        name: String,
        /// Where it is from.
        source: String,
        /// Whether it was installed before this pull.
        already: bool,
    },
}
