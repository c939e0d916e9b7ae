//! Settings that are lists with commas.

use std::str::FromStr;

use ipnet::IpNet;

/// Names, such as those of hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

/// Origins of web pages, such as `https://example.com` (RFC 6454).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(pub Vec<String>);

/// Addresses and networks, such as `10.0.0.0/8`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(pub Vec<IpNet>);

/// Reads a list, of which each entry must be one that `read` takes.
fn read_list<T>(
    value: &str,
    expected: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, String> {
    let entries = value.split(',').map(|entry| read(entry.trim()));
    let entries: Option<Vec<T>> = entries.collect();
    entries.ok_or_else(|| format!("expected {expected}"))
}

impl FromStr for Names {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        let name = |entry: &str| (!entry.is_empty()).then(|| entry.to_owned());
        read_list(value, "names with commas", name).map(Self)
    }
}

impl FromStr for Origins {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        let origin = |entry: &str| {
            let (scheme, host) = entry.split_once("://")?;
            let whole = ["http", "https"].contains(&scheme)
                && !host.is_empty()
                && !host.contains(['/', '?', '#', '*', '@', ' ']);
            whole.then(|| entry.to_ascii_lowercase())
        };
        let expected = "origins with commas, such as https://example.com";
        read_list(value, expected, origin).map(Self)
    }
}

impl FromStr for Networks {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        let network = |entry: &str| {
            let address = || Some(IpNet::from(entry.parse::<std::net::IpAddr>().ok()?));
            entry.parse().ok().or_else(address)
        };
        let expected = "addresses or networks with commas, such as 10.0.0.0/8";
        read_list(value, expected, network).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_and_checked() {
        let Names(names) = "one, two".parse().unwrap();
        assert_eq!(names, ["one", "two"]);
        assert!("one,,two".parse::<Names>().is_err());
        let Origins(origins) = "https://Example.com,http://localhost:3000".parse().unwrap();
        assert_eq!(origins, ["https://example.com", "http://localhost:3000"]);
        for wrong in ["*", "example.com", "https://example.com/", "null", ""] {
            assert!(wrong.parse::<Origins>().is_err(), "{wrong}");
        }
        let Networks(networks) = "10.0.0.0/8,::1".parse().unwrap();
        assert!(networks[0].contains(&"10.1.2.3".parse::<std::net::IpAddr>().unwrap()));
        assert!(networks[1].contains(&"::1".parse::<std::net::IpAddr>().unwrap()));
        assert!("10.0.0.0/33".parse::<Networks>().is_err());
    }
}
