//! The word embedding, which stays in its stored type: a text reads only a few hundred of its rows.

use std::fmt;

use burn::tensor::Bytes;

use super::error::WeightsError;
use super::float_type::{FloatType, are_finite};
use super::int8::QuantizedTensor;
use super::names;
use super::tensor::StoredTensor;

/// Table of values `[rows, width]` in its file or in the program, in its stored type.
pub(crate) struct EmbeddingTable {
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

impl fmt::Debug for EmbeddingTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmbeddingTable({} by {})", self.rows, self.width)
    }
}

impl EmbeddingTable {
    /// Makes the table of a tensor, which must have the shape `[rows, width]` and only finite
    /// values.
    pub(super) fn new(
        stored: StoredTensor,
        [rows, width]: [usize; 2],
    ) -> Result<Self, WeightsError> {
        let StoredTensor { tensor, quantized } = stored;
        let stored = match quantized {
            Some(quantized) => Rows::Quantized(quantized),
            None => Rows::Plain(FloatType::of(&tensor)?),
        };
        let (name, _, shape, _, bytes) = tensor.into_parts()?;
        if *shape != [rows, width] {
            return Err(WeightsError::Unfit(vec![format!(
                "{} has the shape {shape:?}, expected {:?}",
                names::in_file(&name),
                [rows, width]
            )]));
        }
        match &stored {
            Rows::Plain(float) => float.check(&name, &shape, &bytes)?,
            Rows::Quantized(_) if bytes.len() == rows * width => {}
            Rows::Quantized(_) => return Err(WeightsError::Length(names::in_file(&name))),
        }
        let table = Self {
            bytes,
            stored,
            rows,
            width,
        };
        if table.is_finite() {
            Ok(table)
        } else {
            Err(WeightsError::NotFinite(names::in_file(&name)))
        }
    }

    /// The same table in memory of its own, so that the rest of its file can be freed.
    pub(super) fn copied(self) -> Self {
        Self {
            bytes: Bytes::from_bytes_vec(self.bytes.to_vec()),
            ..self
        }
    }

    /// Makes a table of values in memory.
    #[cfg(test)]
    pub(crate) fn of(values: Vec<f32>, width: usize) -> Self {
        Self {
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

    /// Reads a row into `values`, which stay unchanged if the row does not exist.
    pub(crate) fn read(&self, row: usize, values: &mut [f32]) {
        let first = row * self.width;
        let stored = |width: usize| {
            let bytes = self.bytes.get(first * width..(first + self.width) * width);
            bytes.unwrap_or_default()
        };
        match &self.stored {
            Rows::Plain(float) => float.to_f32(stored(float.width()), values),
            Rows::Quantized(quantized) => quantized.read_row(first, stored(1), values),
        }
    }

    fn is_finite(&self) -> bool {
        if let Rows::Quantized(quantized) = &self.stored {
            return quantized.is_finite();
        }
        let mut row = vec![0.0; self.width];
        (0..self.rows).all(|index| {
            self.read(index, &mut row);
            are_finite(&row)
        })
    }
}
