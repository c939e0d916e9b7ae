//! Weights: from the bytes of a file to named tensors to the record of a Burn module.
//!
//! Architecture invariant: together with [`model`](crate::model) the only place that names Burn; the
//! module is known as any [`ModuleSnapshot`](burn_store::ModuleSnapshot).

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

pub use embedding_table::EmbeddingTable;
pub use error::WeightsError;
pub use load::load;
pub use source::Weights;
pub use timings::LoadTimings;
