//! Scaled dot-product attention (Vaswani et al. 2017) within each text of a batch laid end to end.

use rayon::prelude::*;
use rten_gemm::{GemmInputA, GemmInputB, GemmOptions};
use rten_simd::SimdOp;
use rten_tensor::NdTensorView;
use rten_vecmath::Softmax;

use super::linear::GEMM;
use super::{OpError, Rows};

/// One head of one text.
struct Head<'a> {
    /// The text's rows of queries, keys and values.
    qkv: &'a [f32],
    tokens: usize,
    /// Where the head's numbers are in each row of queries.
    column: usize,
    size: usize,
    hidden: usize,
}

/// `[tokens, 3 × hidden]` to `[tokens, hidden]`. The heads of all texts are shared out among the threads.
pub(super) fn attend(qkv: &Rows<'_>, lengths: &[usize], heads: usize) -> Result<Vec<f32>, OpError> {
    let hidden = qkv.width / 3;
    let size = hidden / heads;
    let mut rest = qkv.numbers;
    let mut work = Vec::with_capacity(lengths.len() * heads);
    for tokens in lengths {
        let (text, after) = rest.split_at_checked(tokens * qkv.width).ok_or_else(|| {
            OpError::Shape("the texts have more tokens than there are rows".to_owned())
        })?;
        rest = after;
        work.extend((0..heads).map(|head| Head {
            qkv: text,
            tokens: *tokens,
            column: head * size,
            size,
            hidden,
        }));
    }
    let contexts: Vec<Vec<f32>> = work
        .par_iter()
        .map(Head::attend)
        .collect::<Result<_, _>>()?;

    let mut output = vec![0.0; qkv.count() * hidden];
    let mut rows = output.chunks_exact_mut(hidden);
    for (tokens, contexts) in lengths.iter().zip(contexts.chunks(heads)) {
        for (token, row) in rows.by_ref().take(*tokens).enumerate() {
            for (context, own) in contexts.iter().zip(row.chunks_exact_mut(size)) {
                own.copy_from_slice(&context[token * size..][..size]);
            }
        }
    }
    Ok(output)
}

impl Head<'_> {
    /// This head's numbers of the queries (0), keys (1) or values (2), `[tokens, size]`.
    fn part(&self, which: usize) -> Result<NdTensorView<'_, f32, 2>, OpError> {
        let from = which * self.hidden + self.column;
        let numbers = self.qkv.get(from..).unwrap_or_default();
        let shape = [self.tokens, self.size];
        NdTensorView::from_slice_with_strides(shape, numbers, [3 * self.hidden, 1])
            .map_err(|error| OpError::Shape(error.to_string()))
    }

    /// `softmax(q kᵀ / √size) v`, `[tokens, size]`.
    fn attend(&self) -> Result<Vec<f32>, OpError> {
        let [query, key, value] = [self.part(0)?, self.part(1)?, self.part(2)?];
        #[expect(clippy::cast_precision_loss, reason = "a head has dozens of numbers")]
        let options = GemmOptions {
            alpha: (self.size as f32).sqrt().recip(),
            ..GemmOptions::default()
        };
        let mut scores = vec![0.0; self.tokens * self.tokens];
        let mut context = vec![0.0; self.tokens * self.size];
        GEMM.with(|gemm| {
            let keys = GemmInputB::Unpacked(key.transposed());
            gemm.gemm(&mut scores, GemmInputA::Unpacked(query), keys, options)?;
            for row in scores.chunks_exact_mut(self.tokens) {
                Softmax::new_mut(row).dispatch();
            }
            let weights = NdTensorView::from_data([self.tokens, self.tokens], &scores[..]);
            let values = GemmInputB::Unpacked(value);
            gemm.gemm(
                &mut context,
                GemmInputA::Unpacked(weights),
                values,
                GemmOptions::default(),
            )
        })
        .map_err(|error| OpError::Shape(error.to_string()))?;
        Ok(context)
    }
}
