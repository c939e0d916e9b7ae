//! `gted pull`: the subcommand, and its progress for users and for programs.

mod bars;
mod events;
mod subcommand;

pub(super) use subcommand::Pull;
