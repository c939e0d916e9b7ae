//! JSON files of a model.

use serde::Deserialize;

use super::error::ModelError;
use super::instead::Instead;

/// Reads a JSON file. A byte order mark before it is not part of it.
///
/// # Errors
///
/// If the file is something else, or lacks a value.
pub(super) fn parse<'a, T: Deserialize<'a>>(file: &str, bytes: &'a [u8]) -> Result<T, ModelError> {
    if let Some(is) = Instead::of(bytes) {
        let file = file.to_owned();
        return Err(ModelError::Instead { file, is });
    }
    let json = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    serde_json::from_slice(json).map_err(|source| ModelError::Json {
        file: file.to_owned(),
        source,
    })
}

/// A number of tokens, which files state as an integer, as a float, or as a huge number for "none"
/// (transformers writes 1000000000000000019884624838656).
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(from = "f64")]
pub(super) struct TokenLimit(Option<usize>);

/// Limits from here on are none.
const NO_LIMIT: f64 = 1e9;

impl From<f64> for TokenLimit {
    fn from(number: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within [0, 1e9)"
        )]
        let limit = (0.0..NO_LIMIT).contains(&number).then_some(number as usize);
        Self(limit)
    }
}

impl TokenLimit {
    /// The limit, if there is one.
    pub(super) fn tokens(self) -> Option<usize> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_not_json() {
        let value: Vec<u8> = parse("a.json", b"\xef\xbb\xbf[1]").unwrap();
        assert_eq!(value, [1]);
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n";
        let error = parse::<Vec<u8>>("a.json", pointer).unwrap_err();
        assert!(error.to_string().starts_with("a.json is a Git LFS pointer"));
        assert!(error.hint().unwrap().contains("git lfs pull"));
    }

    #[test]
    fn huge_limits_are_none() {
        let limit = |json: &str| serde_json::from_str::<TokenLimit>(json).unwrap().tokens();
        assert_eq!(limit("512"), Some(512));
        assert_eq!(limit("512.0"), Some(512));
        assert_eq!(limit("1000000000000000019884624838656"), None);
        assert_eq!(limit("1e30"), None);
        assert_eq!(limit("-1"), None);
    }
}
