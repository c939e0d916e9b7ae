//! Screens: state of each, and its changes.

pub(super) mod explanation;
pub(super) mod help;
pub(super) mod models;
pub(super) mod pair;
pub(super) mod pull;
