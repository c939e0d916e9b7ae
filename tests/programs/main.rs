//! Both programs as a user runs them: real processes, real sockets, a real pseudo-terminal.

mod commands;
mod screen;
mod starting;
mod stopping;
mod wire;
