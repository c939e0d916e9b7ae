//! Usual names of columns and fields with texts, as published data sets and exports have them.

/// Names of the two texts of a pair.
const PAIRS: [[&str; 2]; 11] = [
    ["text_a", "text_b"],
    ["text1", "text2"],
    ["texta", "textb"],
    ["sentence_a", "sentence_b"],
    ["sentence1", "sentence2"],
    ["query1", "query2"],
    ["question1", "question2"],
    ["title1", "title2"],
    ["anchor", "positive"],
    ["文本1", "文本2"],
    ["句子1", "句子2"],
];

/// Names of a text.
const TEXTS: [&str; 9] = [
    "text", "sentence", "content", "question", "query", "文本", "句子", "内容", "问题",
];

/// Names of the two texts of a pair in an object, as in the protocol of gted. In a table they may
/// be texts.
const LETTERS: [&str; 2] = ["a", "b"];

/// Indexes of the texts among the names of fields; `None` if the names are not usual ones.
pub(super) fn in_object<const N: usize>(names: &[&str]) -> Option<[usize; N]> {
    let letters = || {
        let index = |wanted: &&str| names.iter().position(|name| name == wanted);
        let indexes: Vec<usize> = LETTERS.iter().filter_map(index).collect();
        indexes.try_into().ok().filter(|_| N == LETTERS.len())
    };
    find(names).or_else(letters)
}

/// Indexes of the texts among the names of columns, without regard to case; `None` if the
/// names are not usual ones.
pub(super) fn find<const N: usize>(names: &[&str]) -> Option<[usize; N]> {
    let index = |wanted: &&str| {
        let is_wanted = |name: &&str| name.trim().to_lowercase() == *wanted;
        names.iter().position(is_wanted)
    };
    let found = if N == 2 {
        PAIRS.iter().find_map(|pair| {
            let indexes: Vec<usize> = pair.iter().filter_map(index).collect();
            (indexes.len() == N).then_some(indexes)
        })
    } else {
        TEXTS.iter().find_map(index).map(|index| vec![index])
    };
    found?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_names_are_found_wherever_they_stand() {
        assert_eq!(find(&["id", "Text_B", " text_a"]), Some([2, 1]));
        assert_eq!(find::<2>(&["text_a", "label"]), None);
        assert_eq!(find(&["label", "text"]), Some([1]));
        assert_eq!(find::<1>(&["今天天气很好"]), None);
        assert_eq!(find::<2>(&["a", "b"]), None);
        assert_eq!(in_object(&["b", "label", "a"]), Some([2, 0]));
        assert_eq!(in_object::<1>(&["a"]), None);
    }
}
