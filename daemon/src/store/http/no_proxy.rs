//! Hosts that are asked without a proxy, by the rules of curl (`lib/noproxy.c`).

use std::net::IpAddr;

/// Returns true if `list`, the value of `no_proxy`, has this host: a name, or an address without
/// brackets.
pub(super) fn matches(list: &str, host: &str) -> bool {
    if list == "*" {
        return true;
    }
    let mut entries = list
        .split([',', ' ', '\t'])
        .filter(|entry| !entry.is_empty());
    match host.parse::<IpAddr>() {
        Ok(address) => entries.any(|entry| has_address(entry, address)),
        Err(_) => entries.any(|entry| has_name(entry, host)),
    }
}

/// Compares names: the same, or one that ends in `.entry`. Dots at the ends do not count.
fn has_name(entry: &str, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let entry = entry.strip_suffix('.').unwrap_or(entry);
    let entry = entry
        .strip_prefix('.')
        .unwrap_or(entry)
        .to_ascii_lowercase();
    match host.strip_suffix(&entry) {
        Some(before) => !entry.is_empty() && (before.is_empty() || before.ends_with('.')),
        None => false,
    }
}

/// Compares addresses, or the first bits of them: `10.0.0.0/8`. A name is never resolved for this.
fn has_address(entry: &str, address: IpAddr) -> bool {
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => (network, Some(bits)),
        None => (entry, None),
    };
    let Ok(network) = network.parse::<IpAddr>() else {
        return false;
    };
    let number = |address| match address {
        IpAddr::V4(address) => (32, u128::from(address.to_bits()) << 96),
        IpAddr::V6(address) => (128, address.to_bits()),
    };
    let ((length, one), (other_length, other)) = (number(network), number(address));
    let bits = match bits.map(str::parse::<u32>) {
        // curl takes no bits for all of them.
        None | Some(Ok(0)) => length,
        Some(Ok(bits)) if bits <= length => bits,
        Some(_) => return false,
    };
    length == other_length && (one ^ other).leading_zeros() >= bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_match_as_in_curl() {
        for (list, host) in [
            ("*", "hub.example"),
            ("hub.example", "hub.example"),
            ("example", "hub.example"),
            (".example", "hub.example"),
            ("example.", "hub.example."),
            ("EXAMPLE", "hub.Example"),
            ("x, hub.example ,y", "hub.example"),
            ("x hub.example", "hub.example"),
            ("127.0.0.1", "127.0.0.1"),
            (" 127.0.0.1", "127.0.0.1"),
            ("127.0.0.0/8", "127.1.2.3"),
            ("192.168.0.0/16", "192.168.200.1"),
            ("127.0.0.1/32", "127.0.0.1"),
            ("127.0.0.1/0", "127.0.0.1"),
            ("::1", "::1"),
            ("fd00::/8", "fd12::1"),
            (".localhost", "localhost"),
        ] {
            assert!(matches(list, host), "{list}: {host}");
        }
        for (list, host) in [
            ("", "hub.example"),
            ("*,x", "hub.example"),
            ("*.example", "hub.example"),
            ("hub*", "hub.example"),
            ("ub.example", "hub.example"),
            ("hub.example:443", "hub.example"),
            ("www.hub.example", "hub.example"),
            (".", "hub.example"),
            ("127.*", "127.0.0.1"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[127.0.0.1]", "127.0.0.1"),
            ("127.0.0.0/33", "127.0.0.1"),
            ("127.0.0.0/x", "127.0.0.1"),
            ("127.0.0.1/0", "127.0.0.2"),
            ("0.0.0.1", "::1"),
            ("10.0.0.0/8", "hub.corp"),
            ("[::1]", "::1"),
        ] {
            assert!(!matches(list, host), "{list}: {host}");
        }
    }
}
