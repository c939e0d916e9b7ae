//! Instruction sets: one file per architecture, one type per instruction set, found at run time.
//!
//! Rust compiles a program for the oldest CPU of its architecture. A [`Kernel`] is compiled once
//! for each type that implements [`Int8Isa`], and [`Cpu::dispatch`] calls the one for this CPU.

mod cpu;
mod kernel;
#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    path = "other.rs"
)]
mod native;
mod portable;

pub use cpu::{Cpu, vector_lanes};
pub(crate) use kernel::{F32, Int8Isa, Kernel};
