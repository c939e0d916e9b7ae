//! Failures to read settings.

use std::io;
use std::path::PathBuf;

/// Failure to read the settings. The message says what is wrong; [`hint`](Self::hint) says what to
/// do next.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The configuration file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The configuration file is not TOML.
    #[error("{} is not TOML: {problem}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Place and fault.
        problem: String,
    },
    /// The configuration file has a key that means nothing.
    #[error("{}: unknown key `{key}`", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// Known key that looks most like it.
        nearest: Option<&'static str>,
    },
    /// A setting has a value that it cannot have.
    #[error("{place}: {problem}")]
    Value {
        /// Option, variable, or key and file.
        place: String,
        /// Expected values.
        problem: String,
    },
}

impl SettingsError {
    /// Next step for the user.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown {
                nearest: Some(nearest),
                ..
            } => Some(format!("did you mean `{nearest}`?")),
            Self::Unknown { .. } => Some("`gted config` lists the known keys".to_owned()),
            Self::Syntax { .. } => Some("`gted config --edit` opens it".to_owned()),
            Self::Read { .. } | Self::Value { .. } => None,
        }
    }
}
