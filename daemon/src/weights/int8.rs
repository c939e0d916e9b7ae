//! The int8 format: eight-bit integers, and scales that convert them to real values.
//!
//! Beside a tensor `X` of type I8 or U8 lie `X_scale` (F32, one value or one per row) and, for U8,
//! `X_zero_point` (one value): `(stored - zero point) × scale`. Linear weights are I8 with a scale
//! per row, embeddings are U8 with one scale and one zero point.

/// Scales and zero point of a tensor of eight bits.
#[derive(Clone)]
pub(super) struct QuantizedTensor {
    pub(super) signed: bool,
    pub(super) zero_point: i32,
    /// One scale for all values, or one per row.
    pub(super) scales: Vec<f32>,
    /// Values per row.
    pub(super) row: usize,
}

impl QuantizedTensor {
    /// Returns true if the values are signed bytes around zero.
    pub(super) fn is_symmetric(&self) -> bool {
        self.signed && self.zero_point == 0
    }

    /// Scale of a row.
    pub(super) fn scale(&self, row: usize) -> f32 {
        match self.scales.as_slice() {
            [one] => *one,
            many => many.get(row).copied().unwrap_or_default(),
        }
    }

    /// Converts a row to f32.
    pub(super) fn read_row(&self, row: usize, stored: &[u8], values: &mut [f32]) {
        let scale = self.scale(row);
        for (value, byte) in values.iter_mut().zip(stored) {
            *value = self.real(*byte) * scale;
        }
    }

    /// Real value of a byte, before it is scaled.
    fn real(&self, byte: u8) -> f32 {
        let stored = if self.signed {
            i32::from(byte.cast_signed())
        } else {
            i32::from(byte)
        };
        #[expect(clippy::cast_precision_loss, reason = "within ±510")]
        let real = (stored - self.zero_point) as f32;
        real
    }

    /// Returns true if the values of all bytes that a row may have are finite.
    pub(super) fn is_finite(&self, row: usize) -> bool {
        [0, 127, 128, 255]
            .iter()
            .all(|byte| (self.real(*byte) * self.scale(row)).is_finite())
    }

    /// Converts all values to f32.
    pub(super) fn dequantize(&self, stored: &[u8]) -> Vec<f32> {
        // One table of the 256 possible values per scale.
        let table = |scale: f32| -> [f32; 256] {
            std::array::from_fn(|byte| self.real(u8::try_from(byte).unwrap_or_default()) * scale)
        };
        let mut values = Vec::with_capacity(stored.len());
        let run = if self.scales.len() == 1 {
            stored.len().max(1)
        } else {
            self.row
        };
        for (run, scale) in stored.chunks(run).zip(&self.scales) {
            let table = table(*scale);
            values.extend(run.iter().map(|byte| table[usize::from(*byte)]));
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_weights_have_a_scale_per_row() {
        let weights = QuantizedTensor {
            signed: true,
            zero_point: 0,
            scales: vec![0.5, 2.0],
            row: 2,
        };
        assert_eq!(
            weights.dequantize(&[255, 1, 128, 127]),
            [-0.5, 0.5, -256.0, 254.0]
        );
    }

    #[test]
    fn embeddings_have_one_scale_and_a_zero_point() {
        let table = QuantizedTensor {
            signed: false,
            zero_point: 128,
            scales: vec![0.5],
            row: 1,
        };
        assert_eq!(table.dequantize(&[0, 128, 255]), [-64.0, 0.0, 63.5]);
    }
}
