//! Vectors as disk and shared cache keep them: with a checksum.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::vector_key::Key;

/// Bytes of the checksum behind the values of a vector.
const CHECKSUM_BYTES: usize = 8;

/// A vector.
pub(super) type Vector = Arc<[f32]>;

/// Values of a vector, each in four bytes, the lowest first, and a checksum.
pub(super) fn encode(key: &Key, vector: &[f32]) -> Vec<u8> {
    let mut value: Vec<u8> = vector
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    value.extend(checksum(key, &value));
    value
}

/// The vector of a value; `None` if the value is damaged, or that of another key.
pub(super) fn decode(key: &Key, value: &[u8]) -> Option<Vector> {
    let (values, sum) = value.split_last_chunk::<CHECKSUM_BYTES>()?;
    let (values, rest) = values.as_chunks::<4>();
    let is_whole = rest.is_empty() && checksum(key, values.as_flattened()) == *sum;
    is_whole.then(|| {
        values
            .iter()
            .map(|value| f32::from_le_bytes(*value))
            .collect()
    })
}

/// Checksum of a key and its values, against damage: SQLite checks the structure of its pages, not
/// their content.
fn checksum(key: &Key, values: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash: [u8; 32] = Sha256::new_with_prefix(key)
        .chain_update(values)
        .finalize()
        .into();
    let mut sum = [0; CHECKSUM_BYTES];
    sum.copy_from_slice(&hash[..CHECKSUM_BYTES]);
    sum
}
