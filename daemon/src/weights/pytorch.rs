//! PyTorch checkpoints (`pytorch_model.bin`): a pickle, read without executing anything.

use std::fs;
use std::path::Path;

use burn_store::pytorch_reader::{PickleValue, PytorchError, PytorchReader};
use burn_store::{bridge, burn_pack};

use super::error::WeightsError;

/// Name of a tensor in a pickle.
const TENSOR: &str = "torch.Tensor";

/// Reads all tensors under their names in the file. Linear weights are `[out, in]`.
///
/// The reader executes nothing and skips calls. A weights file needs no calls, so a file with one
/// is refused, whatever its tensors are.
pub(super) fn read(path: &Path) -> Result<Vec<burn_pack::Tensor>, WeightsError> {
    let failed = |error: PytorchError| WeightsError::PyTorch(error.to_string());
    let reader = PytorchReader::new(path).map_err(failed)?;
    let content = PytorchReader::read_pickle_data(path, None).map_err(failed)?;
    if let Some(call) = call_in(&content) {
        return Err(WeightsError::Call(call.to_owned()));
    }
    let tensors = reader.into_tensors().into_values();
    let tensors: Vec<burn_pack::Tensor> = tensors.map(bridge::from_pytorch).collect();
    // A tensor of a few stored values may claim to repeat them billions of times.
    let sizes = tensors.iter().map(|tensor| tensor.byte_len() as u64);
    let bytes = sizes.fold(0, u64::saturating_add);
    let file = fs::metadata(path)
        .map_err(|source| WeightsError::Read {
            path: path.to_owned(),
            source,
        })?
        .len();
    if bytes > file {
        return Err(WeightsError::Overlap { bytes, file });
    }
    Ok(tensors)
}

/// Finds the first entry of a pickle that is neither data nor a tensor.
fn call_in(value: &PickleValue) -> Option<&str> {
    match value {
        PickleValue::Unsupported(name) => Some(name.as_str()).filter(|name| *name != TENSOR),
        PickleValue::List(items) => items.iter().find_map(call_in),
        PickleValue::Dict(entries) => entries.values().find_map(call_in),
        _ => None,
    }
}
