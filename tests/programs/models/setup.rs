//! Models in a sandbox: copies to change, conversion, and a comparison with PyTorch.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use gte_tests::{Daemon, Output, Sandbox, fixture};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::Value;

/// A path as an argument.
pub(crate) fn utf8(path: &Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

/// Runs `gted convert`.
pub(crate) fn convert(sandbox: &Sandbox, path: &Path, name: &str) -> Output {
    sandbox.gted(&["convert", utf8(path), "--name", name])
}

/// Asserts that a daemon with this installed model gives PyTorch's embeddings of the tiny BERT.
pub(crate) fn assert_matches_pytorch(sandbox: &Sandbox, name: &str) {
    sandbox.gted(&["use", name]).success();
    drop(sandbox.run(&["stop"]));
    let _daemon = Daemon::start(sandbox, &["--precision", "f32"]);
    let expected = fs::read(fixture("tiny-bert/expected.json")).expect("the fixture exists");
    let expected: Value = serde_json::from_slice(&expected).expect("the fixture is JSON");
    let rows = expected["rows"].as_array().expect("the rows are a list");
    let mut compared = 0;
    for row in rows {
        let text = row["text"].as_str().expect("the text is a string");
        let object = sandbox.run_with(&["embed", "--json"], text).json();
        assert_eq!(object["model"], name);
        let values = |value: &Value| -> Vec<f64> {
            let list = value.as_array().expect("the vector is a list");
            list.iter().map(|n| n.as_f64().expect("a number")).collect()
        };
        let ours = values(&object["embedding"]);
        let reference = values(&row["cls_embedding"]);
        for (a, b) in ours.iter().zip(&reference) {
            assert!((a - b).abs() < 1e-5, "{text}: {a} where PyTorch has {b}");
            compared += 1;
        }
    }
    assert_eq!(compared, rows.len() * 64);
}

/// Copies a folder of the fixtures into a sandbox, as a model to change.
pub(crate) fn copy_fixture(sandbox: &Sandbox, from: &str, to: &str) -> PathBuf {
    let (from, to) = (fixture(from), sandbox.path().join(to));
    copy_folder(&from, &to);
    to
}

/// Copies a folder with all its entries.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be created");
    for entry in fs::read_dir(from).expect("the folder exists").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// Names in the folder of models, except locks: installed models, and the rest of unfinished work.
pub(crate) fn installed_entries(sandbox: &Sandbox) -> Vec<String> {
    let Ok(entries) = fs::read_dir(sandbox.models()) else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !name.ends_with(".lock")).collect()
}

/// Moves the tensors of `model.safetensors` into `files`, under the names that `rename` returns.
pub(crate) fn rewrite_weights(model: &Path, files: &[&str], rename: impl Fn(&str) -> String) {
    let path = model.join("model.safetensors");
    let content = fs::read(&path).expect("the weights exist");
    fs::remove_file(&path).expect("a file can be removed");
    let tensors = SafeTensors::deserialize(&content).expect("the weights are safetensors");
    let mut shards: HashMap<&str, Vec<(String, TensorView)>> = HashMap::new();
    let mut names: Vec<&str> = tensors.names();
    names.sort_unstable();
    for (index, name) in names.into_iter().enumerate() {
        let tensor = tensors.tensor(name).expect("the tensor exists");
        let shard = shards.entry(files[index % files.len()]).or_default();
        shard.push((rename(name), tensor));
    }
    for (file, tensors) in shards {
        let path = model.join(file);
        safetensors::serialize_to_file(tensors, None, &path).expect("a file can be written");
    }
}
