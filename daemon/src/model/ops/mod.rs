//! The operations that the time goes into, each in as few passes over memory as it takes.
//!
//! They take and give Burn's tensors, of the ndarray backend. [`Bert::forward`](super::Bert::forward)
//! computes the same with Burn's own operations, and a test holds the two together.

#![expect(
    deprecated,
    reason = "burn-ndarray is chosen on purpose, see the encoder's device"
)]

mod attention;
mod linear;
mod norm;

use burn::backend::NdArray;
use burn::backend::ndarray::NdArrayTensor;
use burn::tensor::{Tensor, TensorData};

pub(super) use linear::PackedLinear;
pub(super) use norm::Norm;

/// Why an operation cannot be done. None of this happens to a model that has been loaded.
#[derive(Debug, thiserror::Error)]
pub enum OpError {
    /// A tensor that is not one of the ndarray backend in f32.
    #[error("a tensor is not one of f32 numbers in this process's memory")]
    Tensor,
    /// Matrices that cannot be multiplied.
    #[error("two matrices cannot be multiplied: {0}")]
    Shape(String),
}

/// Rows of numbers, `[rows, width]`.
pub(super) struct Rows<'a> {
    numbers: &'a [f32],
    width: usize,
}

impl Rows<'_> {
    fn count(&self) -> usize {
        self.numbers.len().checked_div(self.width).unwrap_or(0)
    }
}

/// Lets `operation` see the numbers of a tensor.
fn with_rows<T>(
    tensor: Tensor<2>,
    operation: impl FnOnce(Rows<'_>) -> Result<T, OpError>,
) -> Result<T, OpError> {
    let tensor = tensor.try_into_primitive::<NdArray>();
    let Ok(NdArrayTensor::F32(storage)) = &tensor else {
        return Err(OpError::Tensor);
    };
    let view = storage.view();
    let &[_, width] = view.shape() else {
        return Err(OpError::Tensor);
    };
    // As it lies in memory, unless somebody has turned it round.
    let in_order = view.as_standard_layout();
    operation(Rows {
        numbers: in_order.as_slice().ok_or(OpError::Tensor)?,
        width,
    })
}

/// A tensor of these numbers, which are not copied.
fn tensor(numbers: Vec<f32>, width: usize) -> Tensor<2> {
    let rows = numbers.len().checked_div(width).unwrap_or(0);
    let tensor = NdArrayTensor::from_data(TensorData::new(numbers, [rows, width]));
    Tensor::from_primitive::<NdArray>(tensor)
}

/// `x W + b`.
pub(super) fn linear(x: Tensor<2>, layer: &PackedLinear) -> Result<Tensor<2>, OpError> {
    let output = with_rows(x, |x| layer.forward(&x))?;
    Ok(tensor(output, layer.outputs()))
}

/// `gelu(x W + b)`, the exact one.
pub(super) fn linear_gelu(x: Tensor<2>, layer: &PackedLinear) -> Result<Tensor<2>, OpError> {
    let mut output = with_rows(x, |x| layer.forward(&x))?;
    linear::gelu(&mut output);
    Ok(tensor(output, layer.outputs()))
}

/// `norm(x W + b + residual)`.
pub(super) fn linear_add_norm(
    x: Tensor<2>,
    layer: &PackedLinear,
    residual: Tensor<2>,
    norm: &Norm,
) -> Result<Tensor<2>, OpError> {
    let mut output = with_rows(x, |x| layer.forward(&x))?;
    with_rows(residual, |residual| {
        norm.add_and_normalise(&mut output, residual.numbers);
        Ok(())
    })?;
    Ok(tensor(output, layer.outputs()))
}

/// Attention within each text of a batch laid end to end: `qkv` is `[tokens, 3 × hidden]`, queries, keys
/// and values beside each other; `[tokens, hidden]` comes out.
pub(super) fn attention(
    qkv: Tensor<2>,
    lengths: &[usize],
    heads: usize,
) -> Result<Tensor<2>, OpError> {
    with_rows(qkv, |qkv| {
        let context = attention::attend(&qkv, lengths, heads)?;
        Ok(tensor(context, qkv.width / 3))
    })
}
