//! A stored matrix, of which rows are read as they are needed.

use std::fmt;

use burn::tensor::Bytes;

use super::error::WeightsError;
use super::float_type::FloatType;
use super::int8::QuantizedTensor;
use super::names;
use super::tensor::StoredTensor;

/// Matrix `[rows, width]` in its file or in the program, in its stored type. A vector is a matrix
/// of one row.
pub(crate) struct StoredMatrix {
    name: String,
    bytes: Bytes,
    stored: Rows,
    rows: usize,
    width: usize,
}

/// Stored type of the values.
enum Rows {
    Plain(FloatType),
    Quantized(QuantizedTensor),
}

impl Rows {
    /// Bytes per value.
    fn value_bytes(&self) -> usize {
        match self {
            Self::Plain(float) => float.width(),
            Self::Quantized(_) => 1,
        }
    }
}

impl fmt::Debug for StoredMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StoredMatrix({}, {} by {})",
            self.name, self.rows, self.width
        )
    }
}

impl StoredMatrix {
    /// Makes a matrix of a tensor of one or two dimensions.
    ///
    /// # Errors
    ///
    /// If the tensor is of a type that is not read, or does not have as many values as its shape
    /// says.
    pub(super) fn new(stored: StoredTensor) -> Result<Self, WeightsError> {
        let StoredTensor { tensor, quantized } = stored;
        let stored = match quantized {
            Some(quantized) => Rows::Quantized(quantized),
            None => Rows::Plain(FloatType::of(&tensor)?),
        };
        let (name, _, shape, _, bytes) = tensor.into_parts()?;
        let width = match (&stored, shape.as_slice()) {
            // A vector with a scale for each value.
            (Rows::Quantized(quantized), [_]) if quantized.scales.len() > 1 => 1,
            (_, [.., width]) => *width,
            (_, []) => 1,
        };
        let values: usize = shape.iter().product();
        if bytes.len() != values * stored.value_bytes() {
            return Err(WeightsError::Length(names::in_file(&name)));
        }
        Ok(Self {
            name,
            bytes,
            stored,
            rows: values.checked_div(width).unwrap_or(0),
            width,
        })
    }

    /// The same matrix in memory of its own, so that the rest of its file can be freed.
    pub(super) fn copied(self) -> Self {
        Self {
            bytes: Bytes::from_bytes_vec(self.bytes.to_vec()),
            ..self
        }
    }

    /// Makes a matrix of values in memory.
    #[cfg(test)]
    pub(crate) fn of(values: Vec<f32>, width: usize) -> Self {
        Self {
            name: "test".to_owned(),
            rows: values.len() / width,
            bytes: Bytes::from_elems(values),
            stored: Rows::Plain(FloatType::F32),
            width,
        }
    }

    /// Number of rows.
    #[must_use]
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Values per row.
    #[must_use]
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Returns true if the values are stored as signed bytes around zero.
    #[must_use]
    pub(crate) fn is_int8(&self) -> bool {
        matches!(&self.stored, Rows::Quantized(quantized) if quantized.is_symmetric())
    }

    /// Reads a row into `values`, which stay unchanged if the row does not exist.
    pub(crate) fn read(&self, row: usize, values: &mut [f32]) {
        let stored = self.row(row).unwrap_or_default();
        match &self.stored {
            Rows::Plain(float) => float.to_f32(stored, values),
            Rows::Quantized(quantized) => quantized.read_row(row, stored, values),
        }
    }

    /// Reads a row of finite values.
    ///
    /// # Errors
    ///
    /// If the row does not exist, or a value is not finite.
    pub(crate) fn read_finite(&self, row: usize, values: &mut [f32]) -> Result<(), WeightsError> {
        self.check_row(row)?;
        self.read(row, values);
        Ok(())
    }

    /// Reads a row of [`is_int8`](Self::is_int8) values as they are stored, and returns the scale
    /// that they are to be multiplied by.
    ///
    /// # Errors
    ///
    /// If the row does not exist, the values are of another type, or the scale is not finite.
    pub(crate) fn read_int8(&self, row: usize, values: &mut [i8]) -> Result<f32, WeightsError> {
        self.check_row(row)?;
        let Rows::Quantized(quantized) = &self.stored else {
            return Err(self.not_int8());
        };
        if !quantized.is_symmetric() {
            return Err(self.not_int8());
        }
        let stored = self.row(row).unwrap_or_default();
        for (value, stored) in values.iter_mut().zip(stored) {
            *value = stored.cast_signed();
        }
        Ok(quantized.scale(row))
    }

    /// Reads all values.
    ///
    /// # Errors
    ///
    /// If one is not finite.
    pub(crate) fn values(&self) -> Result<Vec<f32>, WeightsError> {
        let mut values = vec![0.0; self.rows * self.width];
        for (index, row) in values.chunks_exact_mut(self.width.max(1)).enumerate() {
            self.read_finite(index, row)?;
        }
        Ok(values)
    }

    /// Checks that all values are finite. NaN in one row of the word embedding would spoil only the
    /// texts with that token, and stay unnoticed until one comes.
    ///
    /// # Errors
    ///
    /// If one is not finite.
    pub(super) fn check_finite(&self) -> Result<(), WeightsError> {
        (0..self.rows).try_for_each(|row| self.check_row(row))
    }

    /// Checks that a row exists, and that its values are finite.
    fn check_row(&self, row: usize) -> Result<(), WeightsError> {
        let stored = self.row(row);
        let stored = stored.ok_or_else(|| WeightsError::Length(names::in_file(&self.name)))?;
        let is_finite = match &self.stored {
            Rows::Plain(float) => float.are_finite(stored),
            Rows::Quantized(quantized) => quantized.is_finite(row),
        };
        if is_finite {
            Ok(())
        } else {
            Err(WeightsError::NotFinite(names::in_file(&self.name)))
        }
    }

    fn not_int8(&self) -> WeightsError {
        WeightsError::Quantization {
            name: names::in_file(&self.name),
            problem: "it is not of signed bytes around zero",
        }
    }

    /// Bytes of a row.
    fn row(&self, row: usize) -> Option<&[u8]> {
        let width = self.width * self.stored.value_bytes();
        self.bytes.get(row * width..(row + 1) * width)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;
    use burn_store::burn_pack;

    use super::*;

    fn matrix(
        shape: &[usize],
        bytes: &[u8],
        zero_point: Option<i32>,
        scales: &[f32],
    ) -> StoredMatrix {
        let dtype = if zero_point.is_some() {
            DType::U8
        } else {
            DType::I8
        };
        let content = Bytes::from_bytes_vec(bytes.to_vec());
        let tensor = burn_pack::Tensor::new("test".into(), dtype, shape.to_vec(), None, content);
        let quantized = QuantizedTensor {
            signed: zero_point.is_none(),
            zero_point: zero_point.unwrap_or(0),
            scales: scales.to_vec(),
            row: shape[1..].iter().product::<usize>().max(1),
        };
        let stored = StoredTensor {
            tensor,
            quantized: Some(quantized),
        };
        StoredMatrix::new(stored).unwrap()
    }

    #[test]
    fn bytes_have_the_scale_of_their_row_or_value() {
        let rows = matrix(&[2, 2], &[1, 255, 128, 127], None, &[0.5, 2.0]);
        assert!(rows.is_int8());
        assert_eq!(rows.values().unwrap(), [0.5, -0.5, -256.0, 254.0]);
        let mut stored = [0; 2];
        assert_eq!(
            rows.read_int8(1, &mut stored).unwrap().to_bits(),
            2.0_f32.to_bits()
        );
        assert_eq!(stored, [-128, 127]);
        assert!(rows.read_int8(2, &mut stored).is_err());
        // A bias with one scale, and with one for each value.
        let one = matrix(&[3], &[1, 2, 3], None, &[0.5]);
        assert_eq!(one.values().unwrap(), [0.5, 1.0, 1.5]);
        let each = matrix(&[3], &[1, 2, 3], None, &[0.5, 1.0, -2.0]);
        assert_eq!(each.values().unwrap(), [0.5, 2.0, -6.0]);
    }

    #[test]
    fn bytes_around_another_value_are_not_taken_as_they_are() {
        let table = matrix(&[2, 2], &[0, 128, 255, 129], Some(128), &[0.5]);
        assert!(!table.is_int8());
        assert!(table.read_int8(0, &mut [0; 2]).is_err());
        assert_eq!(table.values().unwrap(), [-64.0, 0.0, 63.5, 0.5]);
    }

    #[test]
    fn scales_that_are_no_numbers_are_refused() {
        for scale in [f32::NAN, f32::INFINITY, f32::MAX] {
            let rows = matrix(&[2, 2], &[0; 4], None, &[1.0, scale]);
            assert!(rows.read_int8(0, &mut [0; 2]).is_ok());
            assert!(rows.read_int8(1, &mut [0; 2]).is_err(), "{scale}");
            assert!(rows.read_finite(1, &mut [0.0; 2]).is_err(), "{scale}");
            let vector = matrix(&[2], &[0; 2], None, &[1.0, scale]);
            assert!(vector.values().is_err(), "{scale}");
        }
    }
}
