//! Counters since the start, for monitoring, in the types of Prometheus.

use std::sync::Arc;
use std::time::Duration;

use gte_shared::wire::{ErrorCode, TextInfo};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

/// Bounds of the times of requests, in seconds: a cached pair takes a tenth of a millisecond, and a
/// large request seconds.
const SECONDS: [f64; 14] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// A histogram of times.
pub(super) type Times = Family<RequestKind, Histogram, fn() -> Histogram>;

/// Kind of a request, or its route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestKind {
    pub(super) request: &'static str,
}

/// Outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Outcome {
    pub(super) request: &'static str,
    pub(super) outcome: &'static str,
}

/// Route of an HTTP request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Route {
    pub(super) route: Arc<str>,
}

/// HTTP request and the status of its reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct HttpOutcome {
    pub(super) route: Arc<str>,
    pub(super) method: &'static str,
    pub(super) status: u16,
}

/// Counters of HTTP.
pub(super) struct HttpMetrics {
    pub(super) requests: Family<HttpOutcome, Counter>,
    pub(super) times: Family<Route, Histogram, fn() -> Histogram>,
    pub(super) in_flight: Gauge,
    pub(super) rate_limited: Counter,
    pub(super) connections: Gauge,
    pub(super) connections_limit: Gauge,
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            times: Family::new_with_constructor(times),
            in_flight: Gauge::default(),
            rate_limited: Counter::default(),
            connections: Gauge::default(),
            connections_limit: Gauge::default(),
        }
    }
}

/// Name of a model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfModel {
    pub(super) model: String,
}

/// Counters since the start.
pub(super) struct Metrics {
    pub(super) http: HttpMetrics,
    pub(super) requests: Family<Outcome, Counter>,
    pub(super) times: Times,
    pub(super) texts: Counter,
    pub(super) tokens: Counter,
    pub(super) truncated_texts: Counter,
    pub(super) unknown_tokens: Counter,
    /// Loads of a model that somebody waited for.
    pub(super) cold_starts: Counter,
    /// Time of the last load of each model, in seconds.
    pub(super) load_seconds: Family<OfModel, Gauge<f64, std::sync::atomic::AtomicU64>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            http: HttpMetrics::default(),
            requests: Family::default(),
            times: Family::new_with_constructor(times),
            texts: Counter::default(),
            tokens: Counter::default(),
            truncated_texts: Counter::default(),
            unknown_tokens: Counter::default(),
            cold_starts: Counter::default(),
            load_seconds: Family::default(),
        }
    }
}

/// An empty histogram of times.
fn times() -> Histogram {
    Histogram::new(SECONDS)
}

impl Metrics {
    /// Counts a request, and its time if it was answered.
    pub(super) fn count(&self, request: &'static str, code: Option<ErrorCode>, time: Duration) {
        let outcome = code.map_or("ok", name_of);
        self.requests
            .get_or_create(&Outcome { request, outcome })
            .inc();
        if code.is_none() {
            let times = self.times.get_or_create(&RequestKind { request });
            times.observe(time.as_secs_f64());
        }
    }

    /// Counts the texts of an answered request.
    pub(super) fn count_texts<'a>(&self, texts: impl Iterator<Item = &'a TextInfo>) {
        let (mut count, mut tokens, mut truncated, mut unknown) = (0, 0, 0, 0);
        for text in texts {
            count += 1;
            tokens += u64::from(text.tokens);
            truncated += u64::from(text.is_truncated());
            unknown += u64::from(text.unknown);
        }
        self.texts.inc_by(count);
        self.tokens.inc_by(tokens);
        self.truncated_texts.inc_by(truncated);
        self.unknown_tokens.inc_by(unknown);
    }

    /// Counts a load of a model that somebody waited for.
    pub(super) fn count_load(&self, model: &str, time: Duration) {
        self.cold_starts.inc();
        let model = OfModel {
            model: model.to_owned(),
        };
        self.load_seconds
            .get_or_create(&model)
            .set(time.as_secs_f64());
    }
}

/// Name of an error, as in JSON.
fn name_of(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::ProtocolMismatch => "protocol_mismatch",
        ErrorCode::BadFrame => "bad_frame",
        ErrorCode::TooLarge => "too_large",
        ErrorCode::BadRequest => "bad_request",
        ErrorCode::BlankText => "blank_text",
        ErrorCode::Overloaded => "overloaded",
        ErrorCode::Internal => "internal",
        ErrorCode::Model => "model",
    }
}
