//! Vectors that are equal bit for bit, whatever texts are in their batch and however many threads
//! compute them.

use gte_daemon::engine::Embed;
use gte_daemon::model::{Compute, Model, Source};
use gte_shared::wire::Precision;

/// Texts of one token to hundreds, two of them equal, with more tokens than one group has.
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

/// Compares vectors of single texts with those of batches in both orders.
fn check(precision: Precision) {
    let texts = texts();
    let mut alone: Option<Vec<Vec<f32>>> = None;
    for threads in [2, 5, 1] {
        let compute = Compute { threads, precision };
        let model = Model::load(&Source::Builtin, compute).unwrap();
        let ids = |text: &String| model.tokenizer.ids(text).unwrap();
        let ids: Vec<_> = texts.iter().map(ids).collect();
        let embed = |texts: &[&[u32]]| model.encoder.embed(texts).unwrap();
        let alone = alone.get_or_insert_with(|| ids.iter().flat_map(|ids| embed(&[ids])).collect());
        let all: Vec<&[u32]> = ids.iter().map(|ids| &**ids).collect();
        assert_eq!(embed(&all), *alone, "{threads} threads");
        let backwards: Vec<&[u32]> = all.iter().rev().copied().collect();
        let states = |texts: &[&[u32]]| model.encoder.hidden_states(texts).unwrap();
        let both = states(&[all[4], all[9]]);
        assert_eq!([states(&[all[4]]), states(&[all[9]])].concat(), both);
        let mut again = embed(&backwards);
        again.reverse();
        assert_eq!(again, *alone, "{threads} threads, backwards");
        // A few rows are computed by other kernels.
        for (few, wanted) in all.chunks(3).zip(alone.chunks(3)) {
            assert_eq!(embed(few), wanted, "{threads} threads, three texts");
        }
    }
}

#[test]
fn f32_vectors_do_not_depend_on_batch_or_threads() {
    check(Precision::F32);
}

#[test]
fn int8_vectors_do_not_depend_on_batch_or_threads() {
    check(Precision::Int8);
}
