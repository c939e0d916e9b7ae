//! The sum of word, position and token-type embedding, normalised.

use rayon::prelude::*;

use super::{Norm, OpError};
use crate::weights::Table;

/// Rows that are worth handing to another thread.
const SHARE: usize = 16;

/// What a token becomes before the first layer.
#[derive(Debug)]
pub(in crate::model) struct Lookup {
    pub(in crate::model) words: Table,
    /// For each position the sum of its embedding and the one of token type 0, which all tokens of a single text
    /// are of.
    pub(in crate::model) positions: Vec<f32>,
    pub(in crate::model) norm: Norm,
}

impl Lookup {
    /// `[tokens, width]` of texts laid end to end.
    pub(in crate::model) fn forward(
        &self,
        ids: &[u32],
        lengths: &[usize],
    ) -> Result<Vec<f32>, OpError> {
        let width = self.words.width();
        let mut hidden = vec![0.0; ids.len() * width];
        let positions: Vec<usize> = lengths.iter().flat_map(|length| 0..*length).collect();
        hidden
            .par_chunks_exact_mut(width.max(1))
            .zip(ids.par_iter().zip(positions))
            .with_min_len(SHARE)
            .try_for_each(|(row, (id, position))| {
                let position_row = self.positions.chunks_exact(width.max(1)).nth(position);
                let known = (*id as usize) < self.words.rows();
                let position_row = position_row
                    .filter(|_| known)
                    .ok_or(OpError::Token { id: *id, position })?;
                self.words.read(*id as usize, row);
                for (number, position) in row.iter_mut().zip(position_row) {
                    *number += position;
                }
                self.norm.normalise(row);
                Ok(())
            })?;
        Ok(hidden)
    }
}
