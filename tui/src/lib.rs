//! The program `gte`: the terminal screen, and the commands for scripts.
//!
//! - [`cli`]: the commands, one file per subcommand;
//! - [`app`]: the screen's state and its changes, without terminal or socket;
//! - [`ui`]: the state drawn, one file per panel;
//! - [`interactive`]: the terminal and the daemon connected to the state;
//! - [`strings`]: every word shown, in Chinese and English.
//!
//! Architecture invariant: the daemon is known only through `gte-shared`.

#![forbid(unsafe_code)]

pub mod app;
pub mod cli;
pub mod interactive;
pub mod strings;
pub mod ui;
