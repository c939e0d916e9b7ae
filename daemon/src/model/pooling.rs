//! Pooling of the hidden states of a text to one vector of unit length.

use gte_shared::wire::Pooling;
use serde::Deserialize;

use super::error::ModelError;

/// `1_Pooling/config.json`, in the format of sentence-transformers.
#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the keys of the file")]
struct PoolingConfig {
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
    #[serde(default)]
    pooling_mode_weightedmean_tokens: bool,
    #[serde(default)]
    pooling_mode_lasttoken: bool,
}

/// Reads `1_Pooling/config.json`.
///
/// # Errors
///
/// If the file is not JSON, or asks for anything but CLS alone or MEAN alone.
pub(super) fn parse(file: &[u8]) -> Result<Pooling, ModelError> {
    let config: PoolingConfig =
        serde_json::from_slice(file).map_err(|source| ModelError::Json {
            file: "1_Pooling/config.json",
            source,
        })?;
    let modes = [
        config.pooling_mode_cls_token,
        config.pooling_mode_mean_tokens,
        config.pooling_mode_max_tokens,
        config.pooling_mode_mean_sqrt_len_tokens,
        config.pooling_mode_weightedmean_tokens,
        config.pooling_mode_lasttoken,
    ];
    match modes {
        [true, false, false, false, false, false] => Ok(Pooling::Cls),
        [false, true, false, false, false, false] => Ok(Pooling::Mean),
        _ => Err(ModelError::PoolingUnsupported),
    }
}

/// Pools the hidden states of one text, `hidden` of shape `[tokens, width]` row by row, and scales
/// the result to unit length (L2).
///
/// Sums in f64, so that the order of the additions does not change the rounded mean of 512 tokens.
#[must_use]
pub(super) fn pool(pooling: Pooling, hidden: &[f32], width: usize) -> Vec<f32> {
    let mut vector: Vec<f64> = vec![0.0; width];
    let rows = match pooling {
        Pooling::Cls => 1,
        Pooling::Mean => hidden.len() / width,
    };
    for row in hidden.chunks_exact(width).take(rows) {
        for (sum, value) in vector.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    // The division by the number of rows is part of the scaling to unit length.
    let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    let scale = if norm > 0.0 { norm.recip() } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, reason = "within [-1, 1]")]
    vector.into_iter().map(|x| (x * scale) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mode_alone_is_taken() {
        let file = |modes: &str| parse(format!("{{{modes}}}").as_bytes());
        assert_eq!(
            file(r#""pooling_mode_cls_token":true"#).unwrap(),
            Pooling::Cls
        );
        assert_eq!(
            file(r#""pooling_mode_mean_tokens":true"#).unwrap(),
            Pooling::Mean
        );
        for modes in [
            "",
            r#""pooling_mode_max_tokens":true"#,
            r#""pooling_mode_cls_token":true,"pooling_mode_mean_tokens":true"#,
        ] {
            assert!(matches!(file(modes), Err(ModelError::PoolingUnsupported)));
        }
    }

    #[test]
    fn pooled_vectors_have_unit_length() {
        let hidden = [3.0, 4.0, 1.0, 0.0];
        assert_eq!(pool(Pooling::Cls, &hidden, 2), [0.6, 0.8]);
        let mean = pool(Pooling::Mean, &hidden, 2);
        assert!((mean[0] - 0.707_106_77).abs() < 1e-6);
        assert_eq!(pool(Pooling::Cls, &[0.0, 0.0], 2), [0.0, 0.0]);
    }
}
