//! A tensor as stored in its file.

use burn::tensor::{DType, TensorData};
use burn_store::{bridge, burn_pack};

use super::error::WeightsError;
use super::float_type::FloatType;
use super::int8::QuantizedTensor;

/// A tensor as stored in its file, under its name in the module. A linear weight is `[out, in]`.
#[derive(Clone)]
pub(super) struct StoredTensor {
    pub(super) tensor: burn_pack::Tensor,
    /// Scales and zero point of an int8 tensor.
    pub(super) quantized: Option<QuantizedTensor>,
}

impl StoredTensor {
    /// Wraps tensors that are not int8.
    pub(super) fn plain(tensors: Vec<burn_pack::Tensor>) -> Vec<Self> {
        let plain = |tensor| Self {
            tensor,
            quantized: None,
        };
        tensors.into_iter().map(plain).collect()
    }

    /// Checks that the values are of a type that is read.
    pub(super) fn check_type(&self) -> Result<(), WeightsError> {
        match self.quantized {
            Some(_) => Ok(()),
            None => FloatType::of(&self.tensor).map(drop),
        }
    }

    /// Returns the tensor, converted to f32 if it is int8. The bytes are not read yet.
    pub(super) fn dequantized(&self) -> burn_pack::Tensor {
        let tensor = self.tensor.clone();
        let Some(quantized) = self.quantized.clone() else {
            return tensor;
        };
        let (name, shape) = (tensor.name.clone(), tensor.shape.clone());
        let read = move || {
            let shape = tensor.shape.clone();
            let (_, _, _, _, stored) = tensor.clone().into_parts()?;
            Ok(TensorData::new(quantized.dequantize(&stored), shape))
        };
        bridge::deferred(name, DType::F32, shape, None, read)
    }
}
