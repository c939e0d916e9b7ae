//! Rounding of f32 values to bytes, many at a time on every CPU.

/// 1.5 × 2²³. A value added to it is rounded to an integer, whose last bits are those of the sum.
/// Unlike `f32::round` this becomes vector instructions everywhere.
const MAGIC: f32 = 12_582_912.0;

/// Rounds a value within ±127 to the nearest integer, ties to even. Other values give any integer.
pub(super) fn round_to_i8(value: f32) -> i8 {
    let [last, ..] = (value + MAGIC).to_bits().to_le_bytes();
    last.cast_signed()
}

/// Distance of a value within ±127 from the nearest integer.
pub(super) fn distance_from_integer(value: f32) -> f32 {
    (value - ((value + MAGIC) - MAGIC)).abs()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "values without rounding")]
mod tests {
    use super::*;

    #[test]
    fn integers_have_no_distance_and_halves_the_most() {
        assert_eq!([-127.0, 0.0, 64.0].map(distance_from_integer), [0.0; 3]);
        assert_eq!(
            [0.5, -1.25, 126.75].map(distance_from_integer),
            [0.5, 0.25, 0.25]
        );
    }

    #[test]
    fn integers_stay_and_halves_go_to_even() {
        for integer in -127..=127 {
            assert_eq!(round_to_i8(f32::from(integer)), integer);
        }
        assert_eq!([0.5, 1.5, -2.5].map(round_to_i8), [0, 2, -2]);
        assert_eq!([0.49, -1.51, 126.6].map(round_to_i8), [0, -2, 127]);
    }
}
