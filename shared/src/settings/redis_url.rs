//! Address of a Redis server.

use std::str::FromStr;

/// Address of a Redis server: `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(pub String);

const EXPECTED: &str = "expected redis://HOST:PORT, with USER:PASSWORD@ before HOST and /DATABASE at \
                        the end if needed (TLS and clusters are not spoken to)";

impl FromStr for RedisUrl {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        match value.strip_prefix("redis://") {
            Some(place) if !place.is_empty() && !place.contains(char::is_whitespace) => {
                Ok(Self(value.to_owned()))
            }
            _ => Err(EXPECTED.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::{HTTP, SHARED_CACHE};
    use super::*;

    #[test]
    fn other_schemes_are_refused() {
        assert!(
            "redis://gte:secret@cache:6379/2"
                .parse::<RedisUrl>()
                .is_ok()
        );
        for wrong in [
            "",
            "redis://",
            "rediss://cache",
            "cache:6379",
            "redis://a b",
        ] {
            assert!(wrong.parse::<RedisUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown = SHARED_CACHE.shown("redis://gte:sec@ret@cache:6379/2");
        assert_eq!(shown, "redis://…@cache:6379/2");
        assert_eq!(SHARED_CACHE.shown("redis://cache"), "redis://cache");
        assert_eq!(HTTP.shown("unix:/run/a@b"), "unix:/run/a@b");
    }
}
