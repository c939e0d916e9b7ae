//! Words of a Chinese text, which has no spaces between them.
//!
//! The model reads characters. A kept segmenter with a dictionary finds the words that people see:
//! jieba's, whose words for contracts, goods and places held up better here than the longest match
//! of the Unicode dictionary, which has 甲/方 and 研究生/命/起源. Grouping characters by the model's
//! own hidden states would make other words of the same characters in each text.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use jieba_rs::Jieba;

use crate::lifecycle::memory;

/// Dictionary of all segmenters: it takes 30 MB, and 0.1 s to load.
static SHARED: Mutex<Weak<Jieba>> = Mutex::new(Weak::new());

/// A segmenter, which loads the dictionary when it is first asked, and keeps it.
#[derive(Default)]
pub(super) struct Segmenter(OnceLock<Arc<Jieba>>);

impl Segmenter {
    /// Ends of the segments of a text, in characters: words of Chinese, runs of letters and digits
    /// of ASCII, and every other character alone.
    pub(super) fn ends(&self, text: &str) -> Vec<usize> {
        let segments = self.0.get_or_init(shared).cut(text, true);
        segments.into_iter().map(|segment| segment.end).collect()
    }
}

/// Returns true for punctuation (categories P of Unicode, in Latin and Chinese), tildes and spaces,
/// which are not words. Other symbols are, such as ℃, $ and 👍.
pub(super) fn is_punctuation(character: char) -> bool {
    // Full-width forms stand in the order of ASCII.
    let plain = match character {
        '\u{ff01}'..='\u{ff5e}' => u32::from(character) - 0xff00 + 0x20,
        _ => u32::from(character),
    };
    let plain = char::from_u32(plain).unwrap_or(character);
    let is_sign = match plain {
        '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' => false,
        _ => plain.is_ascii_punctuation(),
    };
    let is_other = matches!(
        character,
        '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '・'
            | '\u{2000}'..='\u{206f}'
            | '\u{3000}'..='\u{3003}'
            | '\u{3008}'..='\u{3011}'
            | '\u{3014}'..='\u{301f}'
            | '\u{3030}'
            | '\u{303d}'
            | '\u{fe30}'..='\u{fe6f}'
            | '\u{ff5f}'..='\u{ff65}'
    );
    is_sign || is_other || character.is_whitespace() || character.is_control()
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
    fn segments_are_words_of_people() {
        let segmenter = Segmenter::default();
        assert_eq!(segmenter.ends("研究生命起源"), [2, 4, 6]);
        assert_eq!(segmenter.ends("iPhone坏了"), [6, 7, 8]);
        assert_eq!(segmenter.ends("买T恤。"), [1, 3, 4]);
    }

    #[test]
    fn punctuation_is_told_from_symbols() {
        for sign in "。，、！？；：（）《》【】“”‘’—…·・～~,.!?-_ \n\u{3000}\u{200b}".chars()
        {
            assert!(is_punctuation(sign), "{sign:?}");
        }
        for word in "字aＡé9９℃👍ア한½〇々〒$＋￥".chars() {
            assert!(!is_punctuation(word), "{word:?}");
        }
    }

    #[test]
    fn segmenters_share_one_dictionary() {
        let [one, other] = [Segmenter::default(), Segmenter::default()];
        assert_eq!(one.ends("退款"), other.ends("退款"));
        let [one, other] = [&one, &other].map(|of| Arc::as_ptr(of.0.get().unwrap()));
        assert!(std::ptr::eq(one, other));
    }
}
