//! The safetensors format: named tensors in the content of a file.

use burn::tensor::{AllocationProperty, DType};
use burn_store::burn_pack;
use bytes::Bytes;
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors};

use super::error::WeightsError;
use super::int8::QuantizedTensor;
use super::tensor::StoredTensor;

/// Suffix of the tensor with the scales of an int8 tensor.
const SCALE: &str = "_scale";

/// Suffix of the tensor with the zero point of an int8 tensor.
const ZERO_POINT: &str = "_zero_point";

/// A parsed file.
struct File {
    content: Bytes,
    metadata: Metadata,
    /// Offset of the data in the file; offsets in the metadata are relative to it.
    data: usize,
}

/// Tensors of a file.
#[derive(Default)]
pub(super) struct Listed {
    /// Tensors of types that may be read.
    pub(super) tensors: Vec<StoredTensor>,
    /// Names and types of the others.
    pub(super) others: Vec<(String, String)>,
}

/// Lists all tensors under their names in the file. Linear weights are `[out, in]`. The bytes of
/// the tensors are not read yet.
pub(super) fn read(content: Bytes) -> Result<Listed, WeightsError> {
    let file = File::parse(content)?;
    let mut listed = Listed::default();
    for name in file.metadata.offset_keys() {
        file.list(&name, &mut listed)?;
    }
    Ok(listed)
}

/// Reads the values of all tensors, for the fuzz target.
#[cfg(fuzzing)]
pub(crate) fn read_all(content: Bytes) {
    for tensor in read(content).unwrap_or_default().tensors {
        drop(tensor.dequantized().into_parts());
        drop(super::matrix::StoredMatrix::new(tensor).and_then(|matrix| matrix.values()));
    }
}

impl File {
    fn parse(content: Bytes) -> Result<Self, WeightsError> {
        let (header, metadata) = SafeTensors::read_metadata(&content)?;
        Ok(Self {
            content,
            metadata,
            // Eight bytes of length, then the header.
            data: 8 + header,
        })
    }

    fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.metadata.info(name)
    }

    /// Bytes of a tensor, without a copy. Empty if the file is too short, which fails when the
    /// tensor is needed.
    fn stored(&self, info: &TensorInfo) -> Bytes {
        let range = self.data + info.data_offsets.0..self.data + info.data_offsets.1;
        match self.content.get(range.clone()) {
            Some(_) => self.content.slice(range),
            None => Bytes::new(),
        }
    }

    /// Lists one tensor, unless it has the scales or the zero point of another.
    fn list(&self, name: &str, listed: &mut Listed) -> Result<(), WeightsError> {
        let Some(info) = self.info(name).filter(|_| !self.is_companion(name)) else {
            return Ok(());
        };
        let stored = self.stored(info);
        let quantized = match info.dtype {
            Dtype::I8 | Dtype::U8 => Some(self.quantized(name, info)?),
            _ => None,
        };
        let dtype = match info.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::I8 => DType::I8,
            Dtype::U8 => DType::U8,
            other => {
                listed.others.push((name.to_owned(), format!("{other:?}")));
                return Ok(());
            }
        };
        let bytes = burn::tensor::Bytes::from_shared(stored, AllocationProperty::Other);
        let shape = info.shape.clone();
        listed.tensors.push(StoredTensor {
            tensor: burn_pack::Tensor::new(name.to_owned(), dtype, shape, None, bytes),
            quantized,
        });
        Ok(())
    }

    /// Returns true for the scales or the zero point of another tensor.
    fn is_companion(&self, name: &str) -> bool {
        [SCALE, ZERO_POINT].iter().any(|ending| {
            name.strip_suffix(ending)
                .is_some_and(|owner| self.info(owner).is_some())
        })
    }

    /// Finds scales and zero point of the tensor `name`.
    fn quantized(&self, name: &str, info: &TensorInfo) -> Result<QuantizedTensor, WeightsError> {
        let fault = |problem| WeightsError::Quantization {
            name: name.to_owned(),
            problem,
        };
        let scale = self
            .info(&format!("{name}{SCALE}"))
            .filter(|scale| scale.dtype == Dtype::F32)
            .ok_or_else(|| fault("it has no scale of type F32"))?;
        let stored = self.stored(scale);
        let (scales, _) = stored.as_chunks::<4>();
        let scales: Vec<f32> = scales
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        let rows = info.shape.first().copied().unwrap_or(1);
        let mut sizes = info.shape.iter().skip(1);
        let row = sizes.try_fold(1_usize, |product, size| product.checked_mul(*size));
        let row = row.ok_or_else(|| fault("its shape is too large"))?;
        if scales.len() != 1 && scales.len() != rows {
            return Err(fault("it has neither one scale nor one per row"));
        }
        let zero_point = match self.info(&format!("{name}{ZERO_POINT}")) {
            None => 0,
            Some(zero) => match (zero.dtype, &*self.stored(zero)) {
                (Dtype::U8, [zero]) => i32::from(*zero),
                (Dtype::I8, [zero]) => i32::from(zero.cast_signed()),
                _ => return Err(fault("its zero point is not one value of eight bits")),
            },
        };
        Ok(QuantizedTensor {
            signed: info.dtype == Dtype::I8,
            zero_point,
            scales,
            row: row.max(1),
        })
    }
}
