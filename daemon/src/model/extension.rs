//! The Burn backend extension: operations of `gte-kernels` on tensors of the ndarray backend.
//!
//! Kernels take slices. These functions lend them the values of a tensor, and copy the values only
//! if the tensor is shared.
//!
//! The authors of burn-ndarray deprecate it in favor of burn-flex (`Device::flex()`, with the same
//! model code). It stays in use as long as the kernels are written for its tensors.

#![expect(deprecated, reason = "burn-ndarray is chosen on purpose, see above")]

use burn::backend::NdArray;
use burn::backend::ndarray::NdArrayTensor;
use burn::tensor::{Tensor, TensorData};
use gte_kernels::ShapeError;

/// Failure of an operation on tensors.
#[derive(Debug, thiserror::Error)]
pub enum OpError {
    /// A tensor of another backend or type.
    #[error("expected an f32 tensor of the ndarray backend")]
    Tensor,
    /// A token without an embedding.
    #[error("the model has no embedding for token {id} at position {position}")]
    Token {
        /// Id of the token.
        id: u32,
        /// Position in the text.
        position: usize,
    },
    /// Values that do not match the shape of an operation.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// Makes a tensor `[rows, width]` of values, without a copy.
pub(super) fn tensor(values: Vec<f32>, width: usize) -> Tensor<2> {
    let rows = values.len().checked_div(width).unwrap_or(0);
    let tensor = NdArrayTensor::from_data(TensorData::new(values, [rows, width]));
    Tensor::from_primitive::<NdArray>(tensor)
}

/// Lends the values of a tensor `[rows, width]`, row by row.
pub(super) fn with_rows<T>(
    tensor: &Tensor<2>,
    read: impl FnOnce(&[f32]) -> Result<T, OpError>,
) -> Result<T, OpError> {
    let tensor = tensor.clone().try_into_primitive::<NdArray>();
    let Ok(NdArrayTensor::F32(storage)) = &tensor else {
        return Err(OpError::Tensor);
    };
    read(storage.view().as_slice().ok_or(OpError::Tensor)?)
}

/// Changes the values of a tensor `[rows, width]` in place, row by row.
pub(super) fn update(
    tensor: Tensor<2>,
    change: impl FnOnce(&mut [f32]) -> Result<(), OpError>,
) -> Result<Tensor<2>, OpError> {
    let NdArrayTensor::F32(mut storage) = tensor
        .try_into_primitive::<NdArray>()
        .map_err(|_| OpError::Tensor)?
    else {
        return Err(OpError::Tensor);
    };
    let array = storage.ensure_owned();
    change(array.as_slice_mut().ok_or(OpError::Tensor)?)?;
    Ok(Tensor::from_primitive::<NdArray>(NdArrayTensor::F32(
        storage,
    )))
}
