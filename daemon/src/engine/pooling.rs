//! Pooling of the windows of a long text.

use std::sync::Arc;

/// The vector of a text from those of its windows, taken from `vectors`: their mean by number of
/// tokens, of unit length (L2). The vector of a single window is that of the text, unchanged.
pub(crate) fn pool(
    windows: &[Arc<[u32]>],
    vectors: impl Iterator<Item = Arc<[f32]>>,
) -> Arc<[f32]> {
    let mut weighted = windows.iter().zip(vectors).peekable();
    let Some((_, first)) = weighted.peek() else {
        return Arc::default();
    };
    if windows.len() == 1 {
        return Arc::clone(first);
    }
    let mut sum = vec![0.0_f64; first.len()];
    for (ids, vector) in weighted {
        #[expect(clippy::cast_precision_loss, reason = "at most some hundred tokens")]
        let weight = ids.len() as f64;
        for (sum, value) in sum.iter_mut().zip(&*vector) {
            *sum += weight * f64::from(*value);
        }
    }
    let length = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "within [-1, 1]")]
    let unit = |value: f64| (value / length.max(f64::MIN_POSITIVE)) as f32;
    sum.into_iter().map(unit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_windows_weigh_more() {
        let windows = [Arc::from([1, 2, 3, 4]), Arc::from([1, 2, 3])];
        let vectors = [
            Arc::from([1.0, 0.0]),
            Arc::from([0.0, 1.0]),
            Arc::from([7.0, 7.0]),
        ];
        let mut vectors = vectors.into_iter();
        assert_eq!(*pool(&windows, vectors.by_ref()), [0.8, 0.6]);
        // What is left is that of the next text.
        assert_eq!(*pool(&windows[1..], vectors), [7.0, 7.0]);
    }
}
