//! PyTorch checkpoints (`pytorch_model.bin`): a pickle, read without executing anything.

use std::path::Path;

use burn_store::pytorch_reader::PytorchReader;
use burn_store::{bridge, burn_pack};

use super::{WeightsError, names};

/// Reads all tensors, named as in the module. Linear weights are still `[out, in]`.
pub(super) fn read(path: &Path) -> Result<Vec<burn_pack::Tensor>, WeightsError> {
    let reader =
        PytorchReader::new(path).map_err(|error| WeightsError::PyTorch(error.to_string()))?;
    let tensors = reader.into_tensors().into_values().map(|tensor| {
        let mut tensor = bridge::from_pytorch(tensor);
        tensor.name = names::in_module(&tensor.name);
        tensor
    });
    Ok(tensors.collect())
}
