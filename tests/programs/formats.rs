//! Number formats of weights, and checkpoints that call functions.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use gte_tests::{Sandbox, fixture};
use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::models::{convert, copy_fixture, installed_entries, utf8};

/// Rewrites the weights of a copy of the tiny BERT with every value in another format.
fn retype(model: &Path, dtype: Dtype, format: impl Fn(f32) -> Vec<u8>) {
    retype_with(model, dtype, |_, value| format(value));
}

/// Like [`retype`], with the tensor's name beside each value.
fn retype_with(model: &Path, dtype: Dtype, mut format: impl FnMut(&str, f32) -> Vec<u8>) {
    let path = model.join("model.safetensors");
    let content = fs::read(fixture("tiny-bert/hf/model.safetensors")).expect("the weights exist");
    let tensors = SafeTensors::deserialize(&content).expect("the weights are safetensors");
    let retyped: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        // The only other tensor is a table of positions, which the model does not read.
        .filter(|(_, tensor)| tensor.dtype() == Dtype::F16)
        .map(|(name, tensor)| {
            let (values, _) = tensor.data().as_chunks::<2>();
            let values = values.iter().map(|x| f16::from_le_bytes(*x).to_f32());
            let bytes = values.flat_map(|value| format(name, value)).collect();
            (name.to_owned(), tensor.shape().to_vec(), bytes)
        })
        .collect();
    let views = retyped.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(dtype, shape.clone(), bytes).expect("the shape matches");
        (name.as_str(), view)
    });
    safetensors::serialize_to_file(views, None, &path).expect("a file can be written");
}

/// Cosine of two texts with an installed model.
fn cosine(sandbox: &Sandbox, model: &str) -> f64 {
    sandbox.gted(&["use", model]).success();
    drop(sandbox.run(&["stop"]));
    let scored = sandbox.run(&["sim", "a b c", "b c d", "--json"]).json();
    scored["cosine"].as_f64().expect("a number")
}

/// Size of an installed model's pack in bytes.
fn pack_bytes(sandbox: &Sandbox, model: &str) -> u64 {
    let pack = sandbox.models().join(model).join("model.bpk");
    fs::metadata(pack).expect("the pack exists").len()
}

/// Converts the tiny BERT in f32 as `whole` and in a format of two bytes as `half`, and asserts
/// that the smaller pack scores as the larger one within `tolerance`.
fn check_half(dtype: Dtype, format: impl Fn(f32) -> Vec<u8>, tolerance: f64) {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    retype(&model, Dtype::F32, |x| x.to_le_bytes().into());
    convert(&sandbox, &model, "whole").success();
    let exact = cosine(&sandbox, "whole");
    retype(&model, dtype, format);
    convert(&sandbox, &model, "half").success();
    assert!(pack_bytes(&sandbox, "half") < pack_bytes(&sandbox, "whole") * 2 / 3);
    let cosine = cosine(&sandbox, "half");
    assert!((cosine - exact).abs() < tolerance, "{cosine}, {exact}");
}

#[test]
fn f16_weights_stay_small_and_score_as_f32() {
    let format = |x| f16::from_f32(x).to_le_bytes().to_vec();
    check_half(Dtype::F16, format, 1e-6);
}

#[test]
fn bf16_weights_stay_small_and_score_nearly_as_f32() {
    let format = |x| bf16::from_f32(x).to_le_bytes().to_vec();
    check_half(Dtype::BF16, format, 1e-2);
}

/// Asserts that a conversion fails with a message that contains `words`, and leaves no file behind.
fn assert_refused(sandbox: &Sandbox, model: &Path, words: &str) {
    let output = convert(sandbox, model, "tiny");
    assert_eq!(output.code(), Some(1), "{words}: {output:?}");
    assert!(output.stderr.contains(words), "{words}: {output:?}");
    assert_eq!(installed_entries(sandbox), Vec::<String>::new(), "{words}");
}

#[test]
fn weights_of_nan_are_refused() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    retype(&model, Dtype::F32, |_| f32::NAN.to_le_bytes().into());
    assert_refused(&sandbox, &model, "contains NaN or infinite values");
}

#[test]
fn a_single_infinite_weight_is_refused() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    // In a row that few texts need.
    let mut count = 0;
    retype_with(&model, Dtype::F32, |name, x| {
        count += usize::from(name == "embeddings.word_embeddings.weight");
        let value = if count == 7000 { f32::INFINITY } else { x };
        value.to_le_bytes().into()
    });
    assert!(count > 7000);
    assert_refused(
        &sandbox,
        &model,
        "embeddings.word_embeddings.weight contains NaN or infinite values",
    );
}

#[test]
fn types_that_weights_cannot_have_are_refused() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    retype(&model, Dtype::F64, |x| f64::from(x).to_le_bytes().into());
    assert_refused(&sandbox, &model, "is of type F64");
    retype(&model, Dtype::I64, |_| 7_i64.to_le_bytes().into());
    assert_refused(&sandbox, &model, "is of type I64");
    retype(&model, Dtype::I8, |_| vec![7]);
    assert_refused(&sandbox, &model, "has no scale");
}

/// Adds a call of os.system to a checkpoint: one more entry in the dictionary of tensors, before
/// the end of the pickle.
fn add_call(checkpoint: &Path, command: &str) {
    let string = |text: &str| {
        let length = u32::try_from(text.len()).expect("the text is short");
        [b"X", &length.to_le_bytes()[..], text.as_bytes()].concat()
    };
    let (key, command) = (string("entry"), string(command));
    let entry = [b"(", &key[..], b"cos\nsystem\n(", &command, b"tRu."].concat();
    let archive = File::open(checkpoint).expect("the checkpoint exists");
    let mut archive = ZipArchive::new(archive).expect("the checkpoint is a zip archive");
    let changed = checkpoint.with_extension("changed");
    let mut writer = ZipWriter::new(File::create(&changed).expect("a file can be created"));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).expect("the entry exists");
        let name = file.name().expect("the entry has a name").to_string();
        let mut content = Vec::new();
        file.read_to_end(&mut content).expect("the entry is whole");
        if name.ends_with("data.pkl") {
            assert_eq!(content.pop(), Some(b'.'), "the end of a pickle");
            content.extend(&entry);
        }
        writer.start_file(name, stored).expect("an entry can begin");
        writer.write_all(&content).expect("an entry can be written");
    }
    writer.finish().expect("the archive can be finished");
    fs::rename(changed, checkpoint).expect("a file can be renamed");
}

#[test]
fn a_checkpoint_that_calls_a_function_is_refused() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/modelscope", "model");
    let convert = || sandbox.gted(&["convert", utf8(&model), "--pooling", "cls"]);
    convert().success();

    let called = sandbox.path().join("called");
    let command = format!("touch {}", called.display());
    add_call(&model.join("pytorch_model.bin"), &command);
    let output = convert();
    assert_eq!(output.code(), Some(1), "{output:?}");
    assert!(
        output
            .stderr
            .contains("would execute os.system, which gted never does"),
        "{output:?}"
    );
    assert!(!called.exists(), "the pickle was executed");
}
