//! A tensor's stored bytes to numbers: f32, and linear weights turned round to `[in, out]`, as Burn
//! keeps them.

use std::sync::{Mutex, PoisonError};

use burn::tensor::{DType, TensorData};
use burn_store::bridge;
use burn_store::burn_pack::{self, Tensor};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::{Stored, WeightsError, names};

/// Numbers that are widened in one go: a few kilobytes, which stay in the nearest cache.
const BLOCK: usize = 512;

/// Rows that are turned round in one go: a cache line of f32, so that each line is written once.
const ROWS: usize = 16;

/// Reads a tensor's numbers. Its name is then Burn's.
pub(super) fn read(stored: &Stored) -> Result<Tensor, WeightsError> {
    let tensor = stored.dequantised();
    let form = Form::of(&tensor)?;
    let (name, _, shape, _, bytes) = tensor.into_parts()?;
    form.check(&name, &shape, &bytes)?;
    let (numbers, shape) = match shape.as_slice() {
        [rows, columns] if names::is_linear(&name) => {
            let turned = form.read_turned(&bytes, *rows, *columns);
            (turned, vec![*columns, *rows])
        }
        other => (form.read(&bytes), other.to_vec()),
    };
    if !are_finite(&numbers) {
        return Err(WeightsError::NotNumbers(names::in_file(&name)));
    }
    let data = TensorData::try_from_bytes(
        burn::tensor::Bytes::from_elems(numbers),
        shape.clone(),
        DType::F32,
    );
    let data = data.map_err(|error| burn_pack::Error::ValidationError(error.to_string()))?;
    // Burn copies a tensor that is simply there, and takes one that is made for it.
    let once = Mutex::new(Some(data));
    let take = move || {
        let data = once.lock().unwrap_or_else(PoisonError::into_inner).take();
        data.ok_or_else(|| burn_pack::Error::ValidationError("it was taken before".to_owned()))
    };
    let name = names::in_burn(&name);
    Ok(bridge::deferred(name, DType::F32, shape.into(), None, take))
}

/// Whether all numbers are such. One that is not in a row of the vocabulary would spoil the texts with that token,
/// and no others.
pub(super) fn are_finite(numbers: &[f32]) -> bool {
    // (The largest of all magnitudes as bits: a form that is computed many at a time.)
    let magnitudes = numbers.iter().map(|number| number.abs().to_bits());
    magnitudes.fold(0, u32::max) < f32::INFINITY.to_bits()
}

/// The type that numbers are stored in, little-endian.
#[derive(Clone, Copy)]
pub(super) enum Form {
    F32,
    F16,
    BF16,
}

impl Form {
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

    /// Whether these are as many bytes as the shape has numbers.
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

    /// Bytes of a number.
    pub(super) fn width(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }

    fn read(self, stored: &[u8]) -> Vec<f32> {
        let mut numbers = vec![0.0; stored.len() / self.width()];
        self.widen(stored, &mut numbers);
        numbers
    }

    /// Reads `[rows, columns]` and gives `[columns, rows]`.
    fn read_turned(self, stored: &[u8], rows: usize, columns: usize) -> Vec<f32> {
        let mut turned = vec![0.0; rows * columns];
        if turned.is_empty() {
            return turned;
        }
        // One cache line more than a row has, so that a column's numbers do not all fall into the
        // same set of the cache.
        let stride = columns + ROWS;
        let mut block = vec![0.0; ROWS * stride];
        let row_bytes = columns * self.width();
        for (stored, first) in stored.chunks(ROWS * row_bytes).zip((0..rows).step_by(ROWS)) {
            let count = stored.len() / row_bytes;
            for (stored, row) in stored.chunks_exact(row_bytes).zip(block.chunks_mut(stride)) {
                self.widen(stored, &mut row[..columns]);
            }
            for (column, turned) in turned.chunks_exact_mut(rows).enumerate() {
                let run = turned.iter_mut().skip(first).take(count);
                for (number, row) in run.zip(block.chunks_exact(stride)) {
                    *number = row[column];
                }
            }
        }
        turned
    }

    /// Turns stored numbers into f32; every value of the smaller types is one of f32.
    pub(super) fn widen(self, stored: &[u8], numbers: &mut [f32]) {
        match self {
            Self::F32 => {
                let (stored, _) = stored.as_chunks::<4>();
                for (number, stored) in numbers.iter_mut().zip(stored) {
                    *number = f32::from_le_bytes(*stored);
                }
            }
            Self::F16 => widen_half(stored, numbers, f16::from_le_bytes),
            Self::BF16 => widen_half(stored, numbers, bf16::from_le_bytes),
        }
    }
}

/// The instructions for whole slices of halves want them as such, and stored ones may lie at odd
/// addresses.
fn widen_half<H: Copy + Default>(
    stored: &[u8],
    numbers: &mut [f32],
    from_bytes: impl Fn([u8; 2]) -> H,
) where
    [H]: HalfFloatSliceExt,
{
    let (stored, _) = stored.as_chunks::<2>();
    let mut halves = [H::default(); BLOCK];
    for (stored, numbers) in stored.chunks(BLOCK).zip(numbers.chunks_mut(BLOCK)) {
        for (half, stored) in halves.iter_mut().zip(stored) {
            *half = from_bytes(*stored);
        }
        halves[..numbers.len()].convert_to_f32_slice(numbers);
    }
}

#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "small whole numbers"
)]
mod tests {
    use super::*;

    #[test]
    fn halves_become_the_same_numbers_at_any_length() {
        for count in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7] {
            let exact: Vec<f32> = (0..count).map(|i| (i as f32 - 700.0) / 64.0).collect();
            let halves = exact.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes());
            assert_eq!(Form::F16.read(&halves.collect::<Vec<u8>>()), exact);
            let whole: Vec<f32> = (0..count).map(|i| (i % 256) as f32).collect();
            let brains = whole.iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes());
            assert_eq!(Form::BF16.read(&brains.collect::<Vec<u8>>()), whole);
        }
    }

    #[test]
    fn turning_round_puts_rows_where_columns_were() {
        for (rows, columns) in [(1, 1), (3, 5), (16, 16), (17, 40), (33, 2), (0, 4), (4, 0)] {
            let numbers: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            let stored: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
            let turned = Form::F32.read_turned(&stored, rows, columns);
            for row in 0..rows {
                for column in 0..columns {
                    assert_eq!(turned[column * rows + row], numbers[row * columns + column]);
                }
            }
        }
    }
}
