//! Address of a Redis server.

use std::fmt;
use std::str::FromStr;

/// Address of a Redis server: `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(pub String);

impl fmt::Debug for RedisUrl {
    /// Leaves the password out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.0.rsplit('@').next().unwrap_or_default();
        write!(f, "RedisUrl(…{})", place.trim_start_matches("redis://"))
    }
}

impl FromStr for RedisUrl {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        match value.strip_prefix("redis://") {
            Some(place) if !place.is_empty() && !place.contains(char::is_whitespace) => {
                Ok(Self(value.to_owned()))
            }
            _ => Err("expected redis://HOST:PORT, with USER:PASSWORD@ before it and /DATABASE behind it if needed".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let url: RedisUrl = "redis://gte:secret@cache:6379/2".parse().unwrap();
        assert_eq!(format!("{url:?}"), "RedisUrl(…cache:6379/2)");
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
}
