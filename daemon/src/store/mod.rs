//! The store: installed models, known models, and the installation of a model.
//!
//! Installed models are under `$XDG_DATA_HOME/gte/models/NAME/`: a Burn pack of the weights, the
//! tokenizer, `config.json` and a manifest. A new model is written to a folder beside its final
//! one, which is renamed at the end, so that an unfinished folder is never taken for a model.
//!
//! A pull goes through these files: `pull_request`, `candidates`, `hub`, `http`, `download`,
//! `install`, `manifest`.

mod builtin_data;
mod calibrations;
mod candidates;
pub(crate) mod catalog;
mod download;
mod environment;
mod error;
mod folders;
mod http;
mod hub;
mod install;
mod installed;
mod locks;
mod manifest;
mod pull;
mod pull_request;
mod remove;
mod selection;
mod space;
mod verify;

pub(crate) use calibrations::StoredCalibration;
pub(crate) use candidates::installed_name;
pub(crate) use download::Progress;
pub(crate) use error::StoreError;
pub(crate) use http::is_address;
pub(crate) use hub::of_cache;
pub(crate) use install::{IfInstalled, Installed};
pub(crate) use installed::Store;
#[cfg(fuzzing)]
pub(crate) use manifest::read_manifest;
pub(crate) use manifest::{Manifest, Origin};
pub(crate) use pull::PullOutcome;
pub(crate) use pull_request::{PullRequest, PullSource};
