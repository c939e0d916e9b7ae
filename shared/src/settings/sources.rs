//! The settings in force, and the source of each.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::error::SettingsError;
use super::file::{File, config_path};
use super::key::Key;
use crate::environment::not_empty;

/// Value of an environment variable.
type Variable = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// Sources of settings besides options: the environment and the configuration file.
pub struct Settings {
    variable: Box<Variable>,
    path: Option<PathBuf>,
    file: File,
}

/// Source of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An option.
    Option,
    /// An environment variable.
    Environment,
    /// The configuration file.
    File,
    /// None of them.
    Default,
}

/// A value and its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The value; `None` by default.
    pub value: Option<String>,
    /// Its source.
    pub source: Source,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings({:?}, {:?})", self.path, self.file)
    }
}

impl Settings {
    /// Reads the configuration file. A missing one sets nothing.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or has an unknown key or a wrong value.
    pub fn load() -> Result<Self, SettingsError> {
        Self::from_sources(|name| std::env::var_os(name))
    }

    fn from_sources(
        variable: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Result<Self, SettingsError> {
        let path = config_path(&variable);
        let file = path.as_deref().map(File::read).transpose()?;
        Ok(Self {
            variable: Box::new(variable),
            path,
            file: file.unwrap_or_default(),
        })
    }

    /// Path of the configuration file, whether it exists or not; `None` without a home.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The value in force: that of the option, else of the environment variable, else of the file.
    /// An empty variable counts as one that is not set.
    ///
    /// # Errors
    ///
    /// If the value is not of the setting's kind.
    pub fn value(&self, key: &Key, option: Option<&str>) -> Result<Setting, SettingsError> {
        let wrong = |place: String| move |problem| SettingsError::Value { place, problem };
        let (value, source) = if let Some(value) = option {
            let place = format!("--{}", key.name.replace('_', "-"));
            key.kind.check(value).map_err(wrong(place))?;
            (Some(value.to_owned()), Source::Option)
        } else if let Some(value) = not_empty((self.variable)(key.variable)) {
            let place = || key.variable.to_owned();
            let value = value.into_string();
            let value = value.map_err(|_| wrong(place())("expected UTF-8".to_owned()))?;
            key.kind.check(&value).map_err(wrong(place()))?;
            (Some(value), Source::Environment)
        } else if let Some(value) = self.file.get(key) {
            (Some(value.to_owned()), Source::File)
        } else {
            (None, Source::Default)
        };
        Ok(Setting { value, source })
    }

    /// The value in force as one of a type that all values of the setting's kind can be read as.
    ///
    /// # Errors
    ///
    /// If the value is not of the setting's kind.
    pub fn get<T: FromStr<Err: fmt::Display>>(
        &self,
        key: &Key,
        option: Option<&str>,
    ) -> Result<Option<T>, SettingsError> {
        let value = self.value(key, option)?.value;
        let parse = |value: String| {
            value.parse().map_err(|error: T::Err| SettingsError::Value {
                place: key.name.to_owned(),
                problem: error.to_string(),
            })
        };
        value.map(parse).transpose()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Option => "option",
            Self::Environment => "environment",
            Self::File => "file",
            Self::Default => "default",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use super::super::keys::THREADS;
    use super::*;

    /// Settings with `GTE_THREADS` in the environment and `threads` in the file.
    fn settings(variable: Option<&'static str>, file: Option<&str>) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("gte/config.toml");
        if let Some(threads) = file {
            std::fs::create_dir(folder.path().join("gte")).unwrap();
            std::fs::write(config, format!("threads = {threads}")).unwrap();
        }
        let place = folder.path().as_os_str().to_owned();
        let settings = Settings::from_sources(move |name| match name {
            "XDG_CONFIG_HOME" => Some(place.clone()),
            "GTE_THREADS" => variable.map(OsString::from),
            _ => None,
        });
        settings.unwrap()
    }

    #[test]
    fn option_goes_before_environment_before_file_before_default() {
        for (option, variable, file, value, source) in [
            (Some("1"), Some("2"), Some("3"), Some("1"), Source::Option),
            (Some("1"), None, Some("3"), Some("1"), Source::Option),
            (Some("1"), Some("2"), None, Some("1"), Source::Option),
            (Some("1"), None, None, Some("1"), Source::Option),
            (None, Some("2"), Some("3"), Some("2"), Source::Environment),
            (None, Some("2"), None, Some("2"), Source::Environment),
            (None, Some(""), Some("3"), Some("3"), Source::File),
            (None, None, Some("3"), Some("3"), Source::File),
            (None, Some(""), None, None, Source::Default),
            (None, None, None, None, Source::Default),
        ] {
            let settings = settings(variable, file);
            let setting = settings.value(&THREADS, option).unwrap();
            let expected = Setting {
                value: value.map(str::to_owned),
                source,
            };
            assert_eq!(setting, expected, "{option:?} {variable:?} {file:?}");
            let number: Option<NonZero<usize>> = settings.get(&THREADS, option).unwrap();
            assert_eq!(number.map(|n| n.to_string()), setting.value);
        }
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_place() {
        let error = |option, variable| {
            let value = settings(variable, None).value(&THREADS, option);
            value.unwrap_err().to_string()
        };
        let expected = "--threads: expected a positive number";
        assert_eq!(error(Some("x"), None), expected);
        let expected = "GTE_THREADS: expected a positive number";
        assert_eq!(error(None, Some("0")), expected);
        // A source that loses is not looked at.
        assert!(settings(Some("x"), None).value(&THREADS, Some("1")).is_ok());
    }
}
