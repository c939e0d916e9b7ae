//! Pseudo-random values, equal for equal seeds.

/// Values within ±1.
pub(crate) fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [high, low, ..] = state.to_be_bytes();
        f32::from(u16::from_be_bytes([high, low])) / 32_768.0 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Integers within ±127, which int8 represents exactly if the largest is among them.
pub(crate) fn integers(count: usize, seed: u32) -> Vec<f32> {
    let values = noise(count, seed).into_iter();
    values.map(|value| (value * 127.0).round()).collect()
}

/// Rows of integers that eight bits represent exactly, except for two outliers per row. `max` is
/// the largest quantized activation.
pub(crate) fn integer_rows(rows: usize, width: usize, max: f32) -> Vec<f32> {
    let mut values = noise(rows * width, 3);
    for (index, row) in values.chunks_exact_mut(width).enumerate() {
        for value in row.iter_mut() {
            *value = (*value * 40.0).round();
        }
        if width >= 6 {
            let place = |which: usize| (index * 5 + which * width / 4) % width;
            // Without the outliers, the range has as many steps of one as quantization does.
            row[place(0)] = -50.0;
            row[place(1)] = max - 50.0;
            row[place(2)] = 1000.0;
            row[place(3)] = -3000.0;
        }
    }
    values
}
