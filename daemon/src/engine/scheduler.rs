//! Scheduling: choice of the texts of each job for the next batch.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::backend::EmbedError;

/// Most tokens in a batch, unless a single text has more.
///
/// Enough rows for the matrix products to run at full speed on a few cores, and so few that a pair
/// that arrives while a batch is running waits a fraction of a second for the batch.
pub(crate) const MAX_TOKENS: usize = 1024;

/// Outcome of a job: its vectors in order.
pub(super) type Outcome = Result<Vec<Arc<[f32]>>, EmbedError>;

/// Texts of one request on their way through the model.
pub(super) struct Job {
    texts: Vec<Arc<[u32]>>,
    pub(super) vectors: Vec<Arc<[f32]>>,
    pub(super) done: oneshot::Sender<Outcome>,
}

impl Job {
    pub(super) fn new(texts: Vec<Arc<[u32]>>, done: oneshot::Sender<Outcome>) -> Self {
        Self {
            vectors: Vec::with_capacity(texts.len()),
            texts,
            done,
        }
    }

    /// Texts without a vector yet.
    pub(super) fn waiting(&self) -> &[Arc<[u32]>] {
        self.texts.get(self.vectors.len()..).unwrap_or_default()
    }
}

/// Returns the number of waiting texts of each job for the next batch.
///
/// The jobs take turns, one text each, so that a pair that arrives behind a long list is in the
/// next batch. A batch is never empty while a text waits.
pub(super) fn compose<'a>(
    jobs: impl Iterator<Item = &'a [Arc<[u32]>]>,
    max_tokens: usize,
) -> Vec<usize> {
    let jobs: Vec<&[Arc<[u32]>]> = jobs.collect();
    let mut counts = vec![0; jobs.len()];
    let mut tokens = 0;
    loop {
        let mut any = false;
        for (job, count) in jobs.iter().zip(&mut counts) {
            let Some(text) = job.get(*count) else {
                continue;
            };
            if tokens > 0 && tokens + text.len() > max_tokens {
                return counts;
            }
            tokens += text.len();
            *count += 1;
            any = true;
        }
        if !any {
            return counts;
        }
    }
}

/// Removes duplicates: returns the distinct texts in the order of their first occurrence, and for
/// every text its index among them.
pub(super) fn distinct(texts: &[Arc<[u32]>]) -> (Vec<Arc<[u32]>>, Vec<usize>) {
    let mut different = Vec::new();
    let mut index_of: HashMap<&[u32], usize> = HashMap::new();
    let indices = texts
        .iter()
        .map(|ids| {
            *index_of.entry(ids).or_insert_with(|| {
                different.push(Arc::clone(ids));
                different.len() - 1
            })
        })
        .collect();
    (different, indices)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lengths: &[usize]) -> Vec<Arc<[u32]>> {
        lengths
            .iter()
            .map(|length| vec![0; *length].into())
            .collect()
    }

    #[test]
    fn a_pair_behind_a_long_list_is_in_the_next_batch() {
        let (list, pair) = (texts(&[30; 1000]), texts(&[10, 10]));
        let counts = compose([list.as_slice(), &pair].into_iter(), 1024);
        assert_eq!(counts[1], 2);
        assert!(counts[0] > 30);
    }

    #[test]
    fn the_budget_holds_but_for_a_single_text() {
        let (long, short) = (texts(&[512, 512]), texts(&[100]));
        assert_eq!(compose([long.as_slice(), &short].into_iter(), 700), [1, 1]);
        assert_eq!(compose([long.as_slice()].into_iter(), 100), [1]);
        assert_eq!(compose([texts(&[]).as_slice()].into_iter(), 100), [0]);
    }

    #[test]
    fn equal_texts_are_found() {
        let (different, indices) = distinct(&texts(&[5, 6, 5, 7, 6]));
        assert_eq!(different, texts(&[5, 6, 7]));
        assert_eq!(indices, [0, 1, 0, 2, 1]);
    }
}
