//! Both protocols over the real socket, with correct and with wrong clients.

mod binary;
pub(crate) mod frames;
mod garbage;
mod json_lines;
mod same_vectors;
