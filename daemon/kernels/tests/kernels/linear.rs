//! Linear layers.

use gte_kernels::{Cpu, PackedLinear, QuantizedActivations, ShapeError};

use crate::noise::{integer_rows, integers, noise};

/// Computes `x W + b` in f64, and beside each value the sum of the magnitudes of its terms.
fn product(x: &[f32], weight: &[f32], bias: &[f32], inputs: usize) -> Vec<(f64, f64)> {
    let mut products = Vec::new();
    for row in x.chunks_exact(inputs) {
        for (output, first) in bias.iter().enumerate() {
            let mut sum = (f64::from(*first), f64::from(first.abs()));
            let column = weight.iter().skip(output).step_by(bias.len());
            for (value, weight) in row.iter().zip(column) {
                let term = f64::from(*value) * f64::from(*weight);
                sum = (sum.0 + term, sum.1 + term.abs());
            }
            products.push(sum);
        }
    }
    products
}

/// Gaussian error linear unit, computed by the series of the error function.
fn gelu(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.max(0.0);
    }
    let z = x / std::f64::consts::SQRT_2;
    let (mut term, mut erf) = (z, z);
    for n in 1..200 {
        let n = f64::from(n);
        term *= -z * z / n;
        erf += term / (2.0 * n + 1.0);
    }
    x * 0.5 * (1.0 + erf * std::f64::consts::FRAC_2_SQRT_PI)
}

/// Inputs and outputs: the widths of vectors, panels, tiles and groups, and one less and one more.
#[cfg(not(miri))]
const SIZES: [(usize, usize); 10] = [
    (1, 1),
    (2, 3),
    (6, 64),
    (7, 33),
    (64, 65),
    (255, 17),
    (256, 1),
    (257, 63),
    (513, 130),
    (768, 31),
];

/// Inputs and outputs at edges of panels and groups. (Miri takes a thousand times as long.)
#[cfg(miri)]
const SIZES: [(usize, usize); 2] = [(6, 17), (257, 3)];

/// Row counts, of which the largest have more than two tiles and more rows than a task.
#[cfg(not(miri))]
const ROWS: [usize; 15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 61];

/// Row counts below and above the height of a tile.
#[cfg(miri)]
const ROWS: [usize; 2] = [0, 7];

#[test]
fn products_in_f32_match_f64() {
    for cpu in Cpu::all() {
        for (inputs, outputs) in SIZES {
            let weight = noise(inputs * outputs, 1);
            let bias = noise(outputs, 2);
            let layer = PackedLinear::pack_f32(cpu, &weight, bias.clone()).unwrap();
            for rows in ROWS {
                let x = noise(rows * inputs, 3);
                check(&layer, &x, &product(&x, &weight, &bias, inputs), 0.0);
            }
        }
    }
}

#[test]
fn products_of_bytes_are_exact() {
    for cpu in Cpu::all() {
        for (inputs, outputs) in SIZES {
            let weight = integers(inputs * outputs, 1);
            let bias = noise(outputs, 2);
            let layer = PackedLinear::pack_int8(cpu, &weight, bias.clone()).unwrap();
            for rows in ROWS {
                let x = integer_rows(rows, inputs, f32::from(cpu.max_activation()));
                check(&layer, &x, &product(&x, &weight, &bias, inputs), 0.0);
            }
        }
    }
}

#[test]
fn products_in_int8_are_off_by_their_steps_at_most() {
    for cpu in Cpu::all() {
        for (inputs, outputs) in SIZES {
            let weight = noise(inputs * outputs, 1);
            let bias = noise(outputs, 2);
            let layer = PackedLinear::pack_int8(cpu, &weight, bias.clone()).unwrap();
            let x = noise(7 * inputs, 3);
            // Half a step per weight, which is at most 1, and a whole step per activation.
            let steps = 0.5 / 127.0 + 2.0 / f64::from(cpu.max_activation());
            #[expect(clippy::cast_precision_loss, reason = "hundreds")]
            let most = inputs as f64 * steps;
            // Errors have either sign, so with many inputs their sum is far below the bound.
            let allowed = most.min(0.02 * most.sqrt().max(1.0) * 8.0 + steps);
            check(&layer, &x, &product(&x, &weight, &bias, inputs), allowed);
        }
    }
}

/// Compares the output for `x` with `expected`: without an epilogue, with GELU and with a residual.
fn check(layer: &PackedLinear, x: &[f32], expected: &[(f64, f64)], allowed: f64) {
    let mut scratch = QuantizedActivations::default();
    let previous = noise(expected.len(), 4);
    let near = |ours: f32, expected: f64, size: f64| {
        let distance = (f64::from(ours) - expected).abs();
        let allowed = allowed + 1e-6 * (size + 1.0);
        assert!(
            distance <= allowed,
            "{layer:?}: {ours} for {expected}, {allowed} apart at most"
        );
    };
    let mut ours = previous.clone();
    layer.forward(x, &mut scratch, &mut ours).unwrap();
    for (ours, (expected, size)) in ours.iter().zip(expected) {
        near(*ours, *expected, *size);
    }
    let mut ours = previous.clone();
    layer.forward_gelu(x, &mut scratch, &mut ours).unwrap();
    for (ours, (expected, size)) in ours.iter().zip(expected) {
        // The slope of GELU is 1.13 at most.
        near(*ours, gelu(*expected), *size);
    }
    let mut ours = previous.clone();
    layer.forward_residual(x, &mut scratch, &mut ours).unwrap();
    for ((ours, (expected, size)), previous) in ours.iter().zip(expected).zip(&previous) {
        near(*ours, expected + f64::from(*previous), *size);
    }
}

#[test]
fn weights_already_in_eight_bits_are_kept_exactly() {
    // Only the first group of inputs has the largest weight.
    let mut weight = integers(600, 7);
    for value in &mut weight[1..] {
        *value = (*value * 0.25).trunc();
    }
    weight[0] = 127.0;
    let weight: Vec<f32> = weight.into_iter().map(|value| value * 0.0123).collect();
    let layer = PackedLinear::pack_int8(Cpu::detect(), &weight, vec![0.0]).unwrap();
    // The only value of a row is not rounded, so the output is the weight itself.
    for (input, weight) in weight.iter().enumerate() {
        let mut x = vec![0.0; 600];
        x[input] = 1.0;
        let mut output = [0.0];
        let mut scratch = QuantizedActivations::default();
        layer.forward(&x, &mut scratch, &mut output).unwrap();
        assert!(
            (output[0] - weight).abs() < 1e-6,
            "{weight} became {}",
            output[0]
        );
    }
}

#[test]
fn threads_and_neighbors_change_no_bit() {
    let pool = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap()
    };
    let (inputs, outputs, rows) = if cfg!(miri) {
        (260, 9, 7)
    } else {
        (300, 70, 61)
    };
    let weight = noise(inputs * outputs, 1);
    let x = noise(rows * inputs, 3);
    for cpu in Cpu::all() {
        for pack in [PackedLinear::pack_f32, PackedLinear::pack_int8] {
            let layer = pack(cpu, &weight, noise(outputs, 2)).unwrap();
            let forward = |x: &[f32]| {
                let mut output = vec![0.0; x.len() / inputs * outputs];
                let mut scratch = QuantizedActivations::default();
                layer.forward(x, &mut scratch, &mut output).unwrap();
                output
            };
            let one_by_one: Vec<f32> = x.chunks_exact(inputs).flat_map(forward).collect();
            // Fewer and more threads than panels.
            for threads in [1, 2, 9] {
                assert_eq!(pool(threads).install(|| forward(&x)), one_by_one, "{cpu:?}");
            }
        }
    }
}

#[test]
fn rows_that_are_not_whole_are_refused() {
    for pack in [PackedLinear::pack_f32, PackedLinear::pack_int8] {
        let layer = pack(Cpu::detect(), &noise(12, 1), noise(3, 2)).unwrap();
        let forward = |inputs: usize, outputs: usize| {
            layer.forward(
                &noise(inputs, 3),
                &mut QuantizedActivations::default(),
                &mut vec![0.0; outputs],
            )
        };
        assert_eq!(forward(8, 6), Ok(()));
        for (input, output) in [(8, 5), (7, 6), (8, 9), (4, 6), (0, 3)] {
            let operation = "PackedLinear(4 to 3)".to_owned();
            let refused = ShapeError {
                operation,
                input,
                output,
            };
            assert_eq!(forward(input, output), Err(refused));
        }
    }
}

#[test]
fn a_layer_without_outputs_gives_nothing() {
    for pack in [PackedLinear::pack_f32, PackedLinear::pack_int8] {
        let layer = pack(Cpu::detect(), &[], Vec::new()).unwrap();
        let scratch = &mut QuantizedActivations::default();
        assert_eq!(layer.forward(&[], scratch, &mut []), Ok(()));
        assert!(layer.forward(&[1.0], scratch, &mut []).is_err());
    }
}

#[test]
fn a_weight_that_does_not_match_its_bias_is_refused() {
    for pack in [PackedLinear::pack_f32, PackedLinear::pack_int8] {
        assert!(pack(Cpu::detect(), &noise(13, 1), noise(3, 2)).is_err());
        assert!(pack(Cpu::detect(), &noise(1, 1), Vec::new()).is_err());
    }
}
