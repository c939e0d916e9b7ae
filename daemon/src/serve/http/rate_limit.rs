//! Rate limit of each caller.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZero;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::caller_name::CallerName;

/// Requests after which callers are forgotten that have been quiet: the memory of a caller is some
/// 50 bytes, and one machine may have many addresses.
const FORGET_EVERY: u32 = 10_000;

/// Caller that a request counts for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    /// A token.
    Named(CallerName),
    /// An address. Of version 6, its network: one customer has all of it (RFC 6177).
    At(IpAddr),
    /// Programs behind a Unix socket.
    Local,
}

impl Caller {
    pub(super) fn at(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::Local,
            Some(IpAddr::V6(address)) => {
                let network = address.to_bits() >> 64 << 64;
                Self::At(Ipv6Addr::from_bits(network).into())
            }
            Some(address) => Self::At(address),
        }
    }
}

/// Rate limit: a number of requests per second, as many of which may come at once (GCRA).
pub(super) struct RateLimit {
    limiter: RateLimiter<Caller, HashMapStateStore<Caller>, DefaultClock>,
    clock: DefaultClock,
    counted: AtomicU32,
}

impl RateLimit {
    pub(super) fn new(per_second: NonZero<u32>) -> Self {
        Self {
            limiter: RateLimiter::hashmap(Quota::per_second(per_second)),
            clock: DefaultClock::default(),
            counted: AtomicU32::new(0),
        }
    }

    /// Counts a request; over the limit, the time after which it may be tried again.
    pub(super) fn count(&self, caller: &Caller) -> Result<(), Duration> {
        if self.counted.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        let counted = self.limiter.check_key(caller);
        counted.map_err(|early| early.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_rate_of_its_own() {
        let limit = RateLimit::new(NonZero::new(3).unwrap());
        let address = |text: &str| Caller::at(Some(text.parse().unwrap()));
        let one = address("192.0.2.1");
        for _ in 0..3 {
            limit.count(&one).unwrap();
        }
        let wait = limit.count(&one).unwrap_err();
        assert!(wait <= Duration::from_secs(1));
        assert!(limit.count(&address("192.0.2.2")).is_ok());
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:192.0.2.1"), one);
    }
}
