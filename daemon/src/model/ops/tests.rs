//! The operations on every kind of CPU that this one is of, held against sums in f64.

use gte_shared::wire::Precision;

use super::{Cpu, Lookup, Norm, OpError, PackedLinear, Quantised, Queries, attend};
use crate::weights::Table;

/// Numbers within ±1, the same for the same seed.
fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [high, low, ..] = state.to_be_bytes();
        f32::from(u16::from_be_bytes([high, low])) / 32_768.0 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Whole numbers within ±127, all of which int8 can hold if the largest is there.
fn whole(count: usize, seed: u32) -> Vec<f32> {
    let numbers = noise(count, seed).into_iter();
    numbers.map(|number| (number * 127.0).round()).collect()
}

/// Rows of whole numbers that eight bits can hold, two that are far larger left out; `largest` is the
/// largest number that is stored.
fn whole_rows(rows: usize, width: usize, largest: f32) -> Vec<f32> {
    let mut numbers = noise(rows * width, 3);
    for (index, row) in numbers.chunks_exact_mut(width).enumerate() {
        for number in row.iter_mut() {
            *number = (*number * 40.0).round();
        }
        if width >= 6 {
            let place = |which: usize| (index * 5 + which * width / 4) % width;
            // From the least to the most there are as many steps of one as can be stored.
            row[place(0)] = -50.0;
            row[place(1)] = largest - 50.0;
            row[place(2)] = 1000.0;
            row[place(3)] = -3000.0;
        }
    }
    numbers
}

/// `x W + b`, and for each number how large what was added up is.
fn product(x: &[f32], weight: &[f32], bias: &[f32], inputs: usize) -> Vec<(f64, f64)> {
    let mut products = Vec::new();
    for row in x.chunks_exact(inputs) {
        for (output, first) in bias.iter().enumerate() {
            let mut sum = (f64::from(*first), f64::from(first.abs()));
            let column = weight.iter().skip(output).step_by(bias.len());
            for (number, weight) in row.iter().zip(column) {
                let term = f64::from(*number) * f64::from(*weight);
                sum = (sum.0 + term, sum.1 + term.abs());
            }
            products.push(sum);
        }
    }
    products
}

/// The Gaussian error linear unit by the series of the error function.
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

/// One number, one less and one more than vectors, panels, tiles and groups are wide.
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

/// Those that lie at an edge of something. (Miri takes a thousand times as long.)
#[cfg(miri)]
const SIZES: [(usize, usize); 2] = [(6, 17), (257, 3)];

/// Up to more than two tiles, and more than a thread takes at a time.
#[cfg(miri)]
const ROWS: [usize; 2] = [0, 7];
#[cfg(not(miri))]
const ROWS: [usize; 15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 61];

#[test]
fn products_are_right_in_every_shape() {
    for cpu in Cpu::all() {
        for (inputs, outputs) in SIZES {
            let weight = noise(inputs * outputs, 1);
            let bias = noise(outputs, 2);
            let layer = PackedLinear::pack(cpu, Precision::F32, &weight, bias.clone());
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
            let weight = whole(inputs * outputs, 1);
            let bias = noise(outputs, 2);
            let layer = PackedLinear::pack(cpu, Precision::Int8, &weight, bias.clone());
            for rows in ROWS {
                let x = whole_rows(rows, inputs, f32::from(cpu.largest()));
                check(&layer, &x, &product(&x, &weight, &bias, inputs), 0.0);
            }
        }
    }
}

#[test]
fn products_in_bytes_are_off_by_no_more_than_their_steps() {
    for cpu in Cpu::all() {
        for (inputs, outputs) in SIZES {
            let weight = noise(inputs * outputs, 1);
            let bias = noise(outputs, 2);
            let layer = PackedLinear::pack(cpu, Precision::Int8, &weight, bias.clone());
            let x = noise(7 * inputs, 3);
            // Half a step for each weight, which is at most 1, and a whole one for each activation.
            let steps = 0.5 / 127.0 + 2.0 / f64::from(cpu.largest());
            #[expect(clippy::cast_precision_loss, reason = "hundreds")]
            let most = inputs as f64 * steps;
            // Errors are of either sign: with many inputs they are far below the most that they can be.
            let allowed = most.min(0.02 * most.sqrt().max(1.0) * 8.0 + steps);
            check(&layer, &x, &product(&x, &weight, &bias, inputs), allowed);
        }
    }
}

/// Holds what a layer makes of `x` against what it should be, alone and with GELU or a residual.
fn check(layer: &PackedLinear, x: &[f32], wanted: &[(f64, f64)], allowed: f64) {
    let mut bytes = Quantised::default();
    let there = noise(wanted.len(), 4);
    let near = |ours: f32, wanted: f64, size: f64| {
        let distance = (f64::from(ours) - wanted).abs();
        let allowed = allowed + 1e-6 * (size + 1.0);
        assert!(
            distance <= allowed,
            "{layer:?}: {ours} for {wanted}, {allowed} apart at most"
        );
    };
    let mut ours = there.clone();
    layer.forward(x, &mut bytes, &mut ours).unwrap();
    for (ours, (wanted, size)) in ours.iter().zip(wanted) {
        near(*ours, *wanted, *size);
    }
    let mut ours = there.clone();
    layer.forward_gelu(x, &mut bytes, &mut ours).unwrap();
    for (ours, (wanted, size)) in ours.iter().zip(wanted) {
        // Its slope is 1.13 at most.
        near(*ours, gelu(*wanted), *size);
    }
    let mut ours = there.clone();
    layer.forward_add(x, &mut bytes, &mut ours).unwrap();
    for ((ours, (wanted, size)), there) in ours.iter().zip(wanted).zip(&there) {
        near(*ours, wanted + f64::from(*there), *size);
    }
}

#[test]
fn weights_that_were_in_eight_bits_stay_what_they_were() {
    // In no group of inputs but the first does the largest weight occur.
    let mut weight = whole(600, 7);
    for number in &mut weight[1..] {
        *number *= 0.25;
        *number = number.trunc();
    }
    weight[0] = 127.0;
    let weight: Vec<f32> = weight.into_iter().map(|number| number * 0.0123).collect();
    let layer = PackedLinear::pack(Cpu::detect(), Precision::Int8, &weight, vec![0.0]);
    // One number alone is not rounded, so each weight comes out as it is.
    for (input, weight) in weight.iter().enumerate() {
        let mut x = vec![0.0; 600];
        x[input] = 1.0;
        let mut output = [0.0];
        let mut bytes = Quantised::default();
        layer.forward(&x, &mut bytes, &mut output).unwrap();
        assert!(
            (output[0] - weight).abs() < 1e-6,
            "{weight} became {}",
            output[0]
        );
    }
}

#[test]
fn threads_and_neighbours_change_no_bit() {
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
        for precision in [Precision::F32, Precision::Int8] {
            let bias = noise(outputs, 2);
            let layer = PackedLinear::pack(cpu, precision, &weight, bias);
            let forward = |x: &[f32]| {
                let mut output = vec![0.0; x.len() / inputs * outputs];
                let mut bytes = Quantised::default();
                layer.forward(x, &mut bytes, &mut output).unwrap();
                output
            };
            let one_by_one: Vec<f32> = x.chunks_exact(inputs).flat_map(forward).collect();
            // More threads than panels and fewer.
            for threads in [1, 2, 9] {
                assert_eq!(pool(threads).install(|| forward(&x)), one_by_one, "{cpu:?}");
            }
        }
    }
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    let layer = PackedLinear::pack(Cpu::detect(), Precision::F32, &noise(12, 1), noise(3, 2));
    let forward = |inputs: usize, outputs: usize| {
        layer.forward(
            &noise(inputs, 3),
            &mut Quantised::default(),
            &mut vec![0.0; outputs],
        )
    };
    assert!(forward(8, 6).is_ok());
    assert!(matches!(
        forward(8, 5),
        Err(OpError::Shape {
            input: 8,
            output: 5,
            ..
        })
    ));
    assert!(matches!(
        forward(7, 6),
        Err(OpError::Shape {
            input: 7,
            output: 6,
            ..
        })
    ));
}

/// `softmax(q kᵀ / √size) v` of each head of one text.
fn attended(qkv: &[f32], heads: usize, hidden: usize) -> Vec<f64> {
    let size = hidden / heads;
    let tokens = qkv.len() / (3 * hidden);
    let number = |token: usize, which: usize, channel: usize| {
        f64::from(qkv[token * 3 * hidden + which * hidden + channel])
    };
    let mut context = vec![0.0; tokens * hidden];
    #[expect(clippy::cast_precision_loss, reason = "dozens")]
    let root = (size as f64).sqrt();
    for head in 0..heads {
        let channels = head * size..(head + 1) * size;
        for query in 0..tokens {
            let score = |key: usize| {
                let products = channels
                    .clone()
                    .map(|c| number(query, 0, c) * number(key, 1, c));
                (products.sum::<f64>() / root).exp()
            };
            let scores: Vec<f64> = (0..tokens).map(score).collect();
            let total: f64 = scores.iter().sum();
            for channel in channels.clone() {
                let values = scores
                    .iter()
                    .enumerate()
                    .map(|(key, score)| score * number(key, 2, channel));
                context[query * hidden + channel] = values.sum::<f64>() / total;
            }
        }
    }
    context
}

#[test]
fn attention_is_right_and_each_text_for_itself() {
    let (heads, hidden) = (3, 60);
    let lengths = if cfg!(miri) {
        vec![1, 7, 50]
    } else {
        vec![1, 7, 64, 2, 33, 130]
    };
    let tokens: usize = lengths.iter().sum();
    let mut qkv = noise(tokens * 3 * hidden, 5);
    // Some keys that stand out, as they do in real texts.
    for number in qkv.iter_mut().step_by(97) {
        *number *= 12.0;
    }
    let mut wanted = Vec::new();
    let mut rest = qkv.as_slice();
    for tokens in &lengths {
        let (own, behind) = rest.split_at(tokens * 3 * hidden);
        wanted.extend(attended(own, heads, hidden));
        rest = behind;
    }
    for cpu in Cpu::all() {
        let mut ours = vec![0.0; tokens * hidden];
        attend(cpu, &qkv, &lengths, heads, Queries::All, &mut ours).unwrap();
        for (ours, wanted) in ours.iter().zip(&wanted) {
            assert!(
                (f64::from(*ours) - wanted).abs() < 2e-5,
                "{cpu:?}: {ours} for {wanted}"
            );
        }
        let mut firsts = vec![0.0; lengths.len() * hidden];
        attend(cpu, &qkv, &lengths, heads, Queries::First, &mut firsts).unwrap();
        let mut first = 0;
        for (length, own) in lengths.iter().zip(firsts.chunks_exact(hidden)) {
            assert_eq!(own, &ours[first * hidden..(first + 1) * hidden], "{cpu:?}");
            first += length;
        }
        let mut few = vec![0.0; hidden];
        let refused = attend(cpu, &qkv, &lengths, heads, Queries::All, &mut few);
        assert!(matches!(refused, Err(OpError::Shape { .. })));
    }
}

#[test]
fn a_token_or_a_position_that_the_model_lacks_is_named() {
    let lookup = Lookup {
        words: Table::of(noise(5 * 8, 1), 8),
        positions: noise(3 * 8, 2),
        norm: Norm {
            gamma: vec![1.0; 8],
            beta: vec![0.0; 8],
            epsilon: 1e-12,
        },
    };
    assert!(lookup.forward(&[0, 4, 2], &[3]).is_ok());
    let unknown = lookup.forward(&[0, 4, 5], &[1, 2]);
    assert!(matches!(
        unknown,
        Err(OpError::Token { id: 5, position: 1 })
    ));
    let too_far = lookup.forward(&[0, 1, 2, 3], &[4]);
    assert!(matches!(
        too_far,
        Err(OpError::Token { id: 3, position: 3 })
    ));
}
