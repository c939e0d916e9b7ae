//! The operations that a BERT encoder spends its time in, on slices of f32 values.
//!
//! Slices in, slices out: this crate knows no tensors, files or sockets. Each operation passes over
//! memory as few times as it can, and uses the threads of the current `rayon` pool.
//!
//! # The loops of a product
//!
//! `output[rows, columns] = epilogue(x[rows, inputs] · W[inputs, columns])`. `W` is packed once
//! into panels as wide as a tile; a tile of the output stays in registers while `k` goes through
//! all inputs, and the epilogue (bias, GELU, residual) is applied before it is written:
//!
//! ```text
//! for each panel of NR columns                  PackedLinear::run_parallel, one task per panel
//!   for each MR rows of x                       Tile::rows
//!     sums = 0                                  MR × NR_VECTORS registers
//!     for each k step                           Operands::accumulate
//!       load NR_VECTORS vectors of W            one step of the panel, prefetched
//!       for each row: splat K_TILE values of x, multiply, add
//!     write epilogue(sums)                      Tile::write, Epilogue::apply
//!
//!            K_TILE inputs ↓        NR columns = NR_VECTORS vectors
//!          ┌───┬───┬───┬──          ┌────────────────┐
//!  MR rows │ x │   │   │      ·     │ step 0         │ one panel of W,
//!          │   │   │   │            │ step 1         │ k_steps steps,
//!          └───┴───┴───┴──          │ …              │ 64-byte aligned
//!                                   └────────────────┘
//! ```
//!
//! | constant | value | meaning |
//! | --- | --- | --- |
//! | `MR` | 6 | rows of a tile |
//! | `NR_VECTORS` | 4 (AVX-512, NEON), 2 (others) | vectors side by side in a tile |
//! | NR | `NR_VECTORS` × lanes: 64, 16 (AVX2), 16 (NEON), 8 | columns of a tile and of a panel |
//! | `K_TILE` | 1 (f32), 4 (i8) | inputs of one column in one instruction |
//!
//! # Types
//!
//! | type | role |
//! | --- | --- |
//! | [`Cpu`] | an instruction set found at run time; evaluates kernels with it |
//! | `Int8Isa` | trait of an instruction set: vectors, dot products, constants |
//! | `Kernel` | trait of a computation compiled once per instruction set |
//! | `PackedMatrix<T>` | the right operand in panels |
//! | [`WeightMemory`] | the memory of all packed weights of a model, in large pages |
//! | `Operands` | trait of both operands: `F32Operands`, `Int8Operands` |
//! | `Epilogue` | trait of the last step: `Store`, `Bias`, `BiasGelu`, `BiasResidual` |
//! | `Tile` | kernel of one panel's columns |
//! | `OutputMatrix` | exclusive access to some rows and columns of the result |
//! | [`QuantizedActivations`] | rows in eight bits, with scale, zero point and outliers |
//! | [`PackedLinear`], [`Attention`], [`LayerNorm`] | the operations |
//! | [`Peak`] | what the machine can do at most |
//!
//! # Adding a CPU
//!
//! 1. In its architecture's file in `isa/`, add a type that holds the vectors of `rten-simd` and
//!    whose constructor finds the features; implement `Int8Isa` for it.
//! 2. Add a function with `#[target_feature]` that calls `kernel.eval`.
//! 3. Add a variant to `Native`, its place in `Native::all`, and its arm in `Native::dispatch`.
//! 4. Run the tests on such a CPU: they go through [`Cpu::all`].
//!
//! # Adding an operation
//!
//! 1. Write it as a `Kernel`, everything inlined (`#[inline(always)]`), threads outside of it.
//! 2. Add a test that holds it against f64 on every CPU, in odd shapes.
//!
//! `unsafe` is confined to `isa`, `gemm` and `quantize`; each block says why it is sound.

#![deny(unsafe_code)]
#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled with the instructions of the CPU"
)]

mod attention;
mod error;
mod gemm;
mod isa;
mod layer_norm;
mod linear;
mod peak;
mod quantize;

pub use attention::{Attention, QueryRows};
pub use error::ShapeError;
pub use gemm::WeightMemory;
pub use isa::{Cpu, vector_lanes};
pub use layer_norm::LayerNorm;
pub use linear::PackedLinear;
pub use peak::Peak;
pub use quantize::QuantizedActivations;
