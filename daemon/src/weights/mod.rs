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

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn_store::{ApplyError, ModuleSnapshot, burn_pack};
use bytes::Bytes;
use rayon::prelude::*;

use crate::model::Bert;

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
    fn tensors(self) -> Result<Vec<burn_pack::Tensor>, WeightsError> {
        match self {
            Self::Embedded(content) => safetensors::read(Bytes::from_static(content)),
            Self::Safetensors(files) => {
                let read = |path: &PathBuf| safetensors::read(map::map(path)?);
                let tensors: Result<Vec<_>, _> = files.iter().map(read).collect();
                Ok(tensors?.concat())
            }
            Self::PyTorch(path) => pytorch::read(&path),
            Self::Pack(path) => pack::read(map::map(&path)?),
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
        let mut tensors = self.tensors()?;
        tensors.retain(|tensor| names::is_encoder(&tensor.name));
        pack::write(tensors, path)
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

/// Loads weights into the module, with the threads of the pool that this is called in.
///
/// Takes fp32, fp16, bf16 and the int8 form of the embedded model, and computes in f32: every value
/// of the smaller types is one of f32.
///
/// # Errors
///
/// If the content cannot be read, or does not have exactly the tensors that the module needs. The
/// pooler and other heads that an encoder does not need are passed over.
pub fn load(bert: &mut Bert, weights: Weights) -> Result<Times, WeightsError> {
    let start = Instant::now();
    let mut tensors = weights.tensors()?;
    tensors.retain(|tensor| names::is_encoder(&tensor.name));
    let mapped = Instant::now();
    let tensors = tensors.into_par_iter().map(numbers::read);
    let tensors: Vec<burn_pack::Tensor> = tensors.collect::<Result<_, _>>()?;
    let mut seen = HashSet::new();
    if let Some(twice) = tensors.iter().find(|tensor| !seen.insert(&tensor.name)) {
        return Err(WeightsError::Twice(names::in_file(&twice.name)));
    }
    let converted = Instant::now();
    let result = bert.apply(tensors, None, None, false);

    if !result.errors.is_empty() {
        let problems = result.errors.iter().map(describe).collect();
        return Err(WeightsError::Unfit(problems));
    }
    if !result.missing.is_empty() {
        let missing = result.missing.iter().map(|(path, _)| names::in_file(path));
        return Err(WeightsError::Missing(missing.collect()));
    }
    if !result.unused.is_empty() {
        let unexpected = result.unused.iter().map(|path| names::in_file(path));
        return Err(WeightsError::Unexpected(unexpected.collect()));
    }
    Ok(Times {
        map: mapped - start,
        convert: converted - mapped,
        pack: converted.elapsed(),
    })
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
