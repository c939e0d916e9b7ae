//! The forward pass in Burn's plain operations, which tests compare the fused layers with.

use burn::nn::Embedding;
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Device, Int, Tensor};

use super::bert::{Attention, Embeddings, FeedForward};

impl Embeddings {
    pub(super) fn forward(&self, ids: &[u32], lengths: &[usize], device: &Device) -> Tensor<2> {
        let words: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
        let positions: Vec<i64> = lengths
            .iter()
            .flat_map(|length| 0..i64::try_from(*length).unwrap_or(i64::MAX))
            .collect();
        let look_up = |table: &Embedding, ids: &[i64]| -> Tensor<2> {
            let ids = Tensor::<1, Int>::from_data(ids, device).unsqueeze();
            table.forward(ids).squeeze_dim(0)
        };
        // A text is one sequence: every token is of type 0.
        let token_type: Tensor<2> = look_up(&self.token_type_embeddings, &[0]);
        let sum = look_up(&self.word_embeddings, &words)
            + look_up(&self.position_embeddings, &positions)
            + token_type;
        self.norm.forward(sum)
    }
}

impl Attention {
    pub(super) fn forward(&self, hidden: Tensor<2>, lengths: &[usize]) -> Tensor<2> {
        let query = self.query.forward(hidden.clone());
        let key = self.key.forward(hidden.clone());
        let value = self.value.forward(hidden.clone());
        let mut start = 0;
        let contexts = lengths
            .iter()
            .map(|length| {
                let rows = start..start + length;
                start += length;
                self.attend(
                    query.clone().slice([rows.clone()]),
                    key.clone().slice([rows.clone()]),
                    value.clone().slice([rows]),
                )
            })
            .collect();
        let context = Tensor::cat(contexts, 0);
        self.norm.forward(self.output.forward(context) + hidden)
    }

    /// Scaled dot-product attention within one text: `[tokens, hidden]` three times in, once out.
    fn attend(&self, query: Tensor<2>, key: Tensor<2>, value: Tensor<2>) -> Tensor<2> {
        let [tokens, hidden] = query.dims();
        let head = hidden / self.heads;
        // [tokens, hidden] → [heads, tokens, head]
        let by_head = |tensor: Tensor<2>| -> Tensor<3> {
            tensor.reshape([tokens, self.heads, head]).swap_dims(0, 1)
        };
        #[expect(clippy::cast_precision_loss, reason = "a head has dozens of columns")]
        let scale = (head as f32).sqrt().recip();
        let scores = by_head(query).matmul(by_head(key).transpose()) * scale;
        softmax(scores, 2)
            .matmul(by_head(value))
            .swap_dims(0, 1)
            .reshape([tokens, hidden])
    }
}

impl FeedForward {
    pub(super) fn forward(&self, hidden: Tensor<2>) -> Tensor<2> {
        let inner = gelu(self.up.forward(hidden.clone()));
        self.norm.forward(self.down.forward(inner) + hidden)
    }
}
