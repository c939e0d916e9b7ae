//! Cosine of two vectors.

/// Cosine similarity of two vectors of unit length, within [-1, 1].
///
/// Sums in f64, so that the order of the additions does not change the rounded result. Equal
/// vectors give exactly 1.
#[must_use]
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    if a == b {
        return 1.0;
    }
    let dot: f64 = a
        .iter()
        .zip(b)
        .map(|(x, y)| f64::from(*x) * f64::from(*y))
        .sum();
    #[expect(clippy::cast_possible_truncation, reason = "within [-1, 1]")]
    let cosine = dot.clamp(-1.0, 1.0) as f32;
    cosine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_with_itself_is_exactly_one() {
        // Their dot product in floating point is not.
        let v = [0.267_261_24_f32, 0.534_522_5, 0.801_783_74];
        assert_eq!(cosine(&v, &v).to_bits(), 1.0_f32.to_bits());
        assert!((cosine(&v, &[-0.267_261_24, -0.534_522_5, -0.801_783_74]) + 1.0).abs() < 1e-6);
    }
}
