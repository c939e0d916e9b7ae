//! Weights: files of several formats are read as named tensors, which fill a Burn module.
//!
//! Architecture invariant: Burn is named only here and in [`model`](crate::model). The type of the
//! module is unknown here: it is any [`ModuleSnapshot`](burn_store::ModuleSnapshot).

mod embedding_table;
mod error;
mod float_type;
mod int8;
mod load;
mod map;
mod names;
mod pack;
mod pytorch;
mod safetensors;
mod source;
mod tensor;
mod timings;

pub(crate) use embedding_table::EmbeddingTable;
pub(crate) use error::WeightsError;
pub(crate) use load::load;
#[cfg(fuzzing)]
pub(crate) use safetensors::read_all;
pub(crate) use source::Weights;
pub(crate) use timings::LoadTimings;
