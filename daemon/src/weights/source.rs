//! Weights of a model, in one of the supported formats.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::error::WeightsError;
use super::map::Mapped;
use super::tensor::StoredTensor;
use super::{names, pack, pytorch, safetensors};

/// Weights of a model, in one of the supported formats.
#[derive(Debug)]
pub(crate) enum Weights {
    /// Content of the built-in safetensors file.
    Builtin(&'static [u8]),
    /// Paths of one safetensors file, or of all shards.
    Safetensors(Vec<PathBuf>),
    /// Path of a PyTorch checkpoint. Nothing in it is executed.
    PyTorch(PathBuf),
    /// Path of a Burn pack, as [`write_pack`](Self::write_pack) writes it.
    Pack(PathBuf),
}

/// Listed tensors, and the mapped files that contain them.
pub(super) struct Opened {
    pub(super) tensors: Vec<StoredTensor>,
    pub(super) files: Vec<Mapped>,
}

impl Weights {
    /// Lists all tensors. Their bytes are not read yet.
    pub(super) fn open(self) -> Result<Opened, WeightsError> {
        match self {
            Self::Builtin(content) => Ok(Opened {
                tensors: safetensors::read(Bytes::from_static(content))?,
                files: Vec::new(),
            }),
            Self::Safetensors(files) => {
                let files = files.iter().map(|path| Mapped::new(path));
                let files = files.collect::<Result<Vec<_>, _>>()?;
                let read = |file: &Mapped| safetensors::read(file.bytes());
                let tensors: Result<Vec<_>, _> = files.iter().map(read).collect();
                Ok(Opened {
                    tensors: tensors?.into_iter().flatten().collect(),
                    files,
                })
            }
            Self::PyTorch(path) => Ok(Opened {
                tensors: StoredTensor::plain(pytorch::read(&path)?),
                files: Vec::new(),
            }),
            Self::Pack(path) => {
                let file = Mapped::new(&path)?;
                Ok(Opened {
                    tensors: StoredTensor::plain(pack::read(file.bytes())?),
                    files: vec![file],
                })
            }
        }
    }

    /// Size in bytes, including heads that an encoder does not need. An unreadable file counts as
    /// 0; reading its tensors fails with the reason.
    #[must_use]
    pub(crate) fn bytes(&self) -> u64 {
        let length = |path: &PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
        match self {
            Self::Builtin(content) => content.len() as u64,
            Self::Safetensors(files) => files.iter().map(length).sum(),
            Self::PyTorch(path) | Self::Pack(path) => length(path),
        }
    }

    /// Writes the encoder's tensors to a Burn pack. Float types are kept: fp16 stays fp16; int8
    /// becomes f32.
    ///
    /// # Errors
    ///
    /// If the weights cannot be read or the pack cannot be written.
    pub(crate) fn write_pack(self, path: &Path) -> Result<(), WeightsError> {
        let Opened { mut tensors, .. } = self.open()?;
        tensors.retain(|stored| names::is_encoder(&stored.tensor.name));
        let tensors = tensors.iter().map(StoredTensor::dequantized);
        pack::write(tensors.collect(), path)
    }
}
