//! Weights: from a file's bytes to a stream of named tensors to the module's record.
//!
//! Architecture invariant: together with [`model`](crate::model) the only place that names Burn.

mod int8;
mod map;
mod names;
mod numbers;
mod pack;
mod pytorch;
mod safetensors;
mod table;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::tensor::{DType, TensorData};
use burn_store::{ApplyError, ModuleSnapshot, bridge, burn_pack};
use bytes::Bytes;
use rayon::prelude::*;

use crate::model::Bert;
use int8::Quantised;
use map::Mapped;
pub use table::Table;

/// A model's weights in one of the forms that are read.
#[derive(Debug)]
pub enum Weights {
    /// The content of a safetensors file that is compiled into the program.
    Embedded(&'static [u8]),
    /// A safetensors file, or all the files that a model is divided among.
    Safetensors(Vec<PathBuf>),
    /// A PyTorch checkpoint. Nothing in it is executed.
    PyTorch(PathBuf),
    /// A Burn pack, as [`write_pack`](Self::write_pack) writes it.
    Pack(PathBuf),
}

impl Weights {
    /// All tensors, named as in the module; linear weights are `[out, in]` in every form. Their bytes
    /// are read only when they are asked for.
    fn open(self) -> Result<Opened, WeightsError> {
        match self {
            Self::Embedded(content) => Ok(Opened {
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
                tensors: Stored::plain(pytorch::read(&path)?),
                files: Vec::new(),
            }),
            Self::Pack(path) => {
                let file = Mapped::new(&path)?;
                Ok(Opened {
                    tensors: Stored::plain(pack::read(file.bytes())?),
                    files: vec![file],
                })
            }
        }
    }

    /// How many bytes they have, heads that an encoder does not need included. What cannot be read
    /// counts nothing: reading it says why.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let length = |path: &PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
        match self {
            Self::Embedded(content) => content.len() as u64,
            Self::Safetensors(files) => files.iter().map(length).sum(),
            Self::PyTorch(path) | Self::Pack(path) => length(path),
        }
    }

    /// Writes the encoder's tensors into a Burn pack, in the types that they have: fp16 stays fp16.
    ///
    /// # Errors
    ///
    /// If the weights cannot be read or the pack cannot be written.
    pub fn write_pack(self, path: &Path) -> Result<(), WeightsError> {
        let Opened { mut tensors, .. } = self.open()?;
        tensors.retain(|stored| names::is_encoder(&stored.tensor.name));
        pack::write(tensors.iter().map(Stored::dequantised).collect(), path)
    }
}

/// Weights and the files that they lie in.
struct Opened {
    tensors: Vec<Stored>,
    files: Vec<Mapped>,
}

/// A tensor as it lies in its file.
struct Stored {
    tensor: burn_pack::Tensor,
    /// How to read it, if it is of eight bits.
    quantised: Option<Quantised>,
}

impl Stored {
    fn plain(tensors: Vec<burn_pack::Tensor>) -> Vec<Self> {
        let plain = |tensor| Self {
            tensor,
            quantised: None,
        };
        tensors.into_iter().map(plain).collect()
    }

    /// The tensor in f32 if it is of eight bits, else as it is. Nothing is read yet.
    fn dequantised(&self) -> burn_pack::Tensor {
        let tensor = self.tensor.clone();
        let Some(quantised) = self.quantised.clone() else {
            return tensor;
        };
        let (name, shape) = (tensor.name.clone(), tensor.shape.clone());
        let read = move || {
            let shape = tensor.shape.clone();
            let (_, _, _, _, stored) = tensor.clone().into_parts()?;
            Ok(TensorData::new(quantised.dequantise(&stored), shape))
        };
        bridge::deferred(name, DType::F32, shape, None, read)
    }
}

/// Why weights cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// A file of weights cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no safetensors file, or a damaged one.
    #[error("the weights are no valid safetensors file: {0}")]
    Container(#[from] ::safetensors::SafeTensorError),
    /// The file is no PyTorch checkpoint that can be read.
    #[error("the weights are no PyTorch checkpoint that can be read: {0}")]
    PyTorch(String),
    /// The Burn pack cannot be read or written.
    #[error("the pack of weights cannot be used: {0}")]
    Pack(#[from] burn_pack::Error),
    /// A checkpoint that wants something called.
    #[error(
        "the checkpoint wants {0} called, and nothing in a checkpoint is: ask for one in safetensors"
    )]
    Call(String),
    /// A tensor in a type that is not read.
    #[error(
        "the tensor {name} is of type {found}; F32, F16, BF16 and the int8 form with scales are read"
    )]
    DType {
        /// The tensor, by its name in the file.
        name: String,
        /// Its type.
        found: String,
    },
    /// An int8 tensor without what it takes to read it.
    #[error("the int8 tensor {name} cannot be read: {problem}")]
    Quantisation {
        /// The tensor, by its name in the file.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// Tensors that the sizes in `config.json` call for are not there.
    #[error("the weights lack {}: they do not belong to this config.json", .0.join(", "))]
    Missing(Vec<String>),
    /// Tensors of the encoder that the sizes in `config.json` have no place for.
    #[error("the weights have {} besides: they do not belong to this config.json", .0.join(", "))]
    Unexpected(Vec<String>),
    /// Two tensors for one place: nobody knows which is meant.
    #[error("the weights have {0} twice")]
    Twice(String),
    /// A tensor that has other than its shape's number of numbers.
    #[error("the tensor {0} does not have as many numbers as its shape says")]
    Length(String),
    /// A tensor with a number that is none.
    #[error("the tensor {0} has numbers that are infinite or none at all (NaN)")]
    NotNumbers(String),
    /// Tensors that would take more room than their file.
    #[error("the checkpoint's tensors overlap: they have {bytes} bytes, and the file has {file}")]
    Overlap {
        /// Bytes of all tensors.
        bytes: u64,
        /// Bytes of the file.
        file: u64,
    },
    /// Tensors that do not fit.
    #[error("the weights do not fit config.json: {}", .0.join("; "))]
    Unfit(Vec<String>),
}

impl WeightsError {
    /// Whether it is this machine's fault, and not that of the weights.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(
            self,
            Self::Read { .. } | Self::Pack(burn_pack::Error::IoError(_))
        )
    }
}

/// Where the time of loading went.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Opening the files and reading what tensors there are.
    pub map: Duration,
    /// From the stored types to f32, linear weights turned round.
    pub convert: Duration,
    /// Into the module, in the form that it computes with.
    pub pack: Duration,
}

/// Loads weights into the module, with the threads of the pool that this is called in. The word embedding, of
/// `words` rows and columns, stays where it is and is given back.
///
/// Takes fp32, fp16, bf16 and the int8 form of the embedded model, and computes in f32: every value
/// of the smaller types is one of f32.
///
/// # Errors
///
/// If the content cannot be read, or does not have exactly the tensors that the module needs. The
/// pooler and other heads that an encoder does not need are passed over.
pub fn load(
    bert: &mut Bert,
    words: [usize; 2],
    weights: Weights,
) -> Result<(Table, Times), WeightsError> {
    let start = Instant::now();
    let Opened { mut tensors, files } = weights.open()?;
    tensors.retain(|stored| names::is_encoder(&stored.tensor.name));
    let mapped = Instant::now();
    let mut seen = HashSet::new();
    // By Burn's names: the old and the new one for the same place are one name there.
    let mut burn = tensors
        .iter()
        .map(|stored| names::in_burn(&stored.tensor.name));
    if let Some(twice) = burn.find(|name| !seen.insert(name.clone())) {
        return Err(WeightsError::Twice(names::in_file(&twice)));
    }
    let is_table = |stored: &Stored| stored.tensor.name == names::WORDS;
    let table = tensors.iter().position(is_table);
    let table = table.map(|index| tensors.swap_remove(index));
    let table = table.map(|stored| Table::new(stored, words[0], words[1]));
    let table = table.transpose()?;
    let tensors = tensors.par_iter().map(numbers::read);
    let tensors: Vec<burn_pack::Tensor> = tensors.collect::<Result<_, _>>()?;
    let converted = Instant::now();
    let result = bert.apply(tensors, None, None, false);

    if !result.errors.is_empty() {
        let problems = result.errors.iter().map(describe).collect();
        return Err(WeightsError::Unfit(problems));
    }
    let missing = result.missing.iter().map(|(path, _)| path.as_str());
    let missing = missing.filter(|path| *path != names::WORDS || table.is_none());
    let missing: Vec<String> = missing.map(names::in_file).collect();
    let Some(table) = table.filter(|_| missing.is_empty()) else {
        return Err(WeightsError::Missing(missing));
    };
    if !result.unused.is_empty() {
        let unexpected = result.unused.iter().map(|path| names::in_file(path));
        return Err(WeightsError::Unexpected(unexpected.collect()));
    }
    for file in files {
        file.let_go();
    }
    let times = Times {
        map: mapped - start,
        convert: converted - mapped,
        pack: converted.elapsed(),
    };
    Ok((table, times))
}

fn describe(error: &ApplyError) -> String {
    match error {
        ApplyError::ShapeMismatch {
            path,
            expected,
            found,
        } => format!(
            "{} has the shape {found:?} where {expected:?} is called for (a linear weight is turned round first)",
            names::in_file(path)
        ),
        ApplyError::DTypeMismatch {
            path,
            expected,
            found,
        } => format!(
            "{} is of type {found:?} where {expected:?} is called for",
            names::in_file(path)
        ),
        ApplyError::AdapterError { path, message } | ApplyError::LoadError { path, message } => {
            format!("{}: {message}", names::in_file(path))
        }
    }
}
