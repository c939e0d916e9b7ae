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
        let width = shape.last().copied().unwrap_or(1);
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
        let (Rows::Quantized(quantized), Some(stored)) = (&self.stored, self.row(row)) else {
            return Err(WeightsError::Length(names::in_file(&self.name)));
        };
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

    /// Bytes of a row.
    fn row(&self, row: usize) -> Option<&[u8]> {
        let width = self.width * self.stored.value_bytes();
        self.bytes.get(row * width..(row + 1) * width)
    }
}
