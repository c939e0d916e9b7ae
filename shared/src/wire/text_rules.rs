//! Rules by which a text becomes tokens: the steps before, and what happens to a long text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::score::ScoreKind;

/// Steps that change a text before it is tokenized, in the order in which they are applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<TextStep>", into = "Vec<TextStep>")]
pub struct TextSteps {
    /// Compatibility forms become plain ones, such as full-width letters (NFKC, UAX #15).
    pub nfkc: bool,
    /// Curly quotes, dashes and ellipses become those of ASCII.
    pub punctuation: bool,
    /// Capital letters become small ones, and accents are dropped, as BERT does it.
    pub lowercase: bool,
}

/// One step. The order of the variants is part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextStep {
    /// See [`TextSteps::nfkc`].
    Nfkc,
    /// See [`TextSteps::punctuation`].
    Punctuation,
    /// See [`TextSteps::lowercase`].
    Lowercase,
}

impl TextStep {
    /// All steps, in the order in which they are applied.
    pub const ALL: [Self; 3] = [Self::Nfkc, Self::Punctuation, Self::Lowercase];

    /// Name in options and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nfkc => "nfkc",
            Self::Punctuation => "punctuation",
            Self::Lowercase => "lowercase",
        }
    }
}

/// Word for no steps.
const NONE: &str = "none";

impl TextSteps {
    /// No steps: the tokens are those of the published model.
    pub const NONE: Self = Self {
        nfkc: false,
        punctuation: false,
        lowercase: false,
    };

    /// Returns true if the step is one of these.
    #[must_use]
    pub fn has(self, step: TextStep) -> bool {
        match step {
            TextStep::Nfkc => self.nfkc,
            TextStep::Punctuation => self.punctuation,
            TextStep::Lowercase => self.lowercase,
        }
    }

    /// These steps and `step`.
    #[must_use]
    pub fn with(mut self, step: TextStep) -> Self {
        match step {
            TextStep::Nfkc => self.nfkc = true,
            TextStep::Punctuation => self.punctuation = true,
            TextStep::Lowercase => self.lowercase = true,
        }
        self
    }

    /// The steps, in the order in which they are applied.
    pub fn iter(self) -> impl Iterator<Item = TextStep> {
        TextStep::ALL
            .into_iter()
            .filter(move |step| self.has(*step))
    }
}

impl From<Vec<TextStep>> for TextSteps {
    fn from(steps: Vec<TextStep>) -> Self {
        steps.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<TextSteps> for Vec<TextStep> {
    fn from(steps: TextSteps) -> Self {
        steps.iter().collect()
    }
}

impl FromStr for TextSteps {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        if value == NONE {
            return Ok(Self::NONE);
        }
        value.split(',').try_fold(Self::NONE, |steps, name| {
            let step = TextStep::ALL.into_iter().find(|step| step.name() == name);
            let step =
                step.ok_or("expected none, or nfkc, punctuation and lowercase with commas")?;
            Ok(steps.with(step))
        })
    }
}

impl fmt::Display for TextSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(TextStep::name).collect();
        f.write_str(if names.is_empty() { NONE } else { "" })?;
        f.write_str(&names.join(","))
    }
}

/// Treatment of a text of more tokens than the model reads. The order of the variants is part of
/// the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truncation {
    /// Its beginning is read.
    #[default]
    Head,
    /// Its end is read.
    Tail,
    /// It is refused.
    Error,
    /// All of it is read, in windows that overlap; their vectors are pooled.
    Chunk,
}

impl Truncation {
    /// Names in options and in JSON.
    pub const NAMES: [&'static str; 4] = ["head", "tail", "error", "chunk"];

    /// Name in options and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Tail => "tail",
            Self::Error => "error",
            Self::Chunk => "chunk",
        }
    }
}

impl FromStr for Truncation {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        let all = [Self::Head, Self::Tail, Self::Error, Self::Chunk];
        let named = all.into_iter().find(|of| of.name() == value);
        named.ok_or_else(|| format!("expected {}", Self::NAMES.join(", ")))
    }
}

/// Rules by which a text becomes tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TextRules {
    /// Steps before.
    pub text_steps: TextSteps,
    /// Treatment of a long text.
    pub truncation: Truncation,
}

/// Options of a request for texts. What a request leaves out is as the daemon is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextOptions {
    /// Steps before.
    pub text_steps: Option<TextSteps>,
    /// Treatment of a long text.
    pub truncation: Option<Truncation>,
    /// Score.
    pub score: ScoreKind,
    /// Name of the model, an installed or the built-in one; `None` for the one that answers.
    pub model: Option<String>,
}

impl TextOptions {
    /// The rules of a request, where `by_default` are those of the daemon.
    #[must_use]
    pub fn rules(&self, by_default: TextRules) -> TextRules {
        TextRules {
            text_steps: self.text_steps.unwrap_or(by_default.text_steps),
            truncation: self.truncation.unwrap_or(by_default.truncation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_as_they_are_printed() {
        for value in ["none", "nfkc", "lowercase", "nfkc,punctuation,lowercase"] {
            let steps: TextSteps = value.parse().unwrap();
            assert_eq!(steps.to_string(), value);
        }
        let steps: TextSteps = "lowercase,nfkc".parse().unwrap();
        assert_eq!(steps.to_string(), "nfkc,lowercase");
        for wrong in ["", "lower", "nfkc,", "none,nfkc", "NFKC"] {
            assert!(wrong.parse::<TextSteps>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_truncation_is_read_as_it_is_printed() {
        for name in Truncation::NAMES {
            assert_eq!(name.parse::<Truncation>().unwrap().name(), name);
        }
        assert!("middle".parse::<Truncation>().is_err());
    }
}
