//! Folders as programs of 2019 to 2026 write them: the tiny BERT with other files around it.

use std::fs;
use std::path::Path;

use gte_daemon::engine::Embed;
use gte_daemon::model::{Compute, Folder, Model, ModelError, Source};
use gte_shared::wire::{Pooling, Precision};
use serde_json::{Value, json};

use crate::distance;
use crate::read;
use crate::tiny_bert::{Expected, TOLERANCE, copy};

const COMPUTE: Compute = Compute {
    threads: 1,
    precision: Precision::F32,
};

/// Files to write, and their content; null removes a file.
pub(crate) type Change<'a> = &'a [(&'a str, Value)];

pub(crate) fn changed(change: Change<'_>) -> tempfile::TempDir {
    let copy = copy();
    for (file, content) in change {
        let path = copy.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match content {
            Value::Null => fs::remove_file(path).unwrap(),
            Value::String(text) => fs::write(path, text).unwrap(),
            json => fs::write(path, json.to_string()).unwrap(),
        }
    }
    copy
}

pub(crate) fn load_from(folder: &Path) -> Result<Model, ModelError> {
    Model::load(&Source::Folder(Folder::new(folder)), COMPUTE)
}

pub(crate) fn load(change: Change<'_>) -> Model {
    load_from(changed(change).path()).unwrap_or_else(|error| panic!("{change:?}: {error}"))
}

/// Message and hint of a refusal.
pub(crate) fn refusal(change: Change<'_>) -> String {
    match load_from(changed(change).path()) {
        Ok(_) => panic!("{change:?} was loaded"),
        Err(error) => format!("{error}; {}", error.hint().unwrap_or_default()),
    }
}

/// A file of the tiny BERT with some keys changed; null removes a key.
pub(crate) fn with(file: &str, changes: &Value) -> Value {
    let mut json: Value = read(&gte_tests::fixture("tiny-bert/hf").join(file));
    for (key, value) in changes.as_object().unwrap() {
        if value.is_null() {
            json.as_object_mut().unwrap().remove(key);
        } else {
            json[key] = value.clone();
        }
    }
    json
}

/// `modules.json` with these types and paths.
fn modules(modules: &[(&str, &str)]) -> Value {
    let entry = |(kind, path): &(&str, &str)| json!({"idx": 0, "path": path, "type": kind});
    modules.iter().map(entry).collect()
}

const OLD: [(&str, &str); 3] = [
    ("sentence_transformers.models.Transformer", ""),
    ("sentence_transformers.models.Pooling", "1_Pooling"),
    ("sentence_transformers.models.Normalize", "2_Normalize"),
];

const NEW: [(&str, &str); 3] = [
    (
        "sentence_transformers.base.modules.transformer.Transformer",
        "",
    ),
    (
        "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
        "1_Pooling",
    ),
    (
        "sentence_transformers.base.modules.normalize.Normalize",
        "2_Normalize",
    ),
];

#[test]
fn every_form_of_the_pooling_is_read() {
    let expected: Expected = read(&gte_tests::fixture("tiny-bert/expected.json"));
    let row = &expected.rows[1];
    let of_54 = |mode: Value| json!({"embedding_dimension": 64, "pooling_mode": mode, "include_prompt": true});
    for (pooling, modules_of) in [
        (of_54(json!("cls")), NEW),
        (of_54(json!(["cls"])), NEW),
        (
            json!({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}),
            OLD,
        ),
        (json!({"pooling_mode_cls_token": true}), OLD),
        (of_54(json!("mean")), NEW),
        (json!({"word_embedding_dimension": 64}), OLD),
    ] {
        let model = load(&[
            ("1_Pooling/config.json", pooling.clone()),
            ("modules.json", modules(&modules_of)),
        ]);
        let is_cls = pooling.to_string().contains("cls");
        let reference = if is_cls {
            &row.cls_embedding
        } else {
            &row.mean_embedding
        };
        let vector = model.encoder.embed(&[&row.ids]).unwrap().concat();
        assert!(distance(&vector, reference) < TOLERANCE, "{pooling}");
    }
    for (mode, words) in [
        (json!(["cls", "mean"]), "the pooling cls and mean"),
        (json!("lasttoken"), "the pooling lasttoken"),
    ] {
        let message = refusal(&[("1_Pooling/config.json", of_54(mode))]);
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn modules_are_read_where_they_are() {
    let cls = || json!({"pooling_mode": "cls"});
    let elsewhere = [
        OLD[0],
        ("sentence_transformers.models.Pooling", "2_Pooling"),
    ];
    let model = load(&[
        ("modules.json", modules(&elsewhere)),
        ("2_Pooling/config.json", cls()),
        ("1_Pooling/config.json", json!({"pooling_mode": "mean"})),
    ]);
    assert_eq!(model.info.pooling, Pooling::Cls);
    let sentence = json!({"module_input_name": "sentence_embedding"});
    load(&[
        ("modules.json", modules(&NEW)),
        ("2_Normalize/config.json", sentence),
    ]);
    for (change, words) in [
        (
            &[("modules.json", modules(&elsewhere))][..],
            "no 2_Pooling/config.json, which modules.json names",
        ),
        (
            &[(
                "modules.json",
                modules(&[OLD[0], ("sentence_transformers.models.Pooling", "")]),
            )],
            "states no path for sentence_transformers.models.Pooling",
        ),
        (
            &[("modules.json", modules(&[OLD[1]; 17]))],
            "models.Pooling",
        ),
        (
            &[(
                "modules.json",
                modules(&[("custom_st.Transformer", ""), OLD[1]]),
            )],
            "custom_st.Transformer, which is code of the model's own",
        ),
        (
            &[(
                "modules.json",
                modules(&[
                    OLD[0],
                    OLD[1],
                    ("sentence_transformers.models.Dense", "2_Dense"),
                ]),
            )],
            "models.Dense",
        ),
        (
            &[(
                "modules.json",
                modules(&[("sentence_transformers.models.Transformer", "0_Transformer")]),
            )],
            "gted convert DIR/0_Transformer",
        ),
        (
            &[(
                "modules.json",
                modules(&[OLD[0], ("sentence_transformers.models.Pooling", "../x")]),
            )],
            "not in the model's folder",
        ),
        (
            &[
                ("modules.json", modules(&NEW)),
                (
                    "2_Normalize/config.json",
                    json!({"module_input_name": "token_embeddings"}),
                ),
            ],
            "normalize.Normalize",
        ),
    ] {
        let message = refusal(change);
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn settings_that_change_vectors_are_refused() {
    const FILE: &str = "config_sentence_transformers.json";
    let prompts = json!({"query": "为这个句子生成表示："});
    load(&[(
        FILE,
        json!({"prompts": prompts, "default_prompt_name": null, "model_type": "SentenceTransformer"}),
    )]);
    for prompts in [json!(null), json!({"document": "", "query": null})] {
        load(&[(FILE, json!({"prompts": prompts}))]);
    }
    let empty = json!({"prompts": {"document": ""}, "default_prompt_name": "document"});
    load(&[(FILE, empty)]);
    for (key, value) in [
        ("default_prompt_name", json!("query")),
        ("truncate_dim", json!(32)),
        ("model_type", json!("CrossEncoder")),
    ] {
        let message = refusal(&[(FILE, json!({"prompts": prompts, key: value}))]);
        assert!(
            message.contains(&format!("{FILE} states {key}")),
            "{message}"
        );
    }
    let task = json!({"transformer_task": "text-generation"});
    let message = refusal(&[("sentence_bert_config.json", task)]);
    assert!(
        message.contains("transformer_task text-generation"),
        "{message}"
    );
}

#[test]
fn the_limit_of_tokens_is_that_of_the_first_file() {
    let tokenizer =
        |limit: Value| with("tokenizer_config.json", &json!({"model_max_length": limit}));
    let of = |change: Change<'_>| load(change).info.max_tokens;
    let sentence = |limit: Value| json!({"max_seq_length": limit, "do_lower_case": false});
    let none = json!(1_000_000_000_000_000_019_884_624_838_656.0_f64);
    assert_eq!(
        of(&[("tokenizer_config.json", tokenizer(none.clone()))]),
        64
    );
    assert_eq!(of(&[("tokenizer_config.json", tokenizer(json!(32)))]), 32);
    let of_54 =
        json!({"transformer_task": "feature-extraction", "module_output_name": "token_embeddings"});
    let new = [
        ("sentence_bert_config.json", of_54),
        ("tokenizer_config.json", tokenizer(json!(32))),
    ];
    assert_eq!(of(&new), 32);
    for (stated, expected) in [
        (json!(16), 16),
        (json!(16.0), 16),
        (json!(null), 32),
        (none, 32),
        (json!(512), 64),
    ] {
        let both = [
            ("sentence_bert_config.json", sentence(stated)),
            ("tokenizer_config.json", tokenizer(json!(32))),
        ];
        assert_eq!(of(&both), expected);
    }
    assert_eq!(
        of(&[("sentence_roberta_config.json", sentence(json!(16)))]),
        16
    );
    let arguments = json!({"max_seq_length": 16, "tokenizer_args": {"model_max_length": 8}});
    assert_eq!(of(&[("sentence_bert_config.json", arguments)]), 8);
    let message = refusal(&[("sentence_bert_config.json", sentence(json!(2)))]);
    assert!(message.contains("max_seq_length is 2"), "{message}");
}

#[test]
fn the_casing_is_that_of_the_first_file() {
    let ids = |change: Change<'_>| load(change).tokenizer.ids("ABc é").unwrap().to_vec();
    let json_of = |lowercase: bool| {
        let mut json: Value = read(&gte_tests::fixture("tiny-bert/hf/tokenizer.json"));
        json["normalizer"]["lowercase"] = json!(lowercase);
        json["normalizer"]["strip_accents"] = Value::Null;
        json
    };
    let rules = |lower: Value| {
        with(
            "tokenizer_config.json",
            &json!({"do_lower_case": lower, "strip_accents": null, "tokenizer_class": null}),
        )
    };
    let lower = ids(&[
        ("tokenizer.json", json_of(true)),
        ("tokenizer_config.json", rules(json!(true))),
    ]);
    let cased = ids(&[
        ("tokenizer.json", json_of(false)),
        ("tokenizer_config.json", rules(json!(false))),
    ]);
    assert_ne!(lower, cased);
    let both = |json: bool, rules_of: Value| {
        ids(&[
            ("tokenizer.json", json_of(json)),
            ("tokenizer_config.json", rules(rules_of)),
        ])
    };
    assert_eq!(
        both(false, json!(true)),
        lower,
        "tokenizer_config.json goes first"
    );
    assert_eq!(both(true, json!(false)), cased);
    assert_eq!(both(false, json!(null)), cased, "it states nothing");
    let sentence = load(&[
        ("tokenizer.json", json_of(false)),
        ("tokenizer_config.json", rules(json!(null))),
        ("sentence_bert_config.json", json!({"do_lower_case": true})),
    ]);
    // Lower case alone, without taking accents off.
    assert_eq!(
        sentence.tokenizer.ids("ABc").unwrap().to_vec(),
        ids_of_lower()
    );
}

pub(crate) fn ids_of_lower() -> Vec<u32> {
    load(&[]).tokenizer.ids("abc").unwrap().to_vec()
}
