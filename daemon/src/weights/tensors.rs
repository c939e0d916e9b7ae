//! The tensors of an encoder, in their stored types.

use std::collections::HashMap;

use super::error::WeightsError;
use super::matrix::StoredMatrix;
use super::names;
use super::source::{Backing, Opened, Weights};
use super::tensor::StoredTensor;

/// The tensors of an encoder, by their names in the module.
pub(crate) struct Tensors {
    stored: HashMap<String, StoredTensor>,
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
            stored: checked(tensors, expected)?,
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
            stored: checked(StoredTensor::plain(tensors), expected)?,
            backing: Backing::Heap,
        })
    }

    /// Looks a tensor up. Its bytes are those of its file, or are read from a PyTorch checkpoint.
    ///
    /// # Errors
    ///
    /// If it is not one of the expected tensors, or cannot be read.
    pub(crate) fn get(&self, name: &str) -> Result<StoredMatrix, WeightsError> {
        let stored = self.stored.get(name);
        let stored = stored.ok_or_else(|| WeightsError::Missing(vec![names::in_file(name)]))?;
        StoredMatrix::new(stored.clone())
    }

    /// Reads all values of a tensor.
    ///
    /// # Errors
    ///
    /// As those of [`get`](Self::get), or if a value is not finite.
    pub(crate) fn values(&self, name: &str) -> Result<Vec<f32>, WeightsError> {
        self.get(name)?.values()
    }

    /// Keeps one tensor, of finite values, and frees the memory of the others.
    ///
    /// # Errors
    ///
    /// As those of [`values`](Self::values).
    pub(crate) fn keep(self, name: &str) -> Result<StoredMatrix, WeightsError> {
        let kept = self.get(name)?;
        kept.check_finite()?;
        Ok(match self.backing {
            Backing::Program | Backing::Own => kept,
            Backing::Mapped(file) => {
                file.drop_pages();
                kept
            }
            Backing::Heap => kept.copied(),
        })
    }
}

/// Checks that these are the expected tensors, in their shapes and of types that are read.
fn checked(
    tensors: Vec<StoredTensor>,
    expected: &[(String, Vec<usize>)],
) -> Result<HashMap<String, StoredTensor>, WeightsError> {
    let tensors = tensors.into_iter();
    let named = tensors.map(|stored| (stored.tensor.name.clone(), stored));
    let mut found: HashMap<String, StoredTensor> = named.collect();
    let mut checked = HashMap::new();
    let (mut unfit, mut missing) = (Vec::new(), Vec::new());
    for (name, shape) in expected {
        let Some(stored) = found.remove(name) else {
            missing.push(names::in_file(name));
            continue;
        };
        if *stored.tensor.shape == **shape {
            stored.check_type()?;
            checked.insert(name.clone(), stored);
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
    Ok(checked)
}
