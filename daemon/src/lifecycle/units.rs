//! The units by which a user's systemd starts the daemon on demand.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gte_shared::environment::xdg_folder;

/// Unit of the socket.
pub(crate) const SOCKET_UNIT: &str = "gted.socket";

/// Unit of the daemon.
pub(crate) const SERVICE_UNIT: &str = "gted.service";

/// The units, with a program and a data folder in them that are replaced.
const TEMPLATES: [(&str, &str); 2] = [
    (SOCKET_UNIT, include_str!("../../systemd/gted.socket")),
    (SERVICE_UNIT, include_str!("../../systemd/gted.service")),
];

/// Program in the templates.
const PROGRAM: &str = "%h/.cargo/bin/gted";

/// Data folder in the templates.
const DATA: &str = "%h/.local/share/gte";

/// Beginning of a unit that belongs to this program.
const MARK: &str = "# Written by `gted install`.";

/// Failure to install or remove the units. The message says what is wrong; [`hint`](Self::hint)
/// says what to do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnitError {
    /// The environment names no folder for units.
    #[error("neither XDG_CONFIG_HOME nor HOME names a folder for units")]
    NoPlace,
    /// A unit is there that this program has not written.
    #[error("{} was not written by gted install", .0.display())]
    Foreign(PathBuf),
    /// A path cannot stand in a unit.
    #[error("{} cannot be written into a unit: it has characters that systemd does not take", .0.display())]
    Path(PathBuf),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// systemctl is not installed, or cannot be run.
    #[error("systemctl cannot be run: {0}")]
    NoSystemctl(io::Error),
    /// The user has no service manager that runs.
    #[error("the user's service manager cannot be reached: {0}")]
    NoManager(String),
    /// The service manager refuses.
    #[error("systemctl --user {command}: {message}")]
    Refused {
        /// Arguments of systemctl.
        command: String,
        /// Its message.
        message: String,
    },
}

impl UnitError {
    /// Next step for the user, where there is one.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Foreign(path) => Some(format!("move {} out of the way", path.display())),
            Self::NoSystemctl(_) => Some("without systemd, `gte` starts the daemon".to_owned()),
            Self::NoManager(_) => Some(
                "log in as this user, or keep its service manager with `loginctl enable-linger`"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> UnitError {
    let path = path.to_owned();
    |source| UnitError::File { path, source }
}

/// The units of a user.
#[derive(Debug)]
pub(crate) struct Units {
    folder: PathBuf,
}

impl Units {
    /// Units in `systemd/user` of `$XDG_CONFIG_HOME`, else of `~/.config` (systemd.unit(5)).
    pub(crate) fn of_user(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, UnitError> {
        let config = xdg_folder(variable, "XDG_CONFIG_HOME", ".config");
        Ok(Self {
            folder: config.ok_or(UnitError::NoPlace)?.join("systemd/user"),
        })
    }

    /// Paths of the units that are installed.
    ///
    /// # Errors
    ///
    /// If one of them was not written by this program.
    pub(crate) fn installed(&self) -> Result<Vec<PathBuf>, UnitError> {
        let mut installed = Vec::new();
        for (name, _) in TEMPLATES {
            let path = self.folder.join(name);
            match fs::read(&path) {
                Ok(text) if text.starts_with(MARK.as_bytes()) => installed.push(path),
                Ok(_) => return Err(UnitError::Foreign(path)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(at(&path)(error)),
            }
        }
        Ok(installed)
    }

    /// Writes the units for a program and a data folder, and returns their paths.
    ///
    /// # Errors
    ///
    /// If a unit of the same name was not written by this program, or cannot be written.
    pub(crate) fn write(&self, program: &Path, data: &Path) -> Result<Vec<PathBuf>, UnitError> {
        self.installed()?;
        // The name of a program may not have them, escaped or not (systemd.service(5)).
        let name = program.as_os_str().as_bytes();
        if name.iter().any(|byte| b"\"'\\".contains(byte)) {
            return Err(UnitError::Path(program.to_owned()));
        }
        let [program, data] = [escaped(program)?, escaped(data)?];
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        let mut written = Vec::new();
        for (name, template) in TEMPLATES {
            let unit = template.replace(PROGRAM, &program).replace(DATA, &data);
            let path = self.folder.join(name);
            let new = self.folder.join(format!(".{name}.new"));
            fs::write(&new, unit).map_err(at(&new))?;
            fs::rename(&new, &path).map_err(at(&path))?;
            written.push(path);
        }
        Ok(written)
    }

    /// Removes the units, and returns their paths.
    ///
    /// # Errors
    ///
    /// If one of them was not written by this program, or cannot be removed.
    pub(crate) fn remove(&self) -> Result<Vec<PathBuf>, UnitError> {
        let installed = self.installed()?;
        for path in &installed {
            fs::remove_file(path).map_err(at(path))?;
        }
        Ok(installed)
    }
}

/// A path between quotes in a unit: percent signs begin specifiers, quotes and backslashes are
/// those of C (systemd.syntax(7)).
fn escaped(path: &Path) -> Result<String, UnitError> {
    let refused = || UnitError::Path(path.to_owned());
    let text = path.to_str().ok_or_else(refused)?;
    if path.as_os_str().as_bytes().iter().any(u8::is_ascii_control) {
        return Err(refused());
    }
    Ok(text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%"))
}

/// Runs `systemctl --user`.
///
/// # Errors
///
/// If it cannot be run, or fails.
pub(crate) fn systemctl(arguments: &[&str]) -> Result<(), UnitError> {
    let output = Command::new("systemctl")
        .arg("--user")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(UnitError::NoSystemctl)?;
    if output.status.success() {
        return Ok(());
    }
    Err(UnitError::Refused {
        command: arguments.join(" "),
        message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// Checks that the user has a service manager that runs.
///
/// # Errors
///
/// If it cannot be reached.
pub(crate) fn check_manager() -> Result<(), UnitError> {
    systemctl(&["show", "--property=Version"]).map_err(|error| match error {
        UnitError::Refused { message, .. } => UnitError::NoManager(message),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(folder: &tempfile::TempDir) -> Units {
        let config = folder.path().as_os_str().to_owned();
        let variable = |name: &str| (name == "XDG_CONFIG_HOME").then(|| config.clone());
        Units::of_user(variable).unwrap()
    }

    #[test]
    fn the_templates_are_filled_in() {
        let folder = tempfile::tempdir().unwrap();
        let units = units(&folder);
        let program = Path::new("/a b/100%/$x/gted");
        let written = units.write(program, Path::new("/data/gte")).unwrap();
        let service = fs::read_to_string(&written[1]).unwrap();
        let line = "\nExecStart=\"/a b/100%%/$x/gted\" serve\n";
        assert!(service.contains(line), "{service}");
        assert!(
            service.contains("\nReadWritePaths=\"-/data/gte\"\n"),
            "{service}"
        );
        assert_eq!(units.installed().unwrap(), written);
        assert_eq!(units.remove().unwrap(), written);
        assert!(units.installed().unwrap().is_empty());
    }

    #[test]
    fn units_of_others_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let units = units(&folder);
        fs::create_dir_all(&units.folder).unwrap();
        let path = units.folder.join(SERVICE_UNIT);
        fs::write(&path, "[Service]\n").unwrap();
        let refused = units.write(Path::new("/gted"), Path::new("/data"));
        assert!(matches!(refused, Err(UnitError::Foreign(of)) if of == path));
        assert!(units.remove().is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "[Service]\n");
        assert!(!units.folder.join(SOCKET_UNIT).exists());
    }

    #[test]
    fn a_path_that_systemd_does_not_take_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for program in [
            "/a\nExecStart=/b",
            "/o'brien/gted",
            "/\"q\"/gted",
            "/a\\b/gted",
        ] {
            let refused = units(&folder).write(Path::new(program), Path::new("/data"));
            assert!(matches!(refused, Err(UnitError::Path(_))), "{program}");
        }
    }
}
