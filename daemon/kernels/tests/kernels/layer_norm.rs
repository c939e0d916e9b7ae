//! Layer normalization.

use gte_kernels::LayerNorm;

use crate::noise::noise;

#[test]
fn rows_match_the_formula_in_f64() {
    for width in [1, 5, 16, 33, 768] {
        let (gamma, beta) = (noise(width, 1), noise(width, 2));
        let norm = LayerNorm::new(gamma.clone(), beta.clone(), 1e-3).unwrap();
        let rows = noise(3 * width, 3);
        let mut ours = rows.clone();
        norm.forward(&mut ours).unwrap();
        for (row, ours) in rows.chunks_exact(width).zip(ours.chunks_exact(width)) {
            let row: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
            #[expect(clippy::cast_precision_loss, reason = "hundreds")]
            let count = width as f64;
            let mean = row.iter().sum::<f64>() / count;
            let squares = row.iter().map(|value| (value - mean).powi(2));
            let root = (squares.sum::<f64>() / count + 1e-3).sqrt();
            for (place, value) in row.iter().enumerate() {
                let (gamma, beta) = (f64::from(gamma[place]), f64::from(beta[place]));
                let expected = (value - mean) / root * gamma + beta;
                let distance = (f64::from(ours[place]) - expected).abs();
                assert!(distance < 1e-5, "{} for {expected}", ours[place]);
            }
        }
    }
}

#[test]
fn other_widths_are_refused() {
    assert!(LayerNorm::new(vec![1.0; 3], vec![0.0; 2], 1e-12).is_err());
    let norm = LayerNorm::new(vec![1.0; 3], vec![0.0; 3], 1e-12).unwrap();
    assert!(norm.forward(&mut [1.0; 4]).is_err());
    assert!(norm.normalize(&mut [1.0; 2]).is_err());
    assert_eq!(norm.forward(&mut [1.0; 6]), Ok(()));
}
