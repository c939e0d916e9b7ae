//! HTTP: at an address, at a Unix socket, and on the daemon's own socket.

mod access;
mod gateway;
mod limits;
mod openai;
mod ops;
mod own_api;
mod platforms;
mod serving;
mod tei;
