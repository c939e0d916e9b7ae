//! Logistic regression of three weights.

use super::correlation::as_f64;

/// Most steps of Newton's method; a fit takes about ten.
const STEPS: usize = 100;

/// Least step: it has converged.
const CONVERGED: f64 = 1e-9;

/// Added to the diagonal of the second derivative, relative to the number of rows: the weight of a
/// feature that is 0 everywhere stays 0.
const RIDGE: f64 = 1e-9;

/// Fits the weights of features to targets between 0 and 1 by Newton's method, whose steps are
/// halved until the loss falls. `None` if the features do not tell the weights apart.
pub(super) fn logistic_regression(features: &[[f64; 3]], targets: &[f64]) -> Option<[f64; 3]> {
    let mut weights = [0.0; 3];
    for _ in 0..STEPS {
        let ridge = RIDGE * as_f64(features.len());
        let mut gradient = weights.map(|weight| ridge * weight);
        let mut curvature = [[ridge, 0.0, 0.0], [0.0, ridge, 0.0], [0.0, 0.0, ridge]];
        for (row, target) in features.iter().zip(targets) {
            let p = 1.0 / (1.0 + (-dot(&weights, row)).exp());
            for (i, x) in row.iter().enumerate() {
                gradient[i] += (p - target) * x;
                for (j, y) in row.iter().enumerate() {
                    curvature[i][j] += p * (1.0 - p) * x * y;
                }
            }
        }
        let step = solve(curvature, gradient)?;
        let now = loss(&weights, features, targets);
        let mut length = 1.0;
        let stepped = |length: f64| -> [f64; 3] {
            std::array::from_fn(|index| weights[index] - length * step[index])
        };
        while loss(&stepped(length), features, targets) > now && length > CONVERGED {
            length /= 2.0;
        }
        weights = stepped(length);
        if step.iter().all(|step| (length * step).abs() < CONVERGED) {
            break;
        }
    }
    Some(weights)
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Cross entropy of the targets.
fn loss(weights: &[f64; 3], features: &[[f64; 3]], targets: &[f64]) -> f64 {
    let loss = |(row, target): (&[f64; 3], &f64)| {
        let z = dot(weights, row);
        // ln(1 + e^z) without overflow.
        z.max(0.0) + (-z.abs()).exp().ln_1p() - target * z
    };
    features.iter().zip(targets).map(loss).sum()
}

/// Solves a system of three equations by Gaussian elimination with pivots.
fn solve(mut matrix: [[f64; 3]; 3], mut right: [f64; 3]) -> Option<[f64; 3]> {
    for column in 0..3 {
        let pivot = (column..3).max_by(|one, other| {
            let size = |row: usize| matrix[row][column].abs();
            size(*one).total_cmp(&size(*other))
        })?;
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        if matrix[column][column].abs() < f64::MIN_POSITIVE {
            return None;
        }
        for row in column + 1..3 {
            let factor = matrix[row][column] / matrix[column][column];
            let of_pivot = matrix[column];
            for (value, of_pivot) in matrix[row].iter_mut().zip(of_pivot) {
                *value -= factor * of_pivot;
            }
            right[row] -= factor * right[column];
        }
    }
    for row in (0..3).rev() {
        let known: f64 = (row + 1..3)
            .map(|index| matrix[row][index] * right[index])
            .sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        let matrix = [[0.0, 2.0, 1.0], [1.0, 1.0, 1.0], [2.0, 1.0, 0.0]];
        // x = 1, y = 2, z = 3
        let solved = solve(matrix, [7.0, 6.0, 4.0]).unwrap();
        for (solved, expected) in solved.into_iter().zip([1.0, 2.0, 3.0]) {
            assert!((solved - expected).abs() < 1e-12);
        }
        assert_eq!(solve([[0.0; 3]; 3], [1.0; 3]), None);
    }

    #[test]
    fn weights_are_found_again() {
        let weights = [1.5, -2.0, 0.5];
        let rows = (0..400).map(|n| {
            let n = f64::from(n);
            [(n * 0.37).sin(), (n * 0.73).cos(), 1.0]
        });
        let rows: Vec<[f64; 3]> = rows.collect();
        let targets: Vec<f64> = rows
            .iter()
            .map(|row| 1.0 / (1.0 + (-dot(&weights, row)).exp()))
            .collect();
        let found = logistic_regression(&rows, &targets).unwrap();
        for (found, expected) in found.into_iter().zip(weights) {
            assert!((found - expected).abs() < 1e-5, "{found}");
        }
        let without: Vec<[f64; 3]> = rows.iter().map(|row| [0.0, row[1], 1.0]).collect();
        let found = logistic_regression(&without, &targets).unwrap();
        assert!(found[0].abs() < 1e-9);
    }
}
