//! State of a service, read when monitoring asks for it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use gte_shared::VERSION;
use gte_shared::wire::{CacheStatus, PROTOCOL};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::engine::SharedCacheStatus;
use crate::serve::resident::resident_bytes;
use crate::serve::selected::Loaded;
use crate::serve::service::Service;

/// The state of a service, read at each scrape.
pub(super) struct Readings(pub(super) Arc<Service>);

impl fmt::Debug for Readings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readings")
    }
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut loaded = self.0.loaded();
        // One that leaves may have the name of one that has come.
        let mut names = HashSet::new();
        loaded.retain(|of| names.insert(of.model.id.clone()));
        self.encode_gauges(&mut encoder)?;
        encode_cache(&mut encoder, &loaded)?;
        if let Some(cache) = self.0.models().shared_cache() {
            encode_shared_cache(&mut encoder, cache.status())?;
        }
        encode_batches(&mut encoder, &loaded)?;
        encode_versions(&mut encoder, &loaded)
    }
}

impl Readings {
    fn encode_gauges(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let service = &self.0;
        let (used, limit) = service.admission().use_of_requests();
        let is_loaded = service.selected().get().is_some();
        let resident = resident_bytes().unwrap_or_default();
        let gauges = [
            (
                "queue_texts",
                "Texts that wait or are computed",
                service.pending_texts() as u64,
            ),
            (
                "request_memory_bytes",
                "Memory of requests at work",
                used as u64,
            ),
            (
                "request_memory_limit_bytes",
                "Most memory of requests at work",
                limit as u64,
            ),
            (
                "model_loaded",
                "1 while the selected model is loaded",
                u64::from(is_loaded),
            ),
            (
                "resident_memory_bytes",
                "Resident memory of the process",
                resident,
            ),
            (
                "start_time_seconds",
                "Time of the start, in seconds since 1970",
                service.start_time(),
            ),
        ];
        for (name, help, value) in gauges {
            gauge(encoder, name, help, value)?;
        }
        let refused = service.admission().refused();
        let help = "Requests that were refused since others took all memory";
        counter(encoder, "overloaded_requests", help, refused)
    }
}

/// Cache of vectors of each model.
fn encode_cache(encoder: &mut DescriptorEncoder<'_>, loaded: &[Arc<Loaded>]) -> fmt::Result {
    let hits = encoder.encode_descriptor(
        "cache_hits",
        "Texts whose vector was cached",
        None,
        MetricType::Counter,
    )?;
    encode_each(hits, loaded, |cache| cache.hits)?;
    let misses = encoder.encode_descriptor(
        "cache_misses",
        "Texts whose vector was not cached",
        None,
        MetricType::Counter,
    )?;
    encode_each(misses, loaded, |cache| cache.misses)?;
    let texts = loaded.iter().map(|of| of.engine.cache_status().texts).sum();
    gauge(encoder, "cache_texts", "Cached vectors", texts)
}

/// The cache that several machines share.
fn encode_shared_cache(
    encoder: &mut DescriptorEncoder<'_>,
    status: SharedCacheStatus,
) -> fmt::Result {
    let SharedCacheStatus {
        hits,
        misses,
        faults,
    } = status;
    let help = "Texts whose vector the shared cache had";
    counter(encoder, "shared_cache_hits", help, hits)?;
    let help = "Texts whose vector the shared cache did not have";
    counter(encoder, "shared_cache_misses", help, misses)?;
    let help = "Times that the shared cache failed and was bypassed";
    counter(encoder, "shared_cache_faults", help, faults)
}

fn encode_each(
    mut counters: MetricEncoder<'_>,
    loaded: &[Arc<Loaded>],
    value: impl Fn(&CacheStatus) -> u64,
) -> fmt::Result {
    for loaded in loaded {
        let value = value(&loaded.engine.cache_status());
        let model = [("model", loaded.model.id.as_str())];
        ConstCounter::new(value).encode(counters.encode_family(&model)?)?;
    }
    Ok(())
}

fn encode_batches(encoder: &mut DescriptorEncoder<'_>, loaded: &[Arc<Loaded>]) -> fmt::Result {
    let help = "Texts per computed batch";
    let mut batches =
        encoder.encode_descriptor("batch_texts", help, None, MetricType::Histogram)?;
    for loaded in loaded {
        let model = [("model", loaded.model.id.as_str())];
        loaded
            .engine
            .batch_texts()
            .encode(batches.encode_family(&model)?)?;
    }
    Ok(())
}

fn encode_versions(encoder: &mut DescriptorEncoder<'_>, loaded: &[Arc<Loaded>]) -> fmt::Result {
    let help = "Version of the daemon";
    let mut build = encoder.encode_descriptor("build_info", help, None, MetricType::Gauge)?;
    let protocol = PROTOCOL.to_string();
    let labels = [("version", VERSION), ("protocol", protocol.as_str())];
    ConstGauge::new(1_i64).encode(build.encode_family(&labels)?)?;
    let help = "Models that are loaded";
    let mut models = encoder.encode_descriptor("model_info", help, None, MetricType::Gauge)?;
    for loaded in loaded {
        let dimension = loaded.model.dimension.to_string();
        let labels = [
            ("model", loaded.model.id.as_str()),
            ("precision", loaded.model.precision.name()),
            ("dimension", dimension.as_str()),
        ];
        ConstGauge::new(1_i64).encode(models.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let encoder = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    // Far below 2^63.
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(encoder)
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let encoder = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(value).encode(encoder)
}
