//! Sizes in memory and on disk that a user writes.

use std::str::FromStr;

/// Word for no room at all.
const OFF: &str = "off";

/// Suffixes and their factors, the largest first.
const UNITS: [(&str, u64); 2] = [("GiB", 1 << 30), ("MiB", 1 << 20)];

/// Smallest size but none: a database needs room for its log as well, and no model is smaller.
const SMALLEST: u64 = 64 << 20;

/// Largest size: hundreds of millions of vectors.
const LARGEST: u64 = 4 << 40;

/// A size in bytes, or none: `512MiB`, `2GiB`, `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub Option<u64>);

impl FromStr for Size {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        if value == OFF {
            return Ok(Self(None));
        }
        let bytes = UNITS.iter().find_map(|(unit, factor)| {
            let number: u64 = value.strip_suffix(unit)?.trim_end().parse().ok()?;
            number.checked_mul(*factor)
        });
        match bytes {
            None => Err("expected a size such as 512MiB, 2GiB or off".to_owned()),
            Some(bytes) if (SMALLEST..=LARGEST).contains(&bytes) => Ok(Self(Some(bytes))),
            Some(_) => Err("expected at least 64MiB and at most 4096GiB, or off".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let size = |value: &str| value.parse::<Size>().map(|size| size.0);
        for (value, bytes) in [
            ("64MiB", 64 << 20),
            ("2 GiB", 2 << 30),
            ("4096GiB", 4 << 40),
        ] {
            assert_eq!(size(value), Ok(Some(bytes)), "{value}");
        }
        assert_eq!(size("off"), Ok(None));
        for value in [
            "",
            "0",
            "-1",
            "64",
            "100MB",
            "MiB",
            "63MiB",
            "4097GiB",
            "99999999999GiB",
        ] {
            assert!(size(value).is_err(), "{value}");
        }
    }
}
