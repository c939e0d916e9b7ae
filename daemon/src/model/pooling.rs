//! Pooling of the hidden states of a text to one vector of unit length.

use std::collections::BTreeMap;

use gte_shared::wire::Pooling;
use serde::Deserialize;

use super::error::ModelError;
use super::json_file;

/// `1_Pooling/config.json`, in the format of sentence-transformers: with one or several names since
/// version 5.4, with a key for each mode before.
#[derive(Deserialize)]
struct PoolingConfig {
    pooling_mode: Option<Names>,
    #[serde(flatten)]
    others: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

/// Beginning of the keys before version 5.4, whose names follow, and what stands behind some.
const KEY: &str = "pooling_mode_";
const KEY_ENDS: [&str; 2] = ["_tokens", "_token"];

/// Reads the configuration of a pooling. Where it names no mode, it is MEAN, as there.
///
/// # Errors
///
/// If the file is not JSON, or asks for anything but CLS alone or MEAN alone.
pub(super) fn parse(path: &str, file: &[u8]) -> Result<Pooling, ModelError> {
    let config: PoolingConfig = json_file::parse(path, file)?;
    let names = match config.pooling_mode {
        Some(Names::One(name)) => vec![name],
        Some(Names::Several(names)) => names,
        None => {
            let set = config.others.iter().filter(|(_, value)| **value == true);
            let names = set.filter_map(|(key, _)| key.strip_prefix(KEY));
            let plain = |name: &str| {
                let end = KEY_ENDS.iter().find_map(|end| name.strip_suffix(end));
                end.unwrap_or(name).to_owned()
            };
            names.map(plain).collect()
        }
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match names[..] {
        ["cls"] => Ok(Pooling::Cls),
        ["mean"] | [] => Ok(Pooling::Mean),
        _ => Err(ModelError::PoolingUnsupported {
            file: path.to_owned(),
            found: names.join(" and "),
        }),
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
        let file = |modes: &str| parse("1_Pooling/config.json", format!("{{{modes}}}").as_bytes());
        for (modes, expected) in [
            (r#""pooling_mode_cls_token":true"#, Pooling::Cls),
            (
                r#""pooling_mode_mean_tokens":true,"include_prompt":true"#,
                Pooling::Mean,
            ),
            (
                r#""word_embedding_dimension":64,"pooling_mode_cls_token":false"#,
                Pooling::Mean,
            ),
            (
                r#""embedding_dimension":64,"pooling_mode":"cls""#,
                Pooling::Cls,
            ),
            (r#""pooling_mode":["mean"]"#, Pooling::Mean),
            (
                r#""pooling_mode":"mean","pooling_mode_cls_token":true"#,
                Pooling::Mean,
            ),
        ] {
            assert_eq!(file(modes).unwrap(), expected, "{modes}");
        }
        for (modes, found) in [
            (r#""pooling_mode_max_tokens":true"#, "max"),
            (r#""pooling_mode_lasttoken":true"#, "lasttoken"),
            (
                r#""pooling_mode_cls_token":true,"pooling_mode_mean_tokens":true"#,
                "cls and mean",
            ),
            (r#""pooling_mode":["cls","mean"]"#, "cls and mean"),
            (r#""pooling_mode":"weightedmean""#, "weightedmean"),
        ] {
            let error = file(modes).unwrap_err().to_string();
            assert!(error.contains(&format!("the pooling {found};")), "{error}");
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
