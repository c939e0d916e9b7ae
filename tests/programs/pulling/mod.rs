//! Models pulled from hubs, through the real client, from a hub on loopback.

mod caches;
mod certificates;
mod kept;
mod mirrors;
mod names;
mod proxies;
mod pull;
mod refused;
mod resume;
mod sources;
