//! Stored float types: conversion of a tensor's bytes to f32.

use burn::tensor::DType;
use burn_store::burn_pack::Tensor;
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::error::WeightsError;
use super::names;

/// Number of values converted at a time: a few kilobytes, which stay in the first-level cache.
const BLOCK: usize = 512;

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

    /// Bytes per value.
    pub(super) fn width(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }

    /// Returns true if all stored values are finite: none has the largest exponent.
    pub(super) fn are_finite(self, stored: &[u8]) -> bool {
        // The maximum of the magnitudes as bits, which compiles to vector instructions.
        match self {
            Self::F32 => {
                let (stored, _) = stored.as_chunks::<4>();
                let magnitudes = stored.iter().map(|bytes| u32::from_le_bytes(*bytes) << 1);
                magnitudes.fold(0, u32::max) < f32::INFINITY.to_bits() << 1
            }
            Self::F16 => largest_half(stored) < f16::INFINITY.to_bits(),
            Self::BF16 => largest_half(stored) < bf16::INFINITY.to_bits(),
        }
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

/// Largest magnitude of sixteen-bit values, as bits.
fn largest_half(stored: &[u8]) -> u16 {
    let (stored, _) = stored.as_chunks::<2>();
    let magnitudes = stored
        .iter()
        .map(|bytes| u16::from_le_bytes(*bytes) & 0x7fff);
    magnitudes.fold(0, u16::max)
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
#[expect(clippy::cast_precision_loss, reason = "small whole values")]
mod tests {
    use super::*;

    fn read(float: FloatType, stored: &[u8]) -> Vec<f32> {
        let mut values = vec![0.0; stored.len() / float.width()];
        float.to_f32(stored, &mut values);
        values
    }

    #[test]
    fn halves_convert_exactly_at_any_length() {
        for count in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7] {
            let exact: Vec<f32> = (0..count).map(|i| (i as f32 - 700.0) / 64.0).collect();
            let halves = exact.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes());
            assert_eq!(read(FloatType::F16, &halves.collect::<Vec<u8>>()), exact);
            let whole: Vec<f32> = (0..count).map(|i| (i % 256) as f32).collect();
            let brains = whole.iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes());
            assert_eq!(read(FloatType::BF16, &brains.collect::<Vec<u8>>()), whole);
        }
    }

    #[test]
    fn nan_and_infinity_are_found_anywhere() {
        for broken in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in [0, 1, 62, 69] {
                let mut values = [f32::from(f16::MAX); 70];
                values[3] = -values[3];
                let stored = |values: &[f32], float| -> Vec<u8> {
                    let bytes = values.iter().map(|value| match float {
                        FloatType::F32 => value.to_le_bytes().to_vec(),
                        FloatType::F16 => f16::from_f32(*value).to_le_bytes().to_vec(),
                        FloatType::BF16 => bf16::from_f32(*value).to_le_bytes().to_vec(),
                    });
                    bytes.flatten().collect()
                };
                for float in [FloatType::F32, FloatType::F16, FloatType::BF16] {
                    assert!(float.are_finite(&stored(&values, float)));
                }
                values[place] = broken;
                for float in [FloatType::F32, FloatType::F16, FloatType::BF16] {
                    assert!(
                        !float.are_finite(&stored(&values, float)),
                        "{broken} at {place}"
                    );
                }
            }
        }
    }
}
