//! Words of a Chinese text, which has no spaces between them.
//!
//! The model reads characters. A kept segmenter with a dictionary finds the words that people see:
//! jieba's, whose words for contracts, goods and places held up better here than the longest match
//! of the Unicode dictionary, which has 甲/方 and 研究生/命/起源. Grouping characters by the model's
//! own hidden states would make other words of the same characters in each text.

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use jieba_rs::Jieba;

use crate::lifecycle::memory;

/// Dictionary of all segmenters: it takes 30 MB, and 0.1 s to load.
static SHARED: Mutex<Weak<Jieba>> = Mutex::new(Weak::new());

/// A segmenter, which loads the dictionary when it is first asked, and keeps it.
#[derive(Default)]
pub(super) struct Segmenter(OnceLock<Arc<Jieba>>);

impl Segmenter {
    /// Places of the words of a text, in bytes. Spaces and punctuation are left out.
    pub(super) fn words(&self, text: &str) -> Vec<Range<usize>> {
        let segments = self.0.get_or_init(shared).cut(text, true);
        let words = segments
            .into_iter()
            .filter(|segment| segment.word.contains(char::is_alphanumeric));
        words.map(|word| word.byte_start..word.byte_end).collect()
    }
}

/// The dictionary that is loaded already, else a new one.
fn shared() -> Arc<Jieba> {
    // Replaced as a whole.
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let loaded = Arc::new(Jieba::new());
        *shared = Arc::downgrade(&loaded);
        // Loading takes memory besides.
        memory::trim();
        loaded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_and_signs_left_out() {
        let segmenter = Segmenter::default();
        for (text, expected) in [
            ("研究生命起源", "研究 生命 起源"),
            (
                "我的iPhone坏了，怎么申请退款？",
                "我 的 iPhone 坏 了 怎么 申请 退款",
            ),
            ("  reset my password! ", "reset my password"),
            ("甲方应当支付全部货款。", "甲方 应当 支付 全部 货款"),
            ("……😀", ""),
        ] {
            let words = segmenter.words(text).into_iter().map(|word| &text[word]);
            assert_eq!(words.collect::<Vec<_>>().join(" "), expected);
        }
    }

    #[test]
    fn segmenters_share_one_dictionary() {
        let [one, other] = [Segmenter::default(), Segmenter::default()];
        assert_eq!(one.words("退款"), other.words("退款"));
        let [one, other] = [&one, &other].map(|of| Arc::as_ptr(of.0.get().unwrap()));
        assert!(std::ptr::eq(one, other));
    }
}
