//! Latency and rate of the most recent requests for texts.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gte_shared::wire::Latency;

/// Number of requests whose latency is kept: enough for a p99 of ten requests, and 8 KiB.
const REQUESTS: usize = 1024;

/// Seconds over which the rate is taken.
const SECONDS: u64 = 10;

/// The most recent requests for texts.
#[derive(Debug)]
pub(super) struct Recent {
    start: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Latencies in microseconds, the latest last.
    latencies: VecDeque<u64>,
    /// Seconds since the start, and the texts of each, the latest last.
    texts: VecDeque<(u64, u64)>,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            state: Mutex::default(),
        }
    }

    /// Records an answered request.
    pub(super) fn record(&self, latency: Duration, texts: usize) {
        self.record_at(self.start.elapsed(), latency, texts as u64);
    }

    fn record_at(&self, now: Duration, latency: Duration, texts: u64) {
        let mut state = self.state();
        if state.latencies.len() == REQUESTS {
            state.latencies.pop_front();
        }
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        state.latencies.push_back(micros);
        let second = now.as_secs();
        match state.texts.back_mut() {
            Some((last, count)) if *last == second => *count += texts,
            _ => state.texts.push_back((second, texts)),
        }
        while state.texts.len() as u64 > SECONDS + 1 {
            state.texts.pop_front();
        }
    }

    /// Quantiles of the latencies.
    pub(super) fn latency(&self) -> Latency {
        let mut sorted: Vec<u64> = self.state().latencies.iter().copied().collect();
        sorted.sort_unstable();
        // The smallest value that as many percent are at most: the nearest rank.
        let quantile = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Latency {
            requests: u32::try_from(sorted.len()).unwrap_or(u32::MAX),
            p50_micros: quantile(50),
            p90_micros: quantile(90),
            p99_micros: quantile(99),
            max_micros: quantile(100),
        }
    }

    /// Texts per second, over the last seconds and the current one.
    pub(super) fn texts_per_second(&self) -> f64 {
        self.rate_at(self.start.elapsed())
    }

    fn rate_at(&self, now: Duration) -> f64 {
        let oldest = now.as_secs().saturating_sub(SECONDS);
        let state = self.state();
        let recent = state.texts.iter().filter(|(second, _)| *second >= oldest);
        let texts: u64 = recent.map(|(_, texts)| texts).sum();
        let seconds = now.as_secs_f64() - Duration::from_secs(oldest).as_secs_f64();
        // Numbers of texts are far below 2^52.
        #[expect(clippy::cast_precision_loss, reason = "small values")]
        let rate = texts as f64 / seconds.max(1.0);
        (rate * 10.0).round() / 10.0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Numbers, valid whatever happens elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_latest_requests() {
        let recent = Recent::new();
        assert_eq!(recent.latency(), Latency::default());
        for micros in 0..5000 {
            recent.record(Duration::from_micros(micros), 1);
        }
        let latency = recent.latency();
        assert_eq!(latency.requests, 1024);
        assert_eq!(latency.p50_micros, 3976 + 511);
        assert_eq!(latency.p90_micros, 3976 + 921);
        assert_eq!(latency.p99_micros, 3976 + 1013);
        assert_eq!(latency.max_micros, 4999);
    }

    #[test]
    fn the_rate_is_that_of_the_last_ten_seconds() {
        let recent = Recent::new();
        let at = |seconds| Duration::from_millis(seconds * 1000);
        let expect = |seconds: u64, rate: f64| {
            let found = recent.rate_at(at(seconds));
            assert!((found - rate).abs() < 0.01, "{seconds}: {found}");
        };
        expect(0, 0.0);
        for second in 0..30 {
            recent.record_at(at(second), Duration::ZERO, 100);
        }
        expect(30, 100.0);
        expect(35, 50.0);
        expect(41, 0.0);
    }
}
