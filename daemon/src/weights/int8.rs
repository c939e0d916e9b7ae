//! The int8 form: eight-bit numbers, and what turns them back into real ones.
//!
//! Beside a tensor `X` of type I8 or U8 lie `X_scale` (F32, one number or one a row) and, for U8,
//! `X_zero_point` (one number): `(stored - zero point) × scale`. Linear weights are I8 with a scale
//! a row, embeddings are U8 with one scale and one zero point.

use safetensors::Dtype;
use safetensors::tensor::TensorInfo;

use super::WeightsError;
use super::safetensors::File;

const SCALE: &str = "_scale";
const ZERO_POINT: &str = "_zero_point";

/// How to read one quantised tensor.
#[derive(Clone)]
pub(super) struct Quantised {
    signed: bool,
    zero_point: i32,
    /// One for all, or one a row.
    scales: Vec<f32>,
    row: usize,
}

impl Quantised {
    /// Whether a tensor is there only to read another one.
    pub(super) fn is_companion(file: &File, name: &str) -> bool {
        [SCALE, ZERO_POINT].iter().any(|ending| {
            name.strip_suffix(ending)
                .is_some_and(|owner| file.info(owner).is_some())
        })
    }

    /// Finds what belongs to the tensor `name`.
    pub(super) fn find(file: &File, name: &str, info: &TensorInfo) -> Result<Self, WeightsError> {
        let fault = |problem| WeightsError::Quantisation {
            name: name.to_owned(),
            problem,
        };
        let scale = file
            .info(&format!("{name}{SCALE}"))
            .filter(|scale| scale.dtype == Dtype::F32)
            .ok_or_else(|| fault("it has no scale of type F32"))?;
        let stored = file.stored(scale);
        let (scales, _) = stored.as_chunks::<4>();
        let scales: Vec<f32> = scales
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        let rows = info.shape.first().copied().unwrap_or(1);
        let row = info.shape.iter().skip(1).product::<usize>();
        if scales.len() != 1 && scales.len() != rows {
            return Err(fault("it has neither one scale nor one a row"));
        }
        let zero_point = match file.info(&format!("{name}{ZERO_POINT}")) {
            None => 0,
            Some(zero) => match (zero.dtype, &*file.stored(zero)) {
                (Dtype::U8, [zero]) => i32::from(*zero),
                (Dtype::I8, [zero]) => i32::from(zero.cast_signed()),
                _ => return Err(fault("its zero point is not one number of eight bits")),
            },
        };
        Ok(Self {
            signed: info.dtype == Dtype::I8,
            zero_point,
            scales,
            row: row.max(1),
        })
    }

    /// The real numbers of a row that begins with the number at `first`.
    pub(super) fn read_row(&self, first: usize, stored: &[u8], numbers: &mut [f32]) {
        let scale = match self.scales.as_slice() {
            [one] => *one,
            many => many.get(first / self.row).copied().unwrap_or_default(),
        };
        for (number, byte) in numbers.iter_mut().zip(stored) {
            let value = if self.signed {
                i32::from(byte.cast_signed())
            } else {
                i32::from(*byte)
            };
            #[expect(clippy::cast_precision_loss, reason = "within ±510")]
            let value = (value - self.zero_point) as f32;
            *number = value * scale;
        }
    }

    /// Whether every byte stands for a number.
    pub(super) fn is_finite(&self) -> bool {
        self.scales.iter().all(|scale| scale.is_finite())
    }

    /// The real numbers.
    pub(super) fn dequantise(&self, stored: &[u8]) -> Vec<f32> {
        // A table of the 256 values a byte can stand for, one for each scale.
        let table = |scale: f32| -> [f32; 256] {
            std::array::from_fn(|byte| {
                let byte = u8::try_from(byte).unwrap_or_default();
                let value = if self.signed {
                    i32::from(byte.cast_signed())
                } else {
                    i32::from(byte)
                };
                #[expect(clippy::cast_precision_loss, reason = "within ±510")]
                let value = (value - self.zero_point) as f32;
                value * scale
            })
        };
        let mut numbers = Vec::with_capacity(stored.len());
        let run = if self.scales.len() == 1 {
            stored.len().max(1)
        } else {
            self.row
        };
        for (run, scale) in stored.chunks(run).zip(&self.scales) {
            let table = table(*scale);
            numbers.extend(run.iter().map(|byte| table[usize::from(*byte)]));
        }
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_weights_have_a_scale_a_row() {
        let weights = Quantised {
            signed: true,
            zero_point: 0,
            scales: vec![0.5, 2.0],
            row: 2,
        };
        assert_eq!(
            weights.dequantise(&[255, 1, 128, 127]),
            [-0.5, 0.5, -256.0, 254.0]
        );
    }

    #[test]
    fn embeddings_have_one_scale_and_a_zero_point() {
        let table = Quantised {
            signed: false,
            zero_point: 128,
            scales: vec![0.5],
            row: 1,
        };
        assert_eq!(table.dequantise(&[0, 128, 255]), [-64.0, 0.0, 63.5]);
    }
}
