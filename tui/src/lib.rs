//! The program `gte`: the terminal screen, and the commands for scripts.
//!
//! - [`cli`]: the commands, one file per subcommand;
//! - [`app`]: the screen's state and its changes, without terminal or socket;
//! - [`ui`]: drawing of the state, one file per panel;
//! - `interactive`: the connection of the state to the terminal and the daemon;
//! - [`strings`]: every text of the screen, in Chinese and English.
//!
//! Architecture invariant: the daemon is known only through `gte-shared`.

#![forbid(unsafe_code)]

pub mod app;
pub mod cli;
mod interactive;
pub mod strings;
pub mod ui;
