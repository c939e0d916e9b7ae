//! Weights: files of several formats are read as named tensors, which stay in their stored types.
//!
//! Architecture invariant: Burn is named only here and in [`model`](crate::model). What a model
//! makes of the tensors is unknown here.

mod error;
mod float_type;
mod int8;
mod map;
mod matrix;
mod names;
mod pack;
mod pytorch;
mod safetensors;
mod source;
mod tensor;
mod tensors;

pub(crate) use error::WeightsError;
pub(crate) use matrix::StoredMatrix;
pub(crate) use names::{WORDS, in_file};
#[cfg(fuzzing)]
pub(crate) use safetensors::read_all;
pub(crate) use source::Weights;
pub(crate) use tensors::Tensors;
