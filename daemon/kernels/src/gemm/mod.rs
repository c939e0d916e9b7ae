//! Matrix products, tile by tile.

mod epilogue;
mod int8;
mod int8_weight;
mod memory;
mod operands;
mod output;
mod packing;
mod rounding;
mod tile;

pub(crate) use epilogue::{Bias, BiasGelu, BiasResidual, Epilogue, Store};
pub(crate) use int8::Int8Operands;
pub(crate) use int8_weight::Int8Weight;
pub use memory::WeightMemory;
pub(crate) use operands::{F32Operands, Operands};
pub(crate) use output::OutputMatrix;
pub(crate) use packing::PackedMatrix;
pub(crate) use tile::{MR, Tile, multiply};
