//! The configuration file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::error::SettingsError;
use super::key::Key;
use super::keys;
use crate::environment::xdg_folder;

/// Largest distance of a key from the one that may have been meant, in edits.
const MAX_EDITS: usize = 3;

/// Path of the configuration file: `gte/config.toml` in `$XDG_CONFIG_HOME`, else in `~/.config`
/// (XDG Base Directory Specification); `None` if neither variable names a folder.
#[must_use]
pub fn config_path(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let config = xdg_folder(variable, "XDG_CONFIG_HOME", ".config")?;
    Some(config.join("gte").join("config.toml"))
}

/// Returns true if the user has no such file: it is missing; `HOME` is not a folder, as that of
/// many services; or it is a folder of another user, as after `su`. A file that is there and cannot
/// be read is another matter.
fn is_out_of_reach(path: &Path, error: io::ErrorKind) -> bool {
    match error {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => true,
        io::ErrorKind::PermissionDenied => path
            .symlink_metadata()
            .is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied),
        _ => false,
    }
}

/// Values of a configuration file, by key.
#[derive(Debug, Default)]
pub(super) struct File {
    values: BTreeMap<&'static str, String>,
}

impl File {
    /// Reads a configuration file. A missing one has no values.
    pub(super) fn read(path: &Path) -> Result<Self, SettingsError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) if is_out_of_reach(path, error.kind()) => Ok(Self::default()),
            Err(source) => Err(SettingsError::Read {
                path: path.to_owned(),
                source,
            }),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, SettingsError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| {
                text.get(..span.start)
                    .unwrap_or_default()
                    .matches('\n')
                    .count()
                    + 1
            });
            SettingsError::Syntax {
                path: path.to_owned(),
                problem: format!("line {line}: {}", error.message()),
            }
        })?;
        let mut values = BTreeMap::new();
        for (name, value) in table {
            let Some(key) = keys::ALL.iter().find(|key| key.name == name) else {
                return Err(SettingsError::Unknown {
                    path: path.to_owned(),
                    nearest: nearest(&name),
                    key: name,
                });
            };
            let value = match value {
                toml::Value::String(text) => Ok(text),
                toml::Value::Integer(number) => Ok(number.to_string()),
                toml::Value::Boolean(switch) => Ok(switch.to_string()),
                _ => Err("expected a string, a number, true or false".to_owned()),
            };
            let checked = value.and_then(|value| {
                key.kind.check_in_file(&value)?;
                Ok(value)
            });
            let value = checked.map_err(|problem| SettingsError::Value {
                place: format!("{}: {}", path.display(), key.name),
                problem,
            })?;
            values.insert(key.name, value);
        }
        Ok(Self { values })
    }

    /// Value of a key.
    pub(super) fn get(&self, key: &Key) -> Option<&str> {
        self.values.get(key.name).map(String::as_str)
    }
}

/// Known key that looks most like a name.
fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase().replace('-', "_");
    let distance = |key: &&&'static Key| strsim::damerau_levenshtein(key.name, &name);
    let nearest = keys::ALL.iter().min_by_key(distance)?;
    (distance(&nearest) <= MAX_EDITS).then_some(nearest.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<File, SettingsError> {
        File::parse(Path::new("config.toml"), text)
    }

    #[test]
    fn values_of_all_types_are_read() {
        let file = parse("threads = 2\nidle_exit = \"5m\"\nverbose = true\ndrain_timeout = 9");
        let file = file.unwrap();
        assert_eq!(file.get(&keys::THREADS), Some("2"));
        assert_eq!(file.get(&keys::IDLE_EXIT), Some("5m"));
        assert_eq!(file.get(&keys::VERBOSE), Some("true"));
        assert_eq!(file.get(&keys::DRAIN_TIMEOUT), Some("9"));
        assert_eq!(file.get(&keys::MODEL), None);
    }

    #[test]
    fn a_home_that_is_not_a_folder_has_no_file() {
        let file = File::read(Path::new("/dev/null/.config/gte/config.toml")).unwrap();
        assert!(file.values.is_empty());
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_name() {
        for (name, expected) in [
            ("idle-exit", Some("idle_exit")),
            ("treads", Some("threads")),
            ("Socket", Some("socket")),
            ("colour_of_the_gauge", None),
        ] {
            match parse(&format!("{name} = 1")).unwrap_err() {
                SettingsError::Unknown { key, nearest, .. } => {
                    assert_eq!((key.as_str(), nearest), (name, expected));
                }
                other => panic!("{name}: {other}"),
            }
        }
    }

    #[test]
    fn a_wrong_value_is_named_with_its_place() {
        for (text, words) in [
            (
                "threads = 0",
                "config.toml: threads: expected a positive number",
            ),
            ("threads = [1]", "expected a string, a number"),
            ("precision = \"f16\"", "expected f32, int8, auto"),
            ("idle_exit = \"soon\"", "expected a time"),
            ("socket = \"relative\"", "expected an absolute path"),
            ("model = \"./folder\"", "expected an absolute path"),
            ("verbose = 7", "expected true or false"),
            ("# comment\nthreads =", "config.toml is not TOML: line 2:"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn the_file_is_found_in_the_configuration_folder() {
        let path = |variables: &[(&str, &str)]| {
            config_path(|name| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| OsString::from(value))
            })
        };
        let home = ("HOME", "/h");
        let expected = |path: &str| Some(PathBuf::from(path));
        assert_eq!(
            path(&[home, ("XDG_CONFIG_HOME", "/c")]),
            expected("/c/gte/config.toml")
        );
        let in_home = expected("/h/.config/gte/config.toml");
        assert_eq!(path(&[home, ("XDG_CONFIG_HOME", "relative")]), in_home);
        assert_eq!(path(&[home, ("XDG_CONFIG_HOME", "")]), in_home);
        assert_eq!(path(&[]), None);
    }
}
