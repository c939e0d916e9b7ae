//! The daemon as a service of a user, under the real service manager.

mod activation;
mod faults;
mod hardening;
mod http;
mod install;
mod settings;
mod system;
mod user;
