//! Models pulled from hubs, through the real client, from a hub on loopback.

mod caches;
mod kept;
mod pull;
mod refused;
mod resume;
mod sources;
