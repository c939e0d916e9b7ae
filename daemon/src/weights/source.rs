//! Weights of a model, in one of the supported formats.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use burn_store::burn_pack;
use bytes::Bytes;

use super::error::WeightsError;
use super::map::Mapped;
use super::safetensors::Listed;
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
    /// A Burn pack, as [`NewPack`] writes it.
    Pack {
        /// Path of the pack.
        path: PathBuf,
        /// True for a pack of the store, which is mapped: it is replaced and never changed.
        installed: bool,
    },
}

/// Listed tensors, and the memory that they lie in.
pub(super) struct Opened {
    pub(super) tensors: Vec<StoredTensor>,
    pub(super) backing: Backing,
}

/// Gives the tensors of a model's files their names in the module.
fn in_module(listed: Listed) -> Result<Vec<StoredTensor>, WeightsError> {
    let Listed {
        mut tensors,
        others,
    } = listed;
    let names = tensors.iter().map(|stored| stored.tensor.name.as_str());
    let prefix = names::prefix(names.chain(others.iter().map(|(name, _)| name.as_str())))?;
    for (name, found) in others {
        if names::is_encoder(&names::in_module(&name, &prefix)) {
            return Err(WeightsError::DType { name, found });
        }
    }
    for stored in &mut tensors {
        stored.tensor.name = names::in_module(&stored.tensor.name, &prefix);
    }
    Ok(tensors)
}

/// Reads a file of the user, which must not be mapped.
fn content_of(path: &Path) -> Result<Bytes, WeightsError> {
    let content = std::fs::read(path).map_err(|source| WeightsError::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok(content.into())
}

/// Tensors of a Burn pack that is to be written.
pub(crate) struct NewPack(Vec<burn_pack::Tensor>);

impl NewPack {
    /// Size of the tensors in bytes, as the pack has them.
    #[must_use]
    pub(crate) fn bytes(&self) -> u64 {
        let size = |tensor: &burn_pack::Tensor| {
            let values: usize = tensor.shape.iter().product();
            (values * tensor.dtype.size()) as u64
        };
        self.0.iter().map(size).sum()
    }

    /// Writes the pack.
    ///
    /// # Errors
    ///
    /// If a tensor cannot be read or the file cannot be written.
    pub(crate) fn write(self, path: &Path) -> Result<(), WeightsError> {
        pack::write(self.0, path)
    }
}

/// Memory that the listed tensors lie in.
pub(super) enum Backing {
    /// The program itself.
    Program,
    /// A mapped file.
    Mapped(Mapped),
    /// Memory of each tensor's own, which is read when it is needed.
    Own,
    /// The heap. What stays in use has to be copied out of it, so that the rest can be freed.
    Heap,
}

impl Weights {
    /// Lists the tensors of the encoder. Their bytes are not read yet. The pooler and other heads,
    /// which an encoder does not need, are left out.
    pub(super) fn open(self) -> Result<Opened, WeightsError> {
        let mut opened = self.open_all()?;
        let tensors = &mut opened.tensors;
        tensors.retain(|stored| names::is_encoder(&stored.tensor.name));
        let mut seen = HashSet::new();
        let mut all = tensors.iter().map(|stored| stored.tensor.name.as_str());
        // A tensor may be there under its new and its old name.
        match all.find(|name| !seen.insert(*name)) {
            Some(duplicate) => Err(WeightsError::Duplicate(names::in_file(duplicate))),
            None => Ok(opened),
        }
    }

    fn open_all(self) -> Result<Opened, WeightsError> {
        match self {
            Self::Builtin(content) => Ok(Opened {
                tensors: in_module(safetensors::read(Bytes::from_static(content))?)?,
                backing: Backing::Program,
            }),
            Self::Safetensors(files) => {
                let mut all = Listed::default();
                for path in &files {
                    let Listed { tensors, others } = safetensors::read(content_of(path)?)?;
                    all.tensors.extend(tensors);
                    all.others.extend(others);
                }
                Ok(Opened {
                    tensors: in_module(all)?,
                    backing: Backing::Heap,
                })
            }
            Self::PyTorch(path) => Ok(Opened {
                tensors: in_module(Listed {
                    tensors: StoredTensor::plain(pytorch::read(&path)?),
                    others: Vec::new(),
                })?,
                backing: Backing::Own,
            }),
            Self::Pack {
                path,
                installed: false,
            } => Ok(Opened {
                tensors: StoredTensor::plain(pack::read(content_of(&path)?)?),
                backing: Backing::Heap,
            }),
            Self::Pack {
                path,
                installed: true,
            } => {
                let file = Mapped::new(&path)?;
                Ok(Opened {
                    tensors: StoredTensor::plain(pack::read(file.bytes())?),
                    backing: Backing::Mapped(file),
                })
            }
        }
    }

    /// Paths of the files; none for the built-in weights.
    #[must_use]
    pub(crate) fn files(&self) -> &[PathBuf] {
        match self {
            Self::Builtin(_) => &[],
            Self::Safetensors(files) => files,
            Self::PyTorch(path) | Self::Pack { path, .. } => std::slice::from_ref(path),
        }
    }

    /// Size in bytes, including heads that an encoder does not need. An unreadable file counts as
    /// 0; reading its tensors fails with the reason.
    #[must_use]
    pub(crate) fn bytes(&self) -> u64 {
        let length = |path: &PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
        match self {
            Self::Builtin(content) => content.len() as u64,
            _ => self.files().iter().map(length).sum(),
        }
    }

    /// Lists the encoder's tensors for a Burn pack. Float types are kept: fp16 stays fp16; int8
    /// becomes f32.
    ///
    /// # Errors
    ///
    /// If the weights cannot be read.
    pub(crate) fn into_pack(self) -> Result<NewPack, WeightsError> {
        let Opened { tensors, .. } = self.open()?;
        let tensors = tensors.iter().map(StoredTensor::dequantized);
        Ok(NewPack(tensors.collect()))
    }
}
