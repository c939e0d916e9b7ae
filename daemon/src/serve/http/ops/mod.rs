//! The routes of whoever runs the service.

mod health;
mod metrics;
mod openapi;
mod page;
mod readings;

pub(super) use health::health;
pub(super) use metrics::metrics;
pub(super) use openapi::openapi;
pub(super) use page::page;
