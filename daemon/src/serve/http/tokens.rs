//! Tokens of the clients that may call.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::caller_name::CallerName;
use super::error::{HttpError, MIN_TOKEN_CHARS};

/// Tokens and their names. Only hashes of the tokens are kept.
#[derive(Debug)]
pub(super) struct Tokens(Vec<(CallerName, [u8; 32])>);

impl Tokens {
    /// Reads a file of tokens: a line for each, with its name, a space and the token. Empty lines
    /// and those that begin with `#` are left out.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, has another kind of line, or none.
    pub(super) fn read(path: &Path) -> Result<Self, HttpError> {
        let text = std::fs::read_to_string(path).map_err(|source| HttpError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, HttpError> {
        let mut tokens: Vec<(CallerName, [u8; 32])> = Vec::new();
        for (line, content) in (1..).zip(text.lines().map(str::trim)) {
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let words: Vec<&str> = content.split_whitespace().collect();
            let [name, token] = words.as_slice() else {
                return Err(HttpError::Token {
                    path: path.to_owned(),
                    line,
                });
            };
            if token.chars().count() < MIN_TOKEN_CHARS {
                return Err(HttpError::Token {
                    path: path.to_owned(),
                    line,
                });
            }
            if tokens.iter().any(|(of, _)| of.as_str() == *name) {
                return Err(HttpError::TokenName {
                    path: path.to_owned(),
                    name: (*name).to_owned(),
                });
            }
            tokens.push((CallerName(Arc::from(*name)), digest(token)));
        }
        if tokens.is_empty() {
            return Err(HttpError::NoTokens(path.to_owned()));
        }
        Ok(Self(tokens))
    }

    /// Name of a token, if it is one of these. The time that it takes does not depend on the token:
    /// hashes are compared, all of them and each as a whole.
    pub(super) fn name_of(&self, token: &str) -> Option<&CallerName> {
        let sent = digest(token);
        let (mut found, mut index) = (Choice::from(0), 0_u64);
        for (at, (_, hash)) in (0..).zip(&self.0) {
            let same = hash.ct_eq(&sent);
            index.conditional_assign(&at, same);
            found |= same;
        }
        let index = usize::try_from(index).ok().filter(|_| bool::from(found));
        index
            .and_then(|index| self.0.get(index))
            .map(|(name, _)| name)
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef01234567";

    fn parse(text: &str) -> Result<Tokens, HttpError> {
        Tokens::parse(Path::new("tokens"), text)
    }

    #[test]
    fn each_token_has_its_name() {
        let text = format!("# clients\nshop {ONE}\n\n  desk   other-{ONE}\n");
        let tokens = parse(&text).unwrap();
        let name = |token: &str| tokens.name_of(token).map(CallerName::as_str);
        assert_eq!(name(ONE), Some("shop"));
        assert_eq!(name(&format!("other-{ONE}")), Some("desk"));
        for wrong in [
            "",
            "shop",
            &ONE[1..],
            &format!("{ONE}0"),
            &ONE.to_uppercase(),
        ] {
            assert_eq!(name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_faulty_file_is_refused_without_quoting_a_token() {
        for text in [
            "",
            "# nothing",
            ONE,
            &format!("shop {}", &ONE[1..]),
            &format!("shop {ONE} more"),
            &format!("shop {ONE}\nshop other-{ONE}"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(!error.contains(&ONE[1..]), "{error}");
        }
    }
}
