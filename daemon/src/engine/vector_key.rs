//! Keys of vectors.

use sha2::{Digest, Sha256};

/// Key of a vector: SHA-256 of the model's fingerprint and the text's token ids.
pub(super) type Key = [u8; 32];

/// Keys of the vectors of one model.
#[derive(Clone)]
pub(super) struct Keys(Sha256);

impl Keys {
    /// Keys of the model of a fingerprint.
    pub(super) fn of_model(fingerprint: &[u8; 32]) -> Self {
        Self(Sha256::new_with_prefix(fingerprint))
    }

    /// Key of the text of these token ids.
    pub(super) fn key(&self, ids: &[u32]) -> Key {
        let mut hash = self.0.clone();
        for id in ids {
            hash.update(id.to_le_bytes());
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_models_and_texts_apart() {
        let [one, other] = [[1; 32], [2; 32]].map(|fingerprint| Keys::of_model(&fingerprint));
        assert_eq!(one.key(&[101, 7, 102]), one.clone().key(&[101, 7, 102]));
        assert_ne!(one.key(&[101, 7, 102]), other.key(&[101, 7, 102]));
        assert_ne!(one.key(&[101, 7, 102]), one.key(&[101, 7]));
        assert_ne!(one.key(&[0x0102]), one.key(&[0x02, 0x01]));
    }
}
