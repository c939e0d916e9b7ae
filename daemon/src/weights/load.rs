//! Loading of all tensors of a module.

use std::collections::HashSet;
use std::time::Instant;

use burn_store::{ApplyError, ModuleSnapshot, burn_pack};
use rayon::prelude::*;

use super::embedding_table::EmbeddingTable;
use super::error::WeightsError;
use super::source::{Backing, Opened, Weights};
use super::tensor::StoredTensor;
use super::timings::LoadTimings;
use super::{float_type, names};

/// Loads weights into a module, with the threads of the current pool. The word embedding, of the
/// shape `vocab_shape` = `[vocabulary, hidden]`, is not converted, and is returned. Adds the
/// durations to `timings`.
///
/// Reads fp32, fp16, bf16 and the int8 format of the built-in model, and converts the values to
/// f32.
///
/// # Errors
///
/// If the weights cannot be read, or do not have exactly the tensors of the module. The pooler and
/// other heads, which an encoder does not need, are ignored.
pub(crate) fn load<M: ModuleSnapshot>(
    module: &mut M,
    vocab_shape: [usize; 2],
    weights: Weights,
    timings: &mut LoadTimings,
) -> Result<EmbeddingTable, WeightsError> {
    let start = Instant::now();
    let Opened {
        mut tensors,
        backing,
    } = weights.open()?;
    tensors.retain(|stored| names::is_encoder(&stored.tensor.name));
    let opened = Instant::now();
    check_duplicates(&tensors)?;
    let words = tensors
        .iter()
        .position(|stored| stored.tensor.name == names::WORDS)
        .map(|index| EmbeddingTable::new(tensors.swap_remove(index), vocab_shape))
        .transpose()?;
    let tensors = tensors.par_iter().map(float_type::read);
    let tensors: Vec<burn_pack::Tensor> = tensors.collect::<Result<_, _>>()?;
    let converted = Instant::now();
    let result = module.apply(tensors, None, None, false);

    if !result.errors.is_empty() {
        let problems = result.errors.iter().map(describe).collect();
        return Err(WeightsError::Unfit(problems));
    }
    let missing = result.missing.iter().map(|(path, _)| path.as_str());
    let missing = missing.filter(|path| *path != names::WORDS || words.is_none());
    let missing: Vec<String> = missing.map(names::in_file).collect();
    let Some(words) = words.filter(|_| missing.is_empty()) else {
        return Err(WeightsError::Missing(missing));
    };
    if !result.unused.is_empty() {
        let unexpected = result.unused.iter().map(|path| names::in_file(path));
        return Err(WeightsError::Unexpected(unexpected.collect()));
    }
    let words = match backing {
        Backing::Program => words,
        Backing::Mapped(file) => {
            file.drop_pages();
            words
        }
        Backing::Heap => words.copied(),
    };
    timings.map += opened - start;
    timings.convert += converted - opened;
    timings.pack += converted.elapsed();
    Ok(words)
}

/// Refuses two tensors of the same name. Compares Burn's names, which are the same for the old and
/// the new name of a tensor.
fn check_duplicates(tensors: &[StoredTensor]) -> Result<(), WeightsError> {
    let mut seen = HashSet::new();
    let mut names = tensors
        .iter()
        .map(|stored| names::in_burn(&stored.tensor.name));
    match names.find(|name| !seen.insert(name.clone())) {
        Some(duplicate) => Err(WeightsError::Duplicate(names::in_file(&duplicate))),
        None => Ok(()),
    }
}

fn describe(error: &ApplyError) -> String {
    match error {
        ApplyError::ShapeMismatch {
            path,
            expected,
            found,
        } => format!(
            "{} has the shape {found:?}, expected {expected:?} (linear weights transposed)",
            names::in_file(path)
        ),
        ApplyError::DTypeMismatch {
            path,
            expected,
            found,
        } => format!(
            "{} is of type {found:?}, expected {expected:?}",
            names::in_file(path)
        ),
        ApplyError::AdapterError { path, message } | ApplyError::LoadError { path, message } => {
            format!("{}: {message}", names::in_file(path))
        }
    }
}
