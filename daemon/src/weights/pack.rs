//! The Burn pack: the format of an installed model's weights.

use std::path::Path;

use burn::tensor::AllocationProperty;
use burn_store::burn_pack::{Reader, Tensor, Writer};
use bytes::Bytes;

use super::error::WeightsError;
use super::names;

/// Reads all tensors, named as in the module.
pub(super) fn read(content: Bytes) -> Result<Vec<Tensor>, WeightsError> {
    let content = burn::tensor::Bytes::from_shared(content, AllocationProperty::Other);
    let mut tensors = Reader::from_bytes(content)?.into_tensors()?;
    for tensor in &mut tensors {
        tensor.name = names::from_pack(&tensor.name);
    }
    Ok(tensors)
}

/// Writes tensors in the order of their names, so that the same weights give the same file.
pub(super) fn write(mut tensors: Vec<Tensor>, path: &Path) -> Result<(), WeightsError> {
    for tensor in &mut tensors {
        tensor.name = names::in_pack(&tensor.name);
    }
    tensors.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Writer::new(tensors)
        .auto_extension(false)
        .write_to_file(path)?)
}
