//! Linear layers.

use std::convert::Infallible;

use gte_kernels::{Cpu, PackedLinear, QuantizedActivations, ShapeError, WeightMemory};

use crate::noise::{integer_rows, integers, noise};

/// Precision that a layer multiplies in.
#[derive(Clone, Copy)]
enum In {
    F32,
    Int8,
}

/// Packs a weight `[inputs, outputs]`.
fn pack(cpu: Cpu, precision: In, weight: &[f32], bias: Vec<f32>) -> PackedLinear {
    let outputs = bias.len();
    let inputs = weight.len().checked_div(outputs).unwrap_or(0);
    let read = |output: usize, values: &mut [f32]| {
        let column = weight.iter().skip(output).step_by(outputs);
        for (value, weight) in values.iter_mut().zip(column) {
            *value = *weight;
        }
        Ok::<_, Infallible>(())
    };
    let memory = WeightMemory::default();
    let packed = match precision {
        In::F32 => PackedLinear::pack_f32(cpu, &memory, inputs, bias, read),
        In::Int8 => PackedLinear::pack_int8(cpu, &memory, inputs, bias, read),
    };
    packed.unwrap()
}

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
            let layer = pack(cpu, In::F32, &weight, bias.clone());
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
            let layer = pack(cpu, In::Int8, &weight, bias.clone());
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
            let layer = pack(cpu, In::Int8, &weight, bias.clone());
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
    let layer = pack(Cpu::detect(), In::Int8, &weight, vec![0.0]);
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
        for precision in [In::F32, In::Int8] {
            let layer = pack(cpu, precision, &weight, noise(outputs, 2));
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
    for precision in [In::F32, In::Int8] {
        let layer = pack(Cpu::detect(), precision, &noise(12, 1), noise(3, 2));
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
    for precision in [In::F32, In::Int8] {
        let layer = pack(Cpu::detect(), precision, &[], Vec::new());
        let scratch = &mut QuantizedActivations::default();
        assert_eq!(layer.forward(&[], scratch, &mut []), Ok(()));
        assert!(layer.forward(&[1.0], scratch, &mut []).is_err());
    }
}

#[test]
fn a_weight_that_cannot_be_read_is_not_packed() {
    let (cpu, memory) = (Cpu::detect(), WeightMemory::default());
    let fails_at = |last: usize| {
        move |output: usize, _: &mut [f32]| {
            if output == last {
                Err("broken")
            } else {
                Ok(())
            }
        }
    };
    let bias = vec![0.0; 3];
    let packed = PackedLinear::pack_f32(cpu, &memory, 5, bias.clone(), fails_at(2));
    assert_eq!(packed.err(), Some("broken"));
    let packed = PackedLinear::pack_int8(cpu, &memory, 5, bias.clone(), fails_at(1));
    assert_eq!(packed.err(), Some("broken"));
    let kept = PackedLinear::keep_int8(cpu, &memory, 5, bias, |_, _| Err("broken"));
    assert_eq!(kept.err(), Some("broken"));
}

#[test]
fn the_smallest_byte_is_multiplied_exactly() {
    for cpu in Cpu::all() {
        let inputs = 70;
        let layer = PackedLinear::keep_int8(
            cpu,
            &WeightMemory::default(),
            inputs,
            vec![0.0],
            |_, stored| {
                stored.fill(-128);
                Ok::<_, Infallible>(0.5)
            },
        );
        let most = f32::from(cpu.max_activation());
        let mut x = vec![most; inputs];
        // The two largest are set apart; the steps of the others are 1.
        x[..2].fill(2.0 * most);
        let mut output = [0.0];
        let scratch = &mut QuantizedActivations::default();
        layer.unwrap().forward(&x, scratch, &mut output).unwrap();
        let expected = -64.0 * 72.0 * most;
        assert!(
            (output[0] / expected - 1.0).abs() < 1e-5,
            "{cpu:?}: {}",
            output[0]
        );
    }
}

#[test]
#[cfg(not(miri))]
fn layers_in_the_memory_of_a_model_are_the_same() {
    let (inputs, outputs) = (257, 1030);
    let weight = noise(inputs * outputs, 1);
    let x = noise(7 * inputs, 3);
    for cpu in Cpu::all() {
        let bytes = PackedLinear::f32_bytes(cpu, inputs, outputs);
        let memory = WeightMemory::new(3 * bytes, |_, _| {});
        let read = |output: usize, values: &mut [f32]| {
            values.copy_from_slice(&weight[output * inputs..][..inputs]);
            Ok::<_, Infallible>(())
        };
        let forward = |memory: &WeightMemory| {
            let layer = PackedLinear::pack_f32(cpu, memory, inputs, noise(outputs, 2), read);
            let mut output = vec![0.0; 7 * outputs];
            let scratch = &mut QuantizedActivations::default();
            layer.unwrap().forward(&x, scratch, &mut output).unwrap();
            output
        };
        let own = forward(&WeightMemory::default());
        assert_eq!(forward(&memory), own, "{cpu:?}");
        assert_eq!(forward(&memory), own, "{cpu:?}: another part");
    }
}
