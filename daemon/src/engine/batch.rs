//! What goes into the next batch.

use std::collections::HashMap;
use std::sync::Arc;

/// The most tokens in a batch, unless a single text has more.
///
/// Enough rows for the matrix products to run at full speed on a few cores, and little enough that
/// a pair which arrives while a batch is running waits a fraction of a second for it.
pub const MAX_TOKENS: usize = 1024;

/// How many of its waiting texts each job has in the next batch.
///
/// The jobs take turns, one text each, so that a pair that arrives behind a long list is in the
/// very next batch. A batch is never empty while a text waits.
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

/// Each different text once: the places of the first of each, and for every text the place of its own
/// among those.
pub(super) fn distinct<'a>(texts: impl Iterator<Item = &'a [u32]>) -> (Vec<usize>, Vec<usize>) {
    let mut firsts = Vec::new();
    let mut place_of: HashMap<&[u32], usize> = HashMap::new();
    let places = texts
        .enumerate()
        .map(|(index, ids)| {
            *place_of.entry(ids).or_insert_with(|| {
                firsts.push(index);
                firsts.len() - 1
            })
        })
        .collect();
    (firsts, places)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(lengths: &[usize]) -> Vec<Arc<[u32]>> {
        lengths
            .iter()
            .map(|length| vec![0; *length].into())
            .collect()
    }

    #[test]
    fn a_pair_behind_a_long_list_is_in_the_next_batch() {
        let (list, pair) = (job(&[30; 1000]), job(&[10, 10]));
        let counts = compose([list.as_slice(), &pair].into_iter(), 1024);
        assert_eq!(counts[1], 2);
        assert!(counts[0] > 30);
    }

    #[test]
    fn the_budget_holds_but_for_a_single_text() {
        let (long, short) = (job(&[512, 512]), job(&[100]));
        assert_eq!(compose([long.as_slice(), &short].into_iter(), 700), [1, 1]);
        assert_eq!(compose([long.as_slice()].into_iter(), 100), [1]);
        assert_eq!(compose([job(&[]).as_slice()].into_iter(), 100), [0]);
    }
}
