//! The terminal screen. (The commands are in the program itself, `src/cli`.)
//!
//! - [`app`]: the screen's state and how it changes, without terminal or socket;
//! - [`ui`]: the state drawn, one file a panel;
//! - [`interactive`]: the terminal and the daemon connected to the state;
//! - [`strings`]: every word shown, in Chinese and English.
//!
//! Architecture invariant: the daemon is known only through `gte-shared`.

pub mod app;
pub mod interactive;
pub mod strings;
pub mod ui;
