//! Sizes that a user writes.

use std::fmt;
use std::str::FromStr;

/// Word for no bytes at all.
const OFF: &str = "off";

/// Suffixes and their factors, the largest first.
const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// A number of bytes, or none: `512MiB`, `2GiB`, `off`; a number alone is bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub Option<u64>);

impl FromStr for Size {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        if value == OFF {
            return Ok(Self(None));
        }
        let (number, factor) = UNITS
            .iter()
            .find_map(|(unit, factor)| Some((value.strip_suffix(unit)?, *factor)))
            .unwrap_or((value, 1));
        let number: Option<u64> = number.trim_end().parse().ok();
        match number.and_then(|number| number.checked_mul(factor)) {
            Some(bytes) if bytes > 0 => Ok(Self(Some(bytes))),
            _ => Err("expected a size such as 512MiB or 2GiB, or off".to_owned()),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(bytes) = self.0 else {
            return write!(f, "{OFF}");
        };
        let unit = UNITS.iter().find(|(_, factor)| bytes % factor == 0);
        match unit {
            Some((unit, factor)) => write!(f, "{}{unit}", bytes / factor),
            None => write!(f, "{bytes}"),
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
            ("1", 1),
            ("4KiB", 4096),
            ("512MiB", 512 << 20),
            ("2 GiB", 2 << 30),
        ] {
            assert_eq!(size(value), Ok(Some(bytes)), "{value}");
        }
        assert_eq!(size("off"), Ok(None));
        for value in ["", "0", "-1", "1MB", "MiB", "99999999999GiB"] {
            assert!(size(value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_printed_size_is_read_again() {
        for value in ["off", "1", "4KiB", "512MiB", "2GiB"] {
            assert_eq!(value.parse::<Size>().unwrap().to_string(), value);
        }
    }
}
