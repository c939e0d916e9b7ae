//! The explanation of a score.

use crossterm::event::KeyCode;
use gte_shared::score::Verdict;
use gte_shared::wire::{
    ClosestWord, Computed, ExplainedWord, Explanation, PairScore, ScoreWithout, TextInfo, Timings,
};
use gte_tui::app::{Action, Explained, State, update};
use gte_tui::strings::Language;

use super::{builtin, check, press, with_texts};

const A: &str = "我的iPhone坏了，怎么申请退款？";
const B: &str = "手机坏了想退货退款";

/// Words with the points that the score of 48.78 gains by each, and its closest word.
fn words(words: &[(&str, f64, u32)]) -> Vec<ExplainedWord> {
    let word = |(word, effect, index): &(&str, f64, u32)| ExplainedWord {
        word: (*word).to_owned(),
        from: 0,
        to: 1,
        without: Some(ScoreWithout {
            cosine: 0.7,
            similarity: 48.78 - effect,
        }),
        closest: Some(ClosestWord {
            index: *index,
            cosine: 0.676,
        }),
    };
    words.iter().map(word).collect()
}

/// State with the explanation of a pair.
pub(crate) fn explained(language: Language) -> State {
    let mut state = with_texts(language, A, B);
    press(&mut state, KeyCode::F(3));
    let explanation = Explanation {
        score: PairScore {
            cosine: 0.756_916,
            similarity: 48.78,
            verdict: Verdict::Low,
            a: TextInfo::default(),
            b: TextInfo::default(),
            same_tokens: false,
        },
        a: words(&[
            ("我", -0.7, 1),
            ("的", -0.18, 0),
            ("iPhone", 6.31, 0),
            ("坏", 10.86, 1),
            ("了", 3.13, 2),
            ("怎么", -5.45, 2),
            ("申请一次退货", -5.54, 5),
            ("退款", 32.97, 5),
        ]),
        b: words(&[
            ("手机", 1.87, 2),
            ("坏", 10.03, 3),
            ("了", 4.45, 4),
            ("想", 1.42, 4),
            ("退货", -5.46, 7),
            ("退款", 7.28, 7),
        ]),
    };
    let computed = Computed {
        model: builtin(),
        timings: Timings::default(),
        result: explanation,
    };
    let words = Explained::Words(Box::new(computed));
    update(&mut state, Action::Explained(1, words));
    state
}

#[test]
fn the_words_of_a_pair() {
    check("explanation", explained);
}

#[test]
fn the_end_of_the_words() {
    check("explanation-end", |language| {
        let mut state = explained(language);
        (0..9).for_each(|_| press(&mut state, KeyCode::PageDown));
        (0..3).for_each(|_| press(&mut state, KeyCode::Up));
        state
    });
}

#[test]
fn an_explanation_without_words() {
    check("explanation-computing", |language| {
        let mut state = with_texts(language, A, B);
        press(&mut state, KeyCode::F(3));
        state
    });
    check("explanation-missing", |language| {
        let mut state = with_texts(language, A, "");
        press(&mut state, KeyCode::F(3));
        state
    });
    check("explanation-failed", |language| {
        let mut state = with_texts(language, A, B);
        press(&mut state, KeyCode::F(3));
        let error = "the text is too long: it is read in 3 chunks, of which the words cannot be \
                     explained (shorten it, or choose the truncation head or tail)";
        let error = error.to_owned();
        update(&mut state, Action::Explained(1, Explained::Failed(error)));
        state
    });
}
