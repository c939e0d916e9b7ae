//! safetensors: the file's content to a stream of named tensors.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{Bytes, DType, TensorData};
use burn_store::{bridge, burn_pack};
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors};

use super::int8::Quantised;
use super::{WeightsError, names};

/// A parsed file: what tensors there are, and their bytes.
pub(super) struct File {
    content: Arc<Cow<'static, [u8]>>,
    metadata: Metadata,
    /// Where the data begins, from which the metadata counts.
    data: usize,
}

/// Reads all tensors, named as in the module. Linear weights are still `[out, in]`. The bytes of a
/// tensor are turned into numbers only when the module takes them.
pub(super) fn read(content: Cow<'static, [u8]>) -> Result<Vec<burn_pack::Tensor>, WeightsError> {
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
    fn parse(content: Cow<'static, [u8]>) -> Result<Self, WeightsError> {
        let (header, metadata) = SafeTensors::read_metadata(&content)?;
        Ok(Self {
            content: Arc::new(content),
            metadata,
            // Eight bytes of length, then the header.
            data: 8 + header,
        })
    }

    pub(super) fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.metadata.info(name)
    }

    /// Where a tensor's bytes are in the file's content.
    fn range(&self, info: &TensorInfo) -> Range<usize> {
        self.data + info.data_offsets.0..self.data + info.data_offsets.1
    }

    /// A tensor's bytes.
    pub(super) fn bytes(&self, info: &TensorInfo) -> &[u8] {
        self.content.get(self.range(info)).unwrap_or_default()
    }

    /// One tensor of the module, or `None` for what only helps to read another tensor.
    fn tensor(&self, name: &str) -> Result<Option<burn_pack::Tensor>, WeightsError> {
        let Some(info) = self.info(name) else {
            return Ok(None);
        };
        if Quantised::is_companion(self, name) {
            return Ok(None);
        }
        let module_name = names::in_module(name);
        let shape = info.shape.clone();
        let content = Arc::clone(&self.content);
        let range = self.range(info);
        let dtype = match info.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::I8 | Dtype::U8 => {
                let quantised = Quantised::find(self, name, info)?;
                let read = move || {
                    let stored = content.get(range.clone()).unwrap_or_default();
                    Ok(TensorData::new(quantised.dequantise(stored), shape.clone()))
                };
                let shape = info.shape.clone().into();
                return Ok(Some(bridge::deferred(
                    module_name,
                    DType::F32,
                    shape,
                    None,
                    read,
                )));
            }
            _ if !names::is_encoder(&module_name) => return Ok(None),
            other => {
                return Err(WeightsError::DType {
                    name: name.to_owned(),
                    found: format!("{other:?}"),
                });
            }
        };
        let read = move || {
            let stored = content.get(range.clone()).unwrap_or_default();
            TensorData::try_from_bytes(Bytes::from_bytes_vec(stored.to_vec()), shape.clone(), dtype)
                .map_err(|error| burn_pack::Error::ValidationError(error.to_string()))
        };
        let shape = info.shape.clone().into();
        Ok(Some(bridge::deferred(
            module_name,
            dtype,
            shape,
            None,
            read,
        )))
    }
}
