//! One setting: its names, its kind and its default.

use std::borrow::Cow;
use std::num::NonZero;
use std::path::Path;

use super::duration::Time;
use super::http_address::HttpAddress;
use super::lists::{Names, Networks, Origins};
use super::redis_url::RedisUrl;
use super::size::Size;
use crate::wire::TextSteps;

/// A setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// Name in the configuration file. The option is called the same, with hyphens.
    pub name: &'static str,
    /// Environment variable.
    pub variable: &'static str,
    /// Kind of the values.
    pub kind: Kind,
    /// Value by default, in words where it depends on something.
    pub default: &'static str,
    /// Program that uses it.
    pub user: User,
    /// Meaning, for the configuration file.
    pub about: &'static str,
}

/// Kind of the values of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A path.
    Path,
    /// A name, or the path of a folder.
    NameOrFolder,
    /// A positive number.
    Count,
    /// A [`Time`].
    Time,
    /// A [`Size`].
    Size,
    /// [`TextSteps`].
    TextSteps,
    /// An [`HttpAddress`].
    HttpAddress,
    /// [`Names`].
    Names,
    /// [`Origins`].
    Origins,
    /// [`Networks`].
    Networks,
    /// A [`RedisUrl`].
    RedisUrl,
    /// True or false.
    Switch,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// Program that uses a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// `gted serve`.
    Daemon,
    /// `gte`.
    Client,
    /// Both.
    Both,
}

impl Key {
    /// Takes the value of an option, for clap; the error says what is expected.
    ///
    /// # Errors
    ///
    /// If the value is not of the setting's kind.
    pub fn option(&self, value: &str) -> Result<String, String> {
        self.kind.check(value)?;
        Ok(value.to_owned())
    }
}

impl Key {
    /// A value as it may stand in a log: without the password of a server.
    #[must_use]
    pub fn shown<'a>(&self, value: &'a str) -> Cow<'a, str> {
        match (self.kind, value.rsplit_once('@')) {
            (Kind::RedisUrl, Some((_, place))) => format!("redis://…@{place}").into(),
            _ => value.into(),
        }
    }
}

impl Kind {
    /// Checks a value; the error says what is expected.
    pub(super) fn check(self, value: &str) -> Result<(), String> {
        let expect = |fits: bool, words: &str| {
            let error = || format!("expected {words}");
            fits.then_some(()).ok_or_else(error)
        };
        match self {
            Self::Path | Self::NameOrFolder => expect(!value.is_empty(), "a path"),
            Self::Count => expect(value.parse::<NonZero<usize>>().is_ok(), "a positive number"),
            Self::Time => value.parse::<Time>().map(drop),
            Self::Size => value.parse::<Size>().map(drop),
            Self::TextSteps => value.parse::<TextSteps>().map(drop),
            Self::HttpAddress => value.parse::<HttpAddress>().map(drop),
            Self::Names => value.parse::<Names>().map(drop),
            Self::Origins => value.parse::<Origins>().map(drop),
            Self::Networks => value.parse::<Networks>().map(drop),
            Self::RedisUrl => value.parse::<RedisUrl>().map(drop),
            Self::Switch => expect(value.parse::<bool>().is_ok(), "true or false"),
            Self::Word(words) => expect(words.contains(&value), &words.join(", ")),
        }
    }

    /// Checks a value of the configuration file, which is read in any current folder.
    pub(super) fn check_in_file(self, value: &str) -> Result<(), String> {
        self.check(value)?;
        let is_path = match self {
            Self::Path => true,
            Self::NameOrFolder => value.contains('/'),
            _ => false,
        };
        if is_path && Path::new(value).is_relative() {
            return Err("expected an absolute path".to_owned());
        }
        Ok(())
    }
}
