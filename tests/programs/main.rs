//! Both programs as a user runs them: real processes, real sockets, a real pseudo-terminal.

#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::expect_used,
    clippy::format_collect,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests"
)]

mod chaos;
mod commands;
mod compatibility;
mod config;
mod disk;
mod disk_cache;
mod environment;
mod formats;
mod http;
mod keyboard;
mod load;
mod logging;
mod models;
mod pulling;
mod screen;
mod second_model;
mod service;
mod shared_cache;
mod starting;
mod stopping;
mod survival;
mod switching;
mod upgrading;
mod wire;
