//! Stored float types: conversion of a tensor's bytes to f32, with linear weights transposed to
//! `[in, out]`, Burn's layout.

use std::sync::{Mutex, PoisonError};

use burn::tensor::{DType, TensorData};
use burn_store::bridge;
use burn_store::burn_pack::{self, Tensor};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::error::WeightsError;
use super::names;
use super::tensor::StoredTensor;

/// Number of values converted at a time: a few kilobytes, which stay in the first-level cache.
const BLOCK: usize = 512;

/// Number of rows transposed at a time: a cache line of f32, so that each line is written once.
const ROWS: usize = 16;

/// Reads the values of a tensor as f32, under Burn's name for the tensor.
pub(super) fn read(stored: &StoredTensor) -> Result<Tensor, WeightsError> {
    let tensor = stored.dequantized();
    let float = FloatType::of(&tensor)?;
    let (name, _, shape, _, bytes) = tensor.into_parts()?;
    float.check(&name, &shape, &bytes)?;
    let (values, shape) = match shape.as_slice() {
        [rows, columns] if names::is_linear(&name) => {
            let transposed = float.read_transposed(&bytes, *rows, *columns);
            (transposed, vec![*columns, *rows])
        }
        other => (float.read(&bytes), other.to_vec()),
    };
    if !are_finite(&values) {
        return Err(WeightsError::NotFinite(names::in_file(&name)));
    }
    let data = TensorData::try_from_bytes(
        burn::tensor::Bytes::from_elems(values),
        shape.clone(),
        DType::F32,
    );
    let data = data.map_err(|error| burn_pack::Error::ValidationError(error.to_string()))?;
    // Burn copies the data of a tensor in memory, and takes over the data of a deferred one.
    let once = Mutex::new(Some(data));
    let take = move || {
        let data = once.lock().unwrap_or_else(PoisonError::into_inner).take();
        data.ok_or_else(|| {
            burn_pack::Error::ValidationError("the values were read before".to_owned())
        })
    };
    let name = names::in_burn(&name);
    Ok(bridge::deferred(name, DType::F32, shape.into(), None, take))
}

/// Returns true if all values are finite. NaN in one row of the word embedding would spoil only the
/// texts with that token, and stay unnoticed otherwise.
pub(super) fn are_finite(values: &[f32]) -> bool {
    // The maximum of the magnitudes as bits, which compiles to vector instructions.
    let magnitudes = values.iter().map(|value| value.abs().to_bits());
    magnitudes.fold(0, u32::max) < f32::INFINITY.to_bits()
}

/// Stored type of a value, little-endian.
#[derive(Clone, Copy)]
pub(super) enum FloatType {
    F32,
    F16,
    BF16,
}

impl FloatType {
    pub(super) fn of(tensor: &Tensor) -> Result<Self, WeightsError> {
        match tensor.dtype {
            DType::F32 => Ok(Self::F32),
            DType::F16 => Ok(Self::F16),
            DType::BF16 => Ok(Self::BF16),
            other => Err(WeightsError::DType {
                name: names::in_file(&tensor.name),
                found: format!("{other:?}"),
            }),
        }
    }

    /// Checks that the number of bytes matches the shape.
    pub(super) fn check(
        self,
        name: &str,
        shape: &[usize],
        bytes: &[u8],
    ) -> Result<(), WeightsError> {
        if bytes.len() == shape.iter().product::<usize>() * self.width() {
            Ok(())
        } else {
            Err(WeightsError::Length(names::in_file(name)))
        }
    }

    /// Bytes per value.
    pub(super) fn width(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }

    fn read(self, stored: &[u8]) -> Vec<f32> {
        let mut values = vec![0.0; stored.len() / self.width()];
        self.to_f32(stored, &mut values);
        values
    }

    /// Reads `[rows, columns]` and returns the values as `[columns, rows]`.
    fn read_transposed(self, stored: &[u8], rows: usize, columns: usize) -> Vec<f32> {
        let mut transposed = vec![0.0; rows * columns];
        if transposed.is_empty() {
            return transposed;
        }
        // A row and one cache line more, so that the values of a column do not all map to the same
        // set of the cache.
        let stride = columns + ROWS;
        let mut block = vec![0.0; ROWS * stride];
        let row_bytes = columns * self.width();
        for (stored, first) in stored.chunks(ROWS * row_bytes).zip((0..rows).step_by(ROWS)) {
            let count = stored.len() / row_bytes;
            for (stored, row) in stored.chunks_exact(row_bytes).zip(block.chunks_mut(stride)) {
                self.to_f32(stored, &mut row[..columns]);
            }
            for (column, transposed) in transposed.chunks_exact_mut(rows).enumerate() {
                let run = transposed.iter_mut().skip(first).take(count);
                for (value, row) in run.zip(block.chunks_exact(stride)) {
                    *value = row[column];
                }
            }
        }
        transposed
    }

    /// Converts stored values to f32, which is exact: every f16 and bf16 is an f32.
    pub(super) fn to_f32(self, stored: &[u8], values: &mut [f32]) {
        match self {
            Self::F32 => {
                let (stored, _) = stored.as_chunks::<4>();
                for (value, stored) in values.iter_mut().zip(stored) {
                    *value = f32::from_le_bytes(*stored);
                }
            }
            Self::F16 => halves_to_f32(stored, values, f16::from_le_bytes),
            Self::BF16 => halves_to_f32(stored, values, bf16::from_le_bytes),
        }
    }
}

/// Converts sixteen-bit values. Copies them first, since the conversion of whole slices needs
/// aligned values, and stored ones may lie at odd addresses.
fn halves_to_f32<H: Copy + Default>(
    stored: &[u8],
    values: &mut [f32],
    from_bytes: impl Fn([u8; 2]) -> H,
) where
    [H]: HalfFloatSliceExt,
{
    let (stored, _) = stored.as_chunks::<2>();
    let mut halves = [H::default(); BLOCK];
    for (stored, values) in stored.chunks(BLOCK).zip(values.chunks_mut(BLOCK)) {
        for (half, stored) in halves.iter_mut().zip(stored) {
            *half = from_bytes(*stored);
        }
        halves[..values.len()].convert_to_f32_slice(values);
    }
}

#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "small whole values"
)]
mod tests {
    use super::*;

    #[test]
    fn halves_convert_exactly_at_any_length() {
        for count in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7] {
            let exact: Vec<f32> = (0..count).map(|i| (i as f32 - 700.0) / 64.0).collect();
            let halves = exact.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes());
            assert_eq!(FloatType::F16.read(&halves.collect::<Vec<u8>>()), exact);
            let whole: Vec<f32> = (0..count).map(|i| (i % 256) as f32).collect();
            let brains = whole.iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes());
            assert_eq!(FloatType::BF16.read(&brains.collect::<Vec<u8>>()), whole);
        }
    }

    #[test]
    fn transposing_puts_rows_where_columns_were() {
        for (rows, columns) in [(1, 1), (3, 5), (16, 16), (17, 40), (33, 2), (0, 4), (4, 0)] {
            let values: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            let stored: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            let transposed = FloatType::F32.read_transposed(&stored, rows, columns);
            for row in 0..rows {
                for column in 0..columns {
                    assert_eq!(
                        transposed[column * rows + row],
                        values[row * columns + column]
                    );
                }
            }
        }
    }
}
