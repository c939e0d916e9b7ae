//! Durations that a user writes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Word for a time that never comes.
const NEVER: &str = "never";

/// Shortest time but none: less would have the daemon start and end without a pause.
const SHORTEST: Duration = Duration::from_secs(1);

/// Longest time but for ever.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// A time after which something happens, or never: `90s`, `10m`, `1h 30m`, `never`; a number alone
/// is seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Option<Duration>);

impl FromStr for Time {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        if value == NEVER {
            return Ok(Self(None));
        }
        let time = match value.parse() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => humantime::parse_duration(value)
                .map_err(|_| "expected a time such as 90s, 10m, 1h or never".to_owned())?,
        };
        if (SHORTEST..=LONGEST).contains(&time) {
            Ok(Self(Some(time)))
        } else {
            Err("expected at least 1s and at most a year, or never".to_owned())
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => write!(f, "{NEVER}"),
            Some(time) => write!(f, "{}", humantime::format_duration(time)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let time = |value: &str| value.parse::<Time>().map(|time| time.0);
        for (value, seconds) in [("90s", 90), ("10m", 600), ("1h 30m", 5400), ("30", 30)] {
            assert_eq!(
                time(value),
                Ok(Some(Duration::from_secs(seconds))),
                "{value}"
            );
        }
        assert_eq!(time("never"), Ok(None));
        for value in ["", "0", "0s", "999ms", "-1", "10 minuets", "2years", "1e9"] {
            assert!(time(value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_printed_time_is_read_again() {
        for value in ["never", "1s", "10m", "1h 30m"] {
            assert_eq!(value.parse::<Time>().unwrap().to_string(), value);
        }
    }
}
