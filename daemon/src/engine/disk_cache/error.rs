//! Faults of the file of vectors.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Fault of the file of vectors. The message says what is wrong; [`hint`](Self::hint) says what to
/// do next.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// The file or its folder cannot be made or opened.
    #[error("{}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The file is a database of something else, or of another version of this program.
    #[error("{} is not a disk cache of this version", .0.display())]
    Foreign(PathBuf),
    /// The database fails.
    #[error("{}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// Error of SQLite.
        source: rusqlite::Error,
    },
    /// Vectors in the file are not what was written.
    #[error("{}: {count} damaged vectors", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Number of vectors.
        count: usize,
    },
    /// The disk takes too long.
    #[error("the disk does not answer in time")]
    Slow,
    /// The thread that keeps the file cannot be started, or has failed.
    #[error("the thread that keeps vectors on disk failed")]
    Thread,
}

impl FileError {
    /// Next step for the user, where there is one.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Foreign(path) => Some(remove(path)),
            Self::Database { path, source } => match source.sqlite_error_code()? {
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Some(remove(path)),
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Some(
                    "another daemon uses it: give this one another XDG_CACHE_HOME, or no disk cache"
                        .to_owned(),
                ),
                ErrorCode::DiskFull => Some("make room on the disk".to_owned()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns true if the file is useless from now on.
    pub(super) fn is_final(&self) -> bool {
        let code = match self {
            Self::Database { source, .. } => source.sqlite_error_code(),
            _ => None,
        };
        matches!(
            code,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
    }
}

fn remove(path: &std::path::Path) -> String {
    format!(
        "stop the daemon and remove {}: it is made again",
        path.display()
    )
}
