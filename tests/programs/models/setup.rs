//! Models on this machine: converted, chosen, checked, removed, and refused when they are no good.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use gte_tests::{Daemon, Output, Sandbox, fixture};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

pub(crate) fn convert(sandbox: &Sandbox, path: &Path, name: &str) -> Output {
    sandbox.gted(&["convert", text(path), "--name", name])
}

/// The installed model, used by the daemon, gives PyTorch's embeddings of the tiny BERT.
pub(crate) fn gives_pytorchs_values(sandbox: &Sandbox, name: &str) {
    sandbox.gted(&["use", name]).success();
    drop(sandbox.run(&["stop"]));
    let _daemon = Daemon::start(sandbox, &["--precision", "f32"]);
    let expected = fs::read(fixture("tiny-bert/expected.json")).expect("it is there");
    let expected: Value = serde_json::from_slice(&expected).expect("it is JSON");
    let rows = expected["rows"].as_array().expect("a list");
    let mut compared = 0;
    for row in rows {
        let text = row["text"].as_str().expect("a text");
        let object = sandbox.run_with(&["embed", "--json"], text).json();
        assert_eq!(object["model"], name);
        let numbers = |value: &Value| -> Vec<f64> {
            let list = value.as_array().expect("a list");
            list.iter().map(|n| n.as_f64().expect("a number")).collect()
        };
        let (ours, reference) = (
            numbers(&object["embedding"]),
            numbers(&row["cls_embedding"]),
        );
        for (a, b) in ours.iter().zip(&reference) {
            assert!((a - b).abs() < 1e-5, "{text}: {a} where PyTorch has {b}");
            compared += 1;
        }
    }
    assert_eq!(compared, rows.len() * 64);
}

/// A copy of a folder, to change things in.
pub(crate) fn copy(sandbox: &Sandbox, from: &str, to: &str) -> PathBuf {
    let (from, to) = (fixture(from), sandbox.path().join(to));
    copy_folder(&from, &to);
    to
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("it is there").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

fn models_folder(sandbox: &Sandbox) -> PathBuf {
    sandbox.path().join(".local/share/gte/models")
}

/// What is installed, or was left behind by an installation; locks stay.
pub(crate) fn leftovers(sandbox: &Sandbox) -> Vec<String> {
    let Ok(entries) = fs::read_dir(models_folder(sandbox)) else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !name.ends_with(".lock")).collect()
}

#[test]
fn both_layouts_convert_to_pytorchs_values() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    gives_pytorchs_values(&sandbox, "tiny");

    // A PyTorch checkpoint, and no word about pooling: the catalogue's for that name, or none.
    let modelscope = fixture("tiny-bert/modelscope");
    let refused = convert(&sandbox, &modelscope, "unknown");
    assert_eq!(refused.code(), Some(1));
    assert!(
        refused.stderr.contains("does not state its pooling"),
        "{refused:?}"
    );
    convert(&sandbox, &modelscope, "gte-small-zh").success();
    gives_pytorchs_values(&sandbox, "gte-small-zh");
}

/// Writes tensors of the tiny BERT into files, under other names.
pub(crate) fn rewrite(model: &Path, files: &[&str], rename: impl Fn(&str) -> String) {
    let path = model.join("model.safetensors");
    let content = fs::read(&path).expect("it is there");
    fs::remove_file(&path).expect("it can be removed");
    let tensors = SafeTensors::deserialize(&content).expect("it is safetensors");
    let mut shards: HashMap<&str, Vec<(String, TensorView)>> = HashMap::new();
    let mut names: Vec<&str> = tensors.names();
    names.sort_unstable();
    for (place, name) in names.into_iter().enumerate() {
        let tensor = tensors.tensor(name).expect("it is there");
        let shard = shards.entry(files[place % files.len()]).or_default();
        shard.push((rename(name), tensor));
    }
    for (file, tensors) in shards {
        let path = model.join(file);
        safetensors::serialize_to_file(tensors, None, &path).expect("a file can be written");
    }
}

#[test]
fn old_names_and_several_files_convert_too() {
    let sandbox = Sandbox::default();
    let model = copy(&sandbox, "tiny-bert/hf", "sharded");
    let files = ["model-1-of-2.safetensors", "model-2-of-2.safetensors"];
    rewrite(&model, &files, |name| {
        let name = name
            .replace("LayerNorm.weight", "LayerNorm.gamma")
            .replace("LayerNorm.bias", "LayerNorm.beta");
        format!("bert.{name}")
    });
    let map: HashMap<String, &str> = (0..2).map(|n| (format!("tensor{n}"), files[n])).collect();
    let index = model.join("model.safetensors.index.json");
    fs::write(&index, json!({ "weight_map": map }).to_string()).expect("a file can be written");
    // By the file of its weights, which here is the index.
    convert(&sandbox, &index, "sharded").success();
    gives_pytorchs_values(&sandbox, "sharded");

    fs::remove_file(model.join(files[1])).expect("it can be removed");
    let missing = convert(&sandbox, &model, "again");
    assert!(
        missing.stderr.contains("no model-2-of-2.safetensors"),
        "{missing:?}"
    );
    let outside = json!({ "weight_map": { "a": "../secret.safetensors" } });
    fs::write(&index, outside.to_string()).expect("a file can be written");
    let outside = convert(&sandbox, &model, "again");
    assert!(
        outside.stderr.contains("not a file of the model's folder"),
        "{outside:?}"
    );
}

#[test]
fn what_is_no_model_is_refused_and_leaves_nothing_behind() {
    let sandbox = Sandbox::default();
    let model = copy(&sandbox, "tiny-bert/hf", "model");
    let weights = model.join("model.safetensors");
    let good = fs::read(&weights).expect("it is there");
    let refused = |words: &str| {
        let output = convert(&sandbox, &model, "tiny");
        assert_eq!(output.code(), Some(1), "{words}: {output:?}");
        assert!(output.stderr.contains(words), "{words}: {output:?}");
        let messages = output.stderr.lines();
        let messages = messages.filter(|line| !line.starts_with("hint: "));
        assert_eq!(messages.count(), 1, "{output:?}");
        assert_eq!(leftovers(&sandbox), Vec::<String>::new(), "{words}");
    };
    let write = |bytes: &[u8]| fs::write(&weights, bytes).expect("a file can be written");

    write(&good[..good.len() / 2]);
    refused("not a valid safetensors file");
    write(b"<html>404</html>");
    refused("not a valid safetensors file");

    write(&good);
    rewrite(&model, &["model.safetensors"], |name| match name {
        "encoder.layer.0.output.dense.bias" => "renamed".to_owned(),
        name => name.to_owned(),
    });
    refused("lack encoder.layer.0.output.dense.bias");
    write(&good);
    // One tensor under its new and its old name.
    rewrite(&model, &["model.safetensors"], |name| match name {
        "pooler.dense.bias" => "encoder.layer.0.output.LayerNorm.gamma".to_owned(),
        name => name.to_owned(),
    });
    refused("duplicate tensor encoder.layer.0.output.LayerNorm.weight");
    write(&good);
    // Two tensors of different shapes change places.
    rewrite(&model, &["model.safetensors"], |name| match name {
        "encoder.layer.0.output.dense.weight" => "encoder.layer.0.intermediate.dense.weight".into(),
        "encoder.layer.0.intermediate.dense.weight" => "encoder.layer.0.output.dense.weight".into(),
        name => name.to_owned(),
    });
    refused("has the shape");
    write(&good);

    let config = model.join("config.json");
    let right = fs::read_to_string(&config).expect("it is there");
    let wrong = right.replace("\"bert\"", "\"roberta\"");
    fs::write(&config, wrong).expect("a file can be written");
    refused("model_type is roberta");
    fs::write(&config, right.replace("202", "150")).expect("a file can be written");
    refused("do not belong together");
    fs::write(&config, right).expect("a file can be written");

    // A pickle that wants to call something: os.system.
    let called = sandbox.path().join("called");
    let command = format!("touch {}", called.display());
    let length = u32::try_from(command.len()).expect("it is short");
    let length = length.to_le_bytes();
    let pickle = [b"cos\nsystem\n(X", &length[..], command.as_bytes(), b"tR."].concat();
    fs::remove_file(&weights).expect("it can be removed");
    let checkpoint = model.join("pytorch_model.bin");
    fs::write(&checkpoint, pickle).expect("a file can be written");
    refused("not a readable PyTorch checkpoint");
    assert!(!called.exists(), "the pickle was executed");
    fs::remove_file(&checkpoint).expect("it can be removed");
    refused("no model.safetensors and no pytorch_model.bin");

    for name in ["../tiny", ".tiny", "a/b", "", "名"] {
        let output = convert(&sandbox, &model, name);
        assert!(
            output.stderr.contains("cannot be a model's name"),
            "{output:?}"
        );
    }

    write(&good);
    convert(&sandbox, &model, "tiny").success();
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn a_failed_conversion_leaves_the_installed_model_as_it_was() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    let broken = copy(&sandbox, "tiny-bert/hf", "broken");
    fs::write(broken.join("model.safetensors"), "broken").expect("a file can be written");
    assert_eq!(convert(&sandbox, &broken, "tiny").code(), Some(1));
    assert_eq!(leftovers(&sandbox), ["tiny"]);
    gives_pytorchs_values(&sandbox, "tiny");
    // And one that works replaces it.
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    assert_eq!(leftovers(&sandbox), ["tiny"]);
}

fn row(sandbox: &Sandbox, name: &str) -> Value {
    let rows = sandbox.gted(&["models", "--json"]).json();
    let rows = rows.as_array().expect("a list").clone();
    let found = rows.into_iter().find(|row| row["name"] == name);
    found.unwrap_or(Value::Null)
}

#[test]
fn models_are_listed_chosen_and_removed() {
    let sandbox = Sandbox::default();
    assert_eq!(row(&sandbox, "bge-small-zh-v1.5")["default"], true);
    assert_eq!(row(&sandbox, "gte-base-zh")["installed"], false);
    assert_eq!(row(&sandbox, "gte-base-zh")["license"], "Apache-2.0");
    assert_eq!(row(&sandbox, "tiny"), Value::Null);

    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    assert_eq!(row(&sandbox, "tiny")["installed"], true);
    assert_eq!(
        row(&sandbox, "tiny")["default"],
        false,
        "it has to be chosen"
    );

    // The preferred model is used as soon as it is there.
    convert(&sandbox, &fixture("tiny-bert/hf"), "gte-base-zh").success();
    assert_eq!(row(&sandbox, "gte-base-zh")["default"], true);
    let object = sandbox.run(&["sim", "今天", "明天", "--json"]).json();
    assert_eq!(object["model"], "gte-base-zh");

    sandbox.gted(&["use", "tiny"]).success();
    assert_eq!(row(&sandbox, "tiny")["default"], true);
    sandbox.gted(&["use", "bge-small-zh-v1.5"]).success();
    assert_eq!(row(&sandbox, "bge-small-zh-v1.5")["default"], true);
    sandbox.gted(&["use", "tiny"]).success();
    sandbox.gted(&["remove", "tiny"]).success();
    assert_eq!(row(&sandbox, "tiny"), Value::Null);
    assert_eq!(
        row(&sandbox, "gte-base-zh")["default"],
        true,
        "nothing is chosen any more"
    );
    sandbox.gted(&["remove", "gte-base-zh"]).success();
    assert_eq!(leftovers(&sandbox), Vec::<String>::new());

    for (arguments, words) in [
        (["remove", "tiny"], "tiny is not installed"),
        (["remove", "bge-small-zh-v1.5"], "part of the program"),
        (["use", "gte-base-zh"], "gte-base-zh is not installed"),
        (["use", "nonsense"], "there is no model nonsense"),
        (["verify", "nonsense"], "nonsense is not installed"),
    ] {
        let output = sandbox.gted(&arguments);
        assert_eq!(output.code(), Some(1));
        assert!(output.stderr.contains(words), "{output:?}");
    }
}

#[test]
fn verify_sees_a_damaged_file_and_knows_the_published_cosines() {
    let sandbox = Sandbox::default();
    let embedded = sandbox.gted(&["verify"]).success();
    assert!(embedded.contains("6 pairs by PyTorch"), "{embedded}");

    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    let tiny = sandbox.gted(&["verify", "tiny"]).success();
    assert!(tiny.contains("no published pairs"), "{tiny}");

    // Another model under a published one's name does not have its cosines.
    convert(&sandbox, &fixture("tiny-bert/hf"), "gte-base-zh").success();
    let other = sandbox.gted(&["verify", "gte-base-zh"]);
    assert_eq!(other.code(), Some(1));
    assert!(
        other.stderr.contains("does not give the published cosines"),
        "{other:?}"
    );

    let pack = models_folder(&sandbox).join("tiny/model.bpk");
    let mut bytes = fs::read(&pack).expect("it is there");
    *bytes.last_mut().expect("it has bytes") ^= 1;
    fs::write(&pack, bytes).expect("a file can be written");
    let damaged = sandbox.gted(&["verify", "tiny"]);
    assert_eq!(damaged.code(), Some(1));
    assert!(
        damaged.stderr.contains("model.bpk of tiny is damaged"),
        "{damaged:?}"
    );
}

#[test]
fn without_a_home_the_embedded_model_answers_and_nothing_can_be_installed() {
    let sandbox = Sandbox::default();
    let mut gte = sandbox.gte(&["sim", "今天", "明天"]);
    let output = gte.env_remove("HOME").output().expect("gte can be started");
    assert!(output.status.success(), "{output:?}");
    let tiny = fixture("tiny-bert/hf");
    let mut convert = sandbox.command(gte_tests::gted());
    convert.args(["convert", text(&tiny)]).env_remove("HOME");
    let output = convert.output().expect("gted can be started");
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("no folder for models"), "{words}");
}

#[test]
fn a_manifest_of_another_version_is_refused_in_words() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    let path = models_folder(&sandbox).join("tiny/manifest.json");
    let manifest = fs::read_to_string(&path).expect("it is there");
    let newer = manifest.replace("\"version\": 1", "\"version\": 99");
    assert_ne!(newer, manifest);
    fs::write(&path, newer).expect("a file can be written");
    let output = sandbox.gted(&["serve", "--model", "tiny"]);
    assert_eq!(output.code(), Some(1));
    assert!(output.stderr.contains("of version 99"), "{output:?}");
}
