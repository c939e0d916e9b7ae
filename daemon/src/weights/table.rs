//! The word embedding, which stays as it is stored: of its many thousand rows, texts have a few hundred.

use std::fmt;

use burn::tensor::Bytes;

use super::int8::Quantised;
use super::numbers::{self, Form};
use super::{Stored, WeightsError, names};

/// Rows of numbers in their file or in the program, in the type that they have there.
pub struct Table {
    bytes: Bytes,
    form: Rows,
    rows: usize,
    width: usize,
}

enum Rows {
    Plain(Form),
    Quantised(Quantised),
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} by {})", self.rows, self.width)
    }
}

impl Table {
    /// Takes a tensor over, which must be `[rows, width]` and have nothing but numbers in it.
    pub(super) fn new(stored: Stored, rows: usize, width: usize) -> Result<Self, WeightsError> {
        let Stored { tensor, quantised } = stored;
        let form = match quantised {
            Some(quantised) => Rows::Quantised(quantised),
            None => Rows::Plain(Form::of(&tensor)?),
        };
        let (name, _, shape, _, bytes) = tensor.into_parts()?;
        if *shape != [rows, width] {
            return Err(WeightsError::Unfit(vec![format!(
                "{} has the shape {shape:?} where {:?} is called for",
                names::in_file(&name),
                [rows, width]
            )]));
        }
        match &form {
            Rows::Plain(form) => form.check(&name, &shape, &bytes)?,
            Rows::Quantised(_) if bytes.len() == rows * width => {}
            Rows::Quantised(_) => return Err(WeightsError::Length(names::in_file(&name))),
        }
        let table = Self {
            bytes,
            form,
            rows,
            width,
        };
        if table.is_finite() {
            Ok(table)
        } else {
            Err(WeightsError::NotNumbers(names::in_file(&name)))
        }
    }

    /// A table of numbers in memory.
    #[cfg(test)]
    pub(crate) fn of(numbers: Vec<f32>, width: usize) -> Self {
        Self {
            rows: numbers.len() / width,
            bytes: Bytes::from_elems(numbers),
            form: Rows::Plain(Form::F32),
            width,
        }
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Reads a row that is there.
    pub fn read(&self, row: usize, numbers: &mut [f32]) {
        let first = row * self.width;
        let stored = |width: usize| {
            let bytes = self.bytes.get(first * width..(first + self.width) * width);
            bytes.unwrap_or_default()
        };
        match &self.form {
            Rows::Plain(form) => form.widen(stored(form.width()), numbers),
            Rows::Quantised(quantised) => quantised.read_row(first, stored(1), numbers),
        }
    }

    fn is_finite(&self) -> bool {
        if let Rows::Quantised(quantised) = &self.form {
            return quantised.is_finite();
        }
        let mut row = vec![0.0; self.width];
        (0..self.rows).all(|index| {
            self.read(index, &mut row);
            numbers::are_finite(&row)
        })
    }
}
