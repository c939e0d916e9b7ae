//! Texts that are kept between two starts of the screen, where the user has set `keep_texts`.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use gte_shared::environment::{variable_os, xdg_folder};
use gte_shared::private_file;
use serde::{Deserialize, Serialize};

/// Most bytes of the file: far more than two texts have of which the model reads 512 tokens.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Texts of the screen, as they stand in the file.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Texts {
    pub(super) a: String,
    pub(super) b: String,
}

/// File of the texts.
#[derive(Debug)]
pub(super) struct KeptTexts(PathBuf);

/// Failure to keep texts, or to read them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptTextsError {
    /// The environment names no folder.
    #[error("no folder for the texts: neither XDG_STATE_HOME nor HOME is an absolute path")]
    NoFolder,
    /// The file cannot be used.
    #[error("the kept texts in {} cannot be used: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Error of the system, or of the content.
        source: io::Error,
    },
}

impl KeptTextsError {
    /// Next step for the user.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::NoFolder => "set XDG_STATE_HOME or HOME, or unset keep_texts",
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                    "remove the file, or unset keep_texts"
                }
                io::ErrorKind::FileTooLarge => {
                    "those of the last start are kept; shorten the texts"
                }
                _ => "mend it, or unset keep_texts",
            },
        }
    }
}

impl KeptTexts {
    /// File of the user: `gte/texts.json` in `$XDG_STATE_HOME`, else in `~/.local/state`.
    pub(super) fn of_user() -> Result<Self, KeptTextsError> {
        let folder = xdg_folder(variable_os, "XDG_STATE_HOME", ".local/state");
        let folder = folder.ok_or(KeptTextsError::NoFolder)?;
        Ok(Self(folder.join("gte/texts.json")))
    }

    /// Reads the texts; none if there are none yet.
    pub(super) fn load(&self) -> Result<Texts, KeptTextsError> {
        let read = || {
            let file = private_file::open_existing(OpenOptions::new().read(true), &self.0)?;
            let mut content = Vec::new();
            file.take(MAX_BYTES as u64 + 1).read_to_end(&mut content)?;
            check(content.len())?;
            Ok::<_, io::Error>(serde_json::from_slice(&content)?)
        };
        match read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Texts::default()),
            read => read.map_err(|source| self.fault(source)),
        }
    }

    /// Writes the texts for their owner alone; without a text, removes the file.
    pub(super) fn save(&self, texts: &Texts) -> Result<(), KeptTextsError> {
        // Two screens may end at the same time.
        let new = self.0.with_extension(format!("{}.new", std::process::id()));
        let saved = if *texts == Texts::default() {
            match fs::remove_file(&self.0) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            }
        } else {
            let written = self.write(texts, &new);
            if written.is_err() {
                // It has texts; the first error is the one to report.
                drop(fs::remove_file(&new));
            }
            written
        };
        saved.map_err(|source| self.fault(source))
    }

    /// Writes another file and puts it in the place of the old one, which stays whole meanwhile.
    fn write(&self, texts: &Texts, new: &Path) -> io::Result<()> {
        let content = serde_json::to_vec(texts)?;
        check(content.len())?;
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = private_file::open(OpenOptions::new().write(true).truncate(true), new)?;
        file.write_all(&content)?;
        file.sync_all()?;
        fs::rename(new, &self.0)
    }

    fn fault(&self, source: io::Error) -> KeptTextsError {
        let path = self.0.clone();
        KeptTextsError::Io { path, source }
    }
}

fn check(bytes: usize) -> io::Result<()> {
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    let problem = format!("they have more than {MAX_BYTES} bytes");
    Err(io::Error::new(io::ErrorKind::FileTooLarge, problem))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn texts(a: &str) -> Texts {
        Texts {
            a: a.to_owned(),
            b: "乙\n".to_owned(),
        }
    }

    #[test]
    fn texts_are_kept_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let kept = KeptTexts(folder.path().join("gte/texts.json"));
        assert_eq!(kept.load().unwrap(), Texts::default());
        for text in ["甲", "另一段"] {
            kept.save(&texts(text)).unwrap();
            assert_eq!(kept.load().unwrap(), texts(text));
        }
        let mode = fs::metadata(&kept.0).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        kept.save(&Texts::default()).unwrap();
        assert!(!kept.0.exists());
    }

    #[test]
    fn too_long_texts_leave_the_file_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let kept = KeptTexts(folder.path().join("texts.json"));
        kept.save(&texts("甲")).unwrap();
        let long = kept.save(&texts(&"x".repeat(MAX_BYTES))).unwrap_err();
        assert!(
            long.to_string().contains("more than 4194304 bytes"),
            "{long}"
        );
        assert_eq!(kept.load().unwrap(), texts("甲"));
        fs::write(&kept.0, vec![b' '; MAX_BYTES + 1]).unwrap();
        assert!(kept.load().is_err());
    }
}
