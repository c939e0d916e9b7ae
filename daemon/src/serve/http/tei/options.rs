//! Options of a request, which this API has on two levels.

use gte_shared::wire::{TextOptions, Truncation};
use serde::Deserialize;

use super::super::failure::Failure;

/// Options of a request. Other fields are ignored, as that program does.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Options {
    truncate: Option<bool>,
    truncation_direction: Option<Direction>,
    prompt_name: Option<String>,
    normalize: Option<bool>,
    pub(super) dimensions: Option<u32>,
}

/// Side at which a long text is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Direction {
    #[serde(alias = "left")]
    Left,
    #[serde(alias = "right")]
    Right,
}

impl Options {
    /// Options that stand on either level of a request.
    ///
    /// # Errors
    ///
    /// If both levels have the same one with different values.
    pub(super) fn merge(self, other: Self) -> Result<Self, Failure> {
        Ok(Self {
            truncate: one("truncate", self.truncate, other.truncate)?,
            truncation_direction: one(
                "truncation_direction",
                self.truncation_direction,
                other.truncation_direction,
            )?,
            prompt_name: one("prompt_name", self.prompt_name, other.prompt_name)?,
            normalize: one("normalize", self.normalize, other.normalize)?,
            dimensions: one("dimensions", self.dimensions, other.dimensions)?,
        })
    }

    /// The options of this program.
    ///
    /// # Errors
    ///
    /// If the request asks for what this program does not do.
    pub(super) fn of_texts(&self) -> Result<TextOptions, Failure> {
        if self.prompt_name.is_some() {
            return Err(Failure::bad_request(
                "prompt_name is not supported: the models have no prompts",
            ));
        }
        if self.normalize == Some(false) {
            return Err(Failure::bad_request(
                "normalize=false is not supported: vectors are of unit length",
            ));
        }
        let truncation = match (self.truncate, self.truncation_direction) {
            (Some(false), _) => Some(Truncation::Error),
            (_, Some(Direction::Left)) => Some(Truncation::Tail),
            (_, Some(Direction::Right)) | (Some(true), None) => Some(Truncation::Head),
            // As the daemon is set.
            (None, None) => None,
        };
        Ok(TextOptions {
            truncation,
            ..TextOptions::default()
        })
    }
}

/// The value of an option that may stand twice.
fn one<T: PartialEq>(name: &str, one: Option<T>, other: Option<T>) -> Result<Option<T>, Failure> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(Failure::bad_request(format!(
            "{name} stands twice, with different values"
        ))),
        (one, other) => Ok(one.or(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truncation(options: &str) -> Result<Option<Truncation>, Failure> {
        let options: Options = serde_json::from_str(options).unwrap();
        options.of_texts().map(|options| options.truncation)
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        assert_eq!(truncation("{}").unwrap(), None);
        for (options, expected) in [
            (r#"{"truncate":true}"#, Truncation::Head),
            (r#"{"truncate":false}"#, Truncation::Error),
            (r#"{"truncation_direction":"Left"}"#, Truncation::Tail),
            (
                r#"{"truncate":true,"truncation_direction":"right","normalize":true}"#,
                Truncation::Head,
            ),
        ] {
            assert_eq!(truncation(options).unwrap(), Some(expected), "{options}");
        }
        assert!(truncation(r#"{"normalize":false}"#).is_err());
        assert!(truncation(r#"{"prompt_name":"query"}"#).is_err());
    }
}
