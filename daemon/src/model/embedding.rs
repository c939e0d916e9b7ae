//! The embedding layer: the sum of word, position and token-type embedding, normalized.

use gte_kernels::{LayerNorm, ShapeError};
use rayon::prelude::*;

use super::error::ModelError;
use super::extension::OpError;
use super::packing::pack_norm;
use crate::weights::{StoredMatrix, Tensors, WORDS};

/// Least number of rows per task: fewer are not worth another thread.
const MIN_ROWS_PER_TASK: usize = 16;

/// The layer before the first encoder layer.
#[derive(Debug)]
pub(super) struct EmbeddingLayer {
    words: StoredMatrix,
    /// Sum of each position's embedding and the embedding of token type 0, the type of all tokens
    /// of a single text: `[positions, width]`.
    positions: Vec<f32>,
    norm: LayerNorm,
}

impl EmbeddingLayer {
    /// Adds positions and token type up, and packs the normalization. Keeps only the word embedding
    /// of the tensors.
    pub(super) fn load(tensors: Tensors, epsilon: f32) -> Result<Self, ModelError> {
        let mut positions = tensors.values("embeddings.position_embeddings.weight")?;
        let types = tensors.values("embeddings.token_type_embeddings.weight")?;
        let norm = pack_norm(&tensors, "embeddings.norm", epsilon)?;
        let words = tensors.keep(WORDS)?;
        for position in positions.chunks_exact_mut(words.width().max(1)) {
            for (value, first) in position.iter_mut().zip(&types) {
                *value += first;
            }
        }
        Ok(Self::new(words, positions, norm)?)
    }

    fn new(words: StoredMatrix, positions: Vec<f32>, norm: LayerNorm) -> Result<Self, OpError> {
        if norm.width() != words.width() {
            let misfit = ShapeError {
                operation: "embedding".to_owned(),
                input: words.width(),
                output: norm.width(),
            };
            return Err(misfit.into());
        }
        Ok(Self {
            words,
            positions,
            norm,
        })
    }

    /// Values per token.
    pub(super) fn width(&self) -> usize {
        self.words.width()
    }

    /// Computes the embeddings of concatenated texts: `[tokens, width]`.
    pub(super) fn forward(&self, ids: &[u32], lengths: &[usize]) -> Result<Vec<f32>, OpError> {
        let width = self.width();
        let mut hidden = vec![0.0; ids.len() * width];
        let positions: Vec<usize> = lengths.iter().flat_map(|length| 0..*length).collect();
        hidden
            .par_chunks_exact_mut(width.max(1))
            .zip(ids.par_iter().zip(positions))
            .with_min_len(MIN_ROWS_PER_TASK)
            .try_for_each(|(row, (id, position))| {
                let known = (*id as usize) < self.words.rows();
                let own = self.positions.chunks_exact(width.max(1)).nth(position);
                let own = own.filter(|_| known);
                let own = own.ok_or(OpError::Token { id: *id, position })?;
                self.words.read(*id as usize, row);
                for (value, position) in row.iter_mut().zip(own) {
                    *value += position;
                }
                self.norm.normalize(row).map_err(OpError::from)
            })?;
        Ok(hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_token_or_position_is_named() {
        let words = StoredMatrix::of(vec![0.5; 5 * 8], 8);
        let norm = LayerNorm::new(vec![1.0; 8], vec![0.0; 8], 1e-12).unwrap();
        let layer = EmbeddingLayer::new(words, vec![0.25; 3 * 8], norm).unwrap();
        assert!(layer.forward(&[0, 4, 2], &[3]).is_ok());
        let unknown = layer.forward(&[0, 4, 5], &[1, 2]);
        assert!(matches!(
            unknown,
            Err(OpError::Token { id: 5, position: 1 })
        ));
        let too_far = layer.forward(&[0, 1, 2, 3], &[4]);
        assert!(matches!(
            too_far,
            Err(OpError::Token { id: 3, position: 3 })
        ));
    }

    #[test]
    fn a_norm_of_another_width_is_refused() {
        let words = StoredMatrix::of(vec![0.5; 5 * 8], 8);
        let norm = LayerNorm::new(vec![1.0; 7], vec![0.0; 7], 1e-12).unwrap();
        let refused = EmbeddingLayer::new(words, vec![0.25; 3 * 8], norm);
        assert!(matches!(refused, Err(OpError::Shape(_))));
    }
}
