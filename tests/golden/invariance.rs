//! A text's vector is the same whatever it is computed beside, and with however many threads: bit for bit.

use gte_daemon::engine::{Embed, Tokenize};
use gte_daemon::model::{Compute, Model, Source};
use gte_shared::wire::Precision;

/// Texts of one token to hundreds, some of them twice: more tokens than a group has.
fn texts() -> Vec<String> {
    let clause = "甲方应在合同签订后三十日内支付全部款项,逾期按日支付违约金。";
    let mut texts: Vec<String> = (1..=18_usize)
        .map(|index| {
            let length = index * 7 % 29 + index * index * index % 97;
            clause
                .chars()
                .cycle()
                .skip(index)
                .take(length.max(1))
                .collect()
        })
        .collect();
    texts.extend(["的".to_owned(), clause.repeat(20), texts[3].clone()]);
    texts
}

fn vectors_are_the_same_in_any_company(precision: Precision) {
    let texts = texts();
    let mut alone: Option<Vec<Vec<f32>>> = None;
    for threads in [2, 5, 1] {
        let compute = Compute { threads, precision };
        let model = Model::load(&Source::Builtin, compute).unwrap();
        let ids = |text: &String| model.tokenizer.tokenize(text).unwrap().ids;
        let ids: Vec<_> = texts.iter().map(ids).collect();
        let embed = |texts: &[&[u32]]| model.encoder.embed(texts).unwrap();
        let alone = alone.get_or_insert_with(|| ids.iter().flat_map(|ids| embed(&[ids])).collect());
        let all: Vec<&[u32]> = ids.iter().map(|ids| &**ids).collect();
        assert_eq!(embed(&all), *alone, "{threads} threads");
        let backwards: Vec<&[u32]> = all.iter().rev().copied().collect();
        let mut again = embed(&backwards);
        again.reverse();
        assert_eq!(again, *alone, "{threads} threads, backwards");
        // A few rows have kernels of their own.
        for (few, wanted) in all.chunks(3).zip(alone.chunks(3)) {
            assert_eq!(embed(few), wanted, "{threads} threads, three texts");
        }
    }
}

#[test]
fn in_f32() {
    vectors_are_the_same_in_any_company(Precision::F32);
}

#[test]
fn in_int8() {
    vectors_are_the_same_in_any_company(Precision::Int8);
}
