//! Models pulled from hubs, through the real client, from a hub on loopback.

mod caches;
mod kept;
mod names;
mod pull;
mod refused;
mod resume;
mod sources;
