//! HTTP requests to hubs, and to the servers that hubs redirect to: proxies as curl reads them from
//! the environment, and the certificates of this machine.

mod address;
mod client;
mod error;
mod failure;
mod forward;
mod no_proxy;
mod proxy;
mod roots;

pub(crate) use address::is_address;
pub(super) use address::{endpoint, shown};
pub(super) use client::{Http, Redirects, Response};
pub(crate) use error::HttpError;
pub(super) use failure::broken;
pub(super) use roots::certificate_notes;
