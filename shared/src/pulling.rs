//! What `gted pull --json` prints while it works: one object a line.

use serde::{Deserialize, Serialize};

/// Something that happened during a pull.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PullEvent {
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
