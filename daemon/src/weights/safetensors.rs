//! safetensors: the file's content to a stream of named tensors.

use burn::tensor::{AllocationProperty, DType};
use burn_store::burn_pack;
use bytes::Bytes;
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors};

use super::int8::Quantised;
use super::{Stored, WeightsError, names};

/// A parsed file: what tensors there are, and their bytes.
pub(super) struct File {
    content: Bytes,
    metadata: Metadata,
    /// Where the data begins, from which the metadata counts.
    data: usize,
}

/// Reads all tensors, named as in the module. Linear weights are still `[out, in]`. The bytes of a
/// tensor are not read yet.
pub(super) fn read(content: Bytes) -> Result<Vec<Stored>, WeightsError> {
    let file = File::parse(content)?;
    let mut tensors = Vec::new();
    for name in file.metadata.offset_keys() {
        if let Some(tensor) = file.tensor(&name)? {
            tensors.push(tensor);
        }
    }
    Ok(tensors)
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

    pub(super) fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.metadata.info(name)
    }

    /// A tensor's bytes, without copying them. None at all where the file ends before them, which
    /// whoever reads numbers from them finds out.
    pub(super) fn stored(&self, info: &TensorInfo) -> Bytes {
        let range = self.data + info.data_offsets.0..self.data + info.data_offsets.1;
        match self.content.get(range.clone()) {
            Some(_) => self.content.slice(range),
            None => Bytes::new(),
        }
    }

    /// One tensor of the module, or `None` for what only helps to read another tensor.
    fn tensor(&self, name: &str) -> Result<Option<Stored>, WeightsError> {
        let Some(info) = self.info(name) else {
            return Ok(None);
        };
        if Quantised::is_companion(self, name) {
            return Ok(None);
        }
        let module_name = names::in_module(name);
        let stored = self.stored(info);
        let quantised = match info.dtype {
            Dtype::I8 | Dtype::U8 => Some(Quantised::find(self, name, info)?),
            _ => None,
        };
        let dtype = match info.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::I8 => DType::I8,
            Dtype::U8 => DType::U8,
            _ if !names::is_encoder(&module_name) => return Ok(None),
            other => {
                return Err(WeightsError::DType {
                    name: name.to_owned(),
                    found: format!("{other:?}"),
                });
            }
        };
        let bytes = burn::tensor::Bytes::from_shared(stored, AllocationProperty::Other);
        let shape = info.shape.clone();
        Ok(Some(Stored {
            tensor: burn_pack::Tensor::new(module_name, dtype, shape, None, bytes),
            quantised,
        }))
    }
}
