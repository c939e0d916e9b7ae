//! The models on this machine: installed ones, known ones, and the way to install one.
//!
//! Installed models live under `$XDG_DATA_HOME/gte/models/NAME/`: a Burn pack of the weights, the
//! tokenizer, `config.json` and a manifest. A new model is made in a folder beside its final one
//! and renamed at the end, so that an unfinished folder is never taken for a model.
//!
//! A pull goes through these files: `pull_request`, `candidates`, `hub`, `http`, `download`,
//! `install`, `manifest`.

mod builtin_data;
mod candidates;
pub mod catalogue;
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
mod space;
mod verify;

pub use download::Progress;
pub use error::StoreError;
pub use http::HttpError;
pub use install::IfInstalled;
pub use installed::Store;
pub use manifest::{Manifest, Origin};
pub use pull::PullOutcome;
pub use pull_request::{PullRequest, PullSource};
pub use verify::{Report, Verified};
