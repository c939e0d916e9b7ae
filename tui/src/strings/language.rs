//! Languages of the screen.

use std::str::FromStr;

use clap::ValueEnum;
use gte_shared::client::{ClientError, Notice};
use gte_shared::environment::variable;
use gte_shared::report::with_hint;
use gte_shared::score::Verdict;

use super::words::Strings;
use super::{en, zh, zh_errors};

/// Language of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// 中文
    Zh,
    /// English
    En,
}

impl FromStr for Language {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(value, false)
    }
}

impl Language {
    /// Language of the environment: `LC_ALL`, else `LC_MESSAGES`, else `LANG`.
    ///
    /// Chinese if these name no language (unset, `C`, `POSIX`), since the texts to compare are
    /// Chinese; English for every other language.
    #[must_use]
    pub fn of_environment() -> Self {
        let locale = variable("LC_ALL")
            .or_else(|| variable("LC_MESSAGES"))
            .or_else(|| variable("LANG"));
        Self::of_locale(locale.as_deref().unwrap_or_default())
    }

    fn of_locale(locale: &str) -> Self {
        let language = locale.split(['_', '.', '@']).next().unwrap_or_default();
        match language {
            "zh" | "" | "C" | "POSIX" => Self::Zh,
            _ => Self::En,
        }
    }

    /// Texts of the language.
    #[must_use]
    pub fn strings(self) -> &'static Strings {
        match self {
            Self::Zh => &zh::ZH,
            Self::En => &en::EN,
        }
    }

    /// One line for an error of the client, with its hint in parentheses.
    #[must_use]
    pub fn client_error(self, error: &ClientError) -> String {
        match self {
            Self::Zh => zh_errors::client_error(error),
            Self::En => with_hint(error, error.hint().as_deref()),
        }
    }

    /// One line for a notice of the client.
    #[must_use]
    pub fn notice(self, notice: &Notice) -> String {
        match self {
            Self::Zh => zh_errors::notice(notice),
            Self::En => notice.to_string(),
        }
    }

    /// Text of a verdict.
    #[must_use]
    pub fn verdict(self, verdict: Verdict) -> &'static str {
        match self {
            Self::Zh => zh::verdict(verdict),
            Self::En => en::verdict(verdict),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_choose_the_language() {
        for locale in ["", "C", "C.UTF-8", "POSIX", "zh_CN.UTF-8", "zh_TW", "zh"] {
            assert_eq!(Language::of_locale(locale), Language::Zh, "{locale}");
        }
        for locale in ["en_US.UTF-8", "en", "de_DE@euro"] {
            assert_eq!(Language::of_locale(locale), Language::En, "{locale}");
        }
    }
}
