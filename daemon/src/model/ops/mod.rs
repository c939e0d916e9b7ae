//! The operations that the time goes into, each in as few passes over memory as it takes.
//!
//! They take and give Burn's tensors, of the ndarray backend, or the numbers of such.
//! [`Bert::forward`](super::Bert::forward) computes the same with Burn's own operations, and a test holds the two together.

#![expect(
    deprecated,
    reason = "burn-ndarray is chosen on purpose, see the encoder's device"
)]
#![expect(
    clippy::inline_always,
    reason = "what is not inlined is not compiled with the instructions of the CPU, see `machine`"
)]

mod attention;
mod embedding;
mod factors;
mod linear;
mod machine;
mod norm;
mod panels;
mod peak;
mod quantise;
#[cfg(test)]
mod tests;
mod tile;

use burn::backend::NdArray;
use burn::backend::ndarray::NdArrayTensor;
use burn::tensor::{Tensor, TensorData};

pub(super) use attention::{Queries, attend};
pub(super) use embedding::Lookup;
pub(super) use linear::PackedLinear;
pub(super) use machine::Cpu;
pub(super) use norm::Norm;
pub use peak::Peak;
pub(super) use quantise::Quantised;

/// Why an operation cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum OpError {
    /// A tensor that is not one of the ndarray backend in f32.
    #[error("a tensor is not one of f32 numbers in this process's memory")]
    Tensor,
    /// A token that the model has no row for.
    #[error("the model knows no token {id} at position {position}")]
    Token {
        /// Its id.
        id: u32,
        /// Its place in the text.
        position: usize,
    },
    /// Numbers that are not as many as the operation is for.
    #[error("{layer} does not make {output} numbers of {input}")]
    Shape {
        /// The operation.
        layer: String,
        /// Numbers that go in.
        input: usize,
        /// Numbers that there is room for.
        output: usize,
    },
}

/// A tensor of these numbers, which are not copied.
pub(super) fn tensor(numbers: Vec<f32>, width: usize) -> Tensor<2> {
    let rows = numbers.len().checked_div(width).unwrap_or(0);
    let tensor = NdArrayTensor::from_data(TensorData::new(numbers, [rows, width]));
    Tensor::from_primitive::<NdArray>(tensor)
}

/// Lets `see` see a tensor's numbers, `[rows, width]` row by row.
pub(super) fn with_rows<T>(
    tensor: &Tensor<2>,
    see: impl FnOnce(&[f32]) -> Result<T, OpError>,
) -> Result<T, OpError> {
    let tensor = tensor.clone().try_into_primitive::<NdArray>();
    let Ok(NdArrayTensor::F32(storage)) = &tensor else {
        return Err(OpError::Tensor);
    };
    see(storage.view().as_slice().ok_or(OpError::Tensor)?)
}

/// Changes a tensor's numbers in place, `[rows, width]` row by row. They are copied only if somebody else has the
/// tensor too.
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
