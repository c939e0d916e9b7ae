//! Operations on every instruction set that this CPU supports, compared with f64.

#![allow(clippy::unwrap_used, reason = "tests")]

mod attention;
mod layer_norm;
mod linear;
mod noise;
