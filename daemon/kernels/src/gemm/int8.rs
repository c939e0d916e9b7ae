//! The product of quantized activations and a weight in eight bits.

#![allow(unsafe_code, reason = "vectors are loaded through pointers")]

use rten_simd::ops::{BitOps, FloatOps, NumOps, ToFloat};
use rten_simd::{Isa, Simd};

use super::int8_weight::{GROUP_K_STEPS, Int8Weight};
use super::operands::{Operands, PREFETCH_DISTANCE, load};
use crate::error::ShapeError;
use crate::isa::{F32, Int8Isa};
use crate::quantize::{Outlier, QuantizedActivations};

/// Quantized activations and a weight in eight bits.
pub(crate) struct Int8Operands<'a> {
    activations: &'a QuantizedActivations,
    weight: &'a Int8Weight,
}

impl<'a> Int8Operands<'a> {
    /// Operands of the same number of inputs.
    pub(crate) fn new(
        activations: &'a QuantizedActivations,
        weight: &'a Int8Weight,
    ) -> Result<Self, ShapeError> {
        let values = &weight.values;
        let columns = values.panel_count() * values.panel_width();
        let groups = values.k_steps().div_ceil(GROUP_K_STEPS);
        let fits = activations.words_per_row() == values.k_steps()
            && weight.scales.len() == groups * columns
            && weight.col_sums.len() == columns;
        if !fits {
            return Err(ShapeError {
                operation: "int8 product".to_owned(),
                input: activations.words_per_row(),
                output: values.k_steps(),
            });
        }
        Ok(Self {
            activations,
            weight,
        })
    }
}

// SAFETY: `new` has found that a row of the activations has as many words as the weight has steps,
// and that there are scales for each group of each panel and a sum for each column.
unsafe impl Operands for Int8Operands<'_> {
    fn rows(&self) -> usize {
        self.activations.row_count()
    }

    fn panel_count(&self) -> usize {
        self.weight.values.panel_count()
    }

    fn panel_width(&self) -> usize {
        self.weight.values.panel_width()
    }

    #[inline(always)]
    unsafe fn accumulate<M: Int8Isa, const R: usize, const V: usize>(
        &self,
        isa: M,
        row: usize,
        panel: usize,
    ) -> [[F32<M>; V]; R] {
        let simd = isa.isa();
        let (ints, floats, bytes) = (simd.i32(), simd.f32(), simd.i8());
        let lanes = ints.len();
        let k_steps = self.weight.values.k_steps();
        let weight = self.weight.values.panel(panel);
        let groups = k_steps.div_ceil(GROUP_K_STEPS);
        let scales = self.weight.scales[panel * groups * V * lanes..].as_ptr();
        let stride = self.activations.words_per_row();
        let mut first = self.activations.words_from(row).as_ptr();
        let mut next = weight.as_ptr();
        let mut sums = [[floats.zero(); V]; R];
        for (group, from) in (0..k_steps).step_by(GROUP_K_STEPS).enumerate() {
            let mut products = [[ints.zero(); V]; R];
            for _ in from..k_steps.min(from + GROUP_K_STEPS) {
                // SAFETY: The caller promises `R` rows from `row` on, each of as many words as the
                // weight has steps, and a panel of `V` vectors, which has as many steps. What is
                // prefetched may lie anywhere.
                unsafe {
                    let columns: [_; V] = load(bytes, next);
                    for v in 0..V {
                        bytes.prefetch(next.wrapping_add(PREFETCH_DISTANCE + v * lanes * 4));
                    }
                    for (r, products) in products.iter_mut().enumerate() {
                        let four = ints.splat(*first.add(r * stride)).reinterpret_cast();
                        for (product, column) in products.iter_mut().zip(columns) {
                            *product = isa.dot_i8(four, column, *product);
                        }
                    }
                    first = first.add(1);
                    next = next.add(V * lanes * 4);
                }
            }
            // SAFETY: There are `V` vectors of scales for each group of each panel.
            let scales: [_; V] = unsafe { load(floats, scales.add(group * V * lanes)) };
            for (sums, products) in sums.iter_mut().zip(products) {
                for ((sum, product), scale) in sums.iter_mut().zip(products).zip(scales) {
                    *sum = floats.mul_add(ints.to_float(product), scale, *sum);
                }
            }
        }
        // Σ (a - zero) w = Σ a w - zero Σ w
        let col_sums = self.weight.col_sums[panel * V * lanes..].as_ptr();
        // SAFETY: There are `V` vectors of sums for each panel.
        let col_sums: [_; V] = unsafe { load(floats, col_sums) };
        for (r, sums) in sums.iter_mut().enumerate() {
            let params = self.activations.params(row + r);
            let (zero, scale) = (floats.splat(params.zero), floats.splat(params.scale));
            for (sum, col_sum) in sums.iter_mut().zip(col_sums) {
                *sum = floats.mul(floats.mul_sub_from(zero, col_sum, *sum), scale);
            }
            for Outlier { channel, value } in params.outliers {
                // One of four weights, picked by multiplying it by one and the others by zero.
                let mut one = [0; 4];
                one[channel % 4] = 1;
                let one = ints.splat(i32::from_ne_bytes(one)).reinterpret_cast();
                let value = floats.splat(value);
                let step = channel / 4;
                // SAFETY: The channel is one of the row's, so the step is one of the panel's.
                let (weights, scales): ([_; V], [_; V]) = unsafe {
                    (
                        load(bytes, weight.as_ptr().add(step * V * lanes * 4)),
                        load(floats, scales.add(step / GROUP_K_STEPS * V * lanes)),
                    )
                };
                for ((sum, weights), scale) in sums.iter_mut().zip(weights).zip(scales) {
                    let weight = ints.to_float(isa.dot_i8(one, weights, ints.zero()));
                    *sum = floats.mul_add(value, floats.mul(weight, scale), *sum);
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::gemm::WeightMemory;
    use crate::isa::Cpu;

    #[test]
    fn operands_of_other_lengths_are_refused() {
        let cpu = Cpu::detect();
        let weight = Int8Weight::pack(cpu, &WeightMemory::default(), 9, 2, |_, values| {
            values.fill(0.5);
            Ok::<_, Infallible>(())
        });
        let weight = weight.unwrap();
        let mut activations = QuantizedActivations::default();
        activations.quantize_rows(cpu, &[1.0; 9 * 3], 9);
        assert!(Int8Operands::new(&activations, &weight).is_ok());
        activations.quantize_rows(cpu, &[1.0; 13 * 3], 13);
        assert!(Int8Operands::new(&activations, &weight).is_err());
    }
}
