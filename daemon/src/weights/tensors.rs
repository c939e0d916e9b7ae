//! The tensors of an encoder, in their stored types.

use std::collections::HashMap;

use super::error::WeightsError;
use super::matrix::StoredMatrix;
use super::names;
use super::source::{Backing, Opened, Weights};
use super::tensor::StoredTensor;

/// The tensors of an encoder, by their names in the module.
pub(crate) struct Tensors {
    matrices: HashMap<String, StoredMatrix>,
    backing: Backing,
}

impl Tensors {
    /// Opens weights, which must have exactly the tensors that `expected` names, in these shapes;
    /// linear weights are `[out, in]`.
    ///
    /// Reads fp32, fp16, bf16 and the int8 format of the built-in model.
    ///
    /// # Errors
    ///
    /// If the weights cannot be read, or do not have exactly these tensors.
    pub(crate) fn open(
        weights: Weights,
        expected: &[(String, Vec<usize>)],
    ) -> Result<Self, WeightsError> {
        let Opened { tensors, backing } = weights.open()?;
        Ok(Self {
            matrices: matrices(tensors, expected)?,
            backing,
        })
    }

    /// Makes tensors of Burn's, linear weights as `[out, in]`.
    #[cfg(test)]
    pub(crate) fn of(
        mut tensors: Vec<burn_store::burn_pack::Tensor>,
        expected: &[(String, Vec<usize>)],
    ) -> Result<Self, WeightsError> {
        for tensor in &mut tensors {
            tensor.name = names::from_pack(&tensor.name);
        }
        Ok(Self {
            matrices: matrices(StoredTensor::plain(tensors), expected)?,
            backing: Backing::Heap,
        })
    }

    /// Looks a tensor up.
    ///
    /// # Errors
    ///
    /// If it is not one of the expected tensors.
    pub(crate) fn get(&self, name: &str) -> Result<&StoredMatrix, WeightsError> {
        let matrix = self.matrices.get(name);
        matrix.ok_or_else(|| WeightsError::Missing(vec![names::in_file(name)]))
    }

    /// Reads all values of a tensor.
    ///
    /// # Errors
    ///
    /// If it is not one of the expected tensors, or a value is not finite.
    pub(crate) fn values(&self, name: &str) -> Result<Vec<f32>, WeightsError> {
        self.get(name)?.values()
    }

    /// Keeps one tensor, of finite values, and frees the memory of the others.
    ///
    /// # Errors
    ///
    /// As those of [`values`](Self::values).
    pub(crate) fn keep(mut self, name: &str) -> Result<StoredMatrix, WeightsError> {
        self.get(name)?.check_finite()?;
        let kept = self.matrices.remove(name);
        let kept = kept.ok_or_else(|| WeightsError::Missing(vec![names::in_file(name)]))?;
        Ok(match self.backing {
            Backing::Program => kept,
            Backing::Mapped(file) => {
                file.drop_pages();
                kept
            }
            Backing::Heap => kept.copied(),
        })
    }
}

/// Finds the expected tensors among those of a file, and no others.
fn matrices(
    tensors: Vec<StoredTensor>,
    expected: &[(String, Vec<usize>)],
) -> Result<HashMap<String, StoredMatrix>, WeightsError> {
    let tensors = tensors.into_iter();
    let named = tensors.map(|stored| (stored.tensor.name.clone(), stored));
    let mut found: HashMap<String, StoredTensor> = named.collect();
    let mut matrices = HashMap::new();
    let (mut unfit, mut missing) = (Vec::new(), Vec::new());
    for (name, shape) in expected {
        let Some(stored) = found.remove(name) else {
            missing.push(names::in_file(name));
            continue;
        };
        if *stored.tensor.shape == **shape {
            matrices.insert(name.clone(), StoredMatrix::new(stored)?);
        } else {
            let has: &[usize] = &stored.tensor.shape;
            let name = names::in_file(name);
            unfit.push(format!("{name} has the shape {has:?}, expected {shape:?}"));
        }
    }
    if !unfit.is_empty() {
        return Err(WeightsError::Unfit(unfit));
    }
    if !missing.is_empty() {
        return Err(WeightsError::Missing(missing));
    }
    if !found.is_empty() {
        let mut unexpected: Vec<String> = found.keys().map(|name| names::in_file(name)).collect();
        unexpected.sort();
        return Err(WeightsError::Unexpected(unexpected));
    }
    Ok(matrices)
}
