//! The types that weights come in, and what is refused among them.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use gte_tests::{Sandbox, fixture};
use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::models::{convert, copy, leftovers};

/// Writes the tiny BERT's weights anew, every number in another form.
fn retype(model: &Path, dtype: Dtype, form: impl Fn(f32) -> Vec<u8>) {
    retype_with(model, dtype, |_, number| form(number));
}

fn retype_with(model: &Path, dtype: Dtype, mut form: impl FnMut(&str, f32) -> Vec<u8>) {
    let path = model.join("model.safetensors");
    let content = fs::read(fixture("tiny-bert/hf/model.safetensors")).expect("it is there");
    let tensors = SafeTensors::deserialize(&content).expect("it is safetensors");
    let retyped: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        // The other one is a table of positions, which nobody reads.
        .filter(|(_, tensor)| tensor.dtype() == Dtype::F16)
        .map(|(name, tensor)| {
            let (numbers, _) = tensor.data().as_chunks::<2>();
            let numbers = numbers.iter().map(|x| f16::from_le_bytes(*x).to_f32());
            let bytes = numbers.flat_map(|number| form(name, number)).collect();
            (name.to_owned(), tensor.shape().to_vec(), bytes)
        })
        .collect();
    let views = retyped.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(dtype, shape.clone(), bytes).expect("it fits");
        (name.as_str(), view)
    });
    safetensors::serialize_to_file(views, None, &path).expect("a file can be written");
}

fn cosine(sandbox: &Sandbox, model: &str) -> f64 {
    sandbox.gted(&["use", model]).success();
    drop(sandbox.run(&["stop"]));
    let scored = sandbox.run(&["sim", "a b c", "b c d", "--json"]).json();
    scored["cosine"].as_f64().expect("a number")
}

#[test]
fn halves_stay_halves_on_the_disk_and_compute_as_what_they_stand_for() {
    let sandbox = Sandbox::default();
    let model = copy(&sandbox, "tiny-bert/hf", "model");
    retype(&model, Dtype::F32, |x| x.to_le_bytes().into());
    convert(&sandbox, &model, "whole").success();
    let exact = cosine(&sandbox, "whole");
    let pack = |name: &str| {
        let pack = sandbox
            .path()
            .join(".local/share/gte/models")
            .join(name)
            .join("model.bpk");
        fs::metadata(pack).expect("it is there").len()
    };
    let half = |x| f16::from_f32(x).to_le_bytes().to_vec();
    let brain = |x| bf16::from_f32(x).to_le_bytes().to_vec();
    let forms: [(_, _, &dyn Fn(f32) -> Vec<u8>, _); 2] = [
        ("half", Dtype::F16, &half, 1e-6),
        ("brain", Dtype::BF16, &brain, 1e-2),
    ];
    for (name, dtype, form, close) in forms {
        retype(&model, dtype, form);
        convert(&sandbox, &model, name).success();
        assert!(pack(name) < pack("whole") * 2 / 3, "{name}");
        let cosine = cosine(&sandbox, name);
        assert!((cosine - exact).abs() < close, "{name}: {cosine}, {exact}");
    }
}

#[test]
fn nan_infinity_and_unread_types_are_refused() {
    let sandbox = Sandbox::default();
    let model = copy(&sandbox, "tiny-bert/hf", "model");
    let refused = |words: &str| {
        let output = convert(&sandbox, &model, "tiny");
        assert_eq!(output.code(), Some(1), "{words}: {output:?}");
        assert!(output.stderr.contains(words), "{words}: {output:?}");
        assert_eq!(leftovers(&sandbox), Vec::<String>::new(), "{words}");
    };
    retype(&model, Dtype::F32, |_| f32::NAN.to_le_bytes().into());
    refused("contains NaN or infinite values");
    // A single one, in a row that few texts need.
    let mut count = 0;
    retype_with(&model, Dtype::F32, |name, x| {
        count += usize::from(name == "embeddings.word_embeddings.weight");
        let number = if count == 7000 { f32::INFINITY } else { x };
        number.to_le_bytes().into()
    });
    assert!(count > 7000);
    refused("embeddings.word_embeddings.weight contains NaN or infinite values");
    retype(&model, Dtype::F64, |x| f64::from(x).to_le_bytes().into());
    refused("is of type F64");
    retype(&model, Dtype::I64, |_| 7_i64.to_le_bytes().into());
    refused("is of type I64");
    retype(&model, Dtype::I8, |_| vec![7]);
    refused("has no scale");
}

#[test]
fn a_checkpoint_with_a_call_in_it_is_refused() {
    let sandbox = Sandbox::default();
    let model = copy(&sandbox, "tiny-bert/modelscope", "model");
    let called = sandbox.path().join("called");
    let checkpoint = model.join("pytorch_model.bin");
    let convert = || {
        sandbox.gted(&[
            "convert",
            model.to_str().expect("UTF-8"),
            "--pooling",
            "cls",
        ])
    };
    convert().success();

    // One more entry in the dictionary of tensors, before the end of the pickle.
    let string = |text: &str| {
        let length = u32::try_from(text.len()).expect("it is short");
        [b"X", &length.to_le_bytes()[..], text.as_bytes()].concat()
    };
    let (key, command) = (
        string("entry"),
        string(&format!("touch {}", called.display())),
    );
    let entry = [b"(", &key[..], b"cos\nsystem\n(", &command, b"tRu."].concat();
    let mut archive =
        ZipArchive::new(File::open(&checkpoint).expect("it is there")).expect("a zip");
    let changed = model.join("changed");
    let mut writer = ZipWriter::new(File::create(&changed).expect("a file can be made"));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).expect("it is there");
        let name = file.name().expect("it has one").to_string();
        let mut content = Vec::new();
        file.read_to_end(&mut content).expect("it can be read");
        if name.ends_with("data.pkl") {
            assert_eq!(content.pop(), Some(b'.'), "the end of a pickle");
            content.extend(&entry);
        }
        writer.start_file(name, stored).expect("it can be written");
        writer.write_all(&content).expect("it can be written");
    }
    writer.finish().expect("it can be written");
    fs::rename(changed, checkpoint).expect("it can be renamed");
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
