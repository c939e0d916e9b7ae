//! The files of a model: compiled into the program, or in a folder.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use gte_shared::wire::{Pooling, TextStep, TextSteps};
use serde::Deserialize;

use super::error::ModelError;
use super::instead::{HEAD_BYTES, Instead};
use super::json_file::parse;
use crate::weights::Weights;

/// Name of the model that is compiled into the program.
pub(crate) const BUILTIN: &str = "bge-small-zh-v1.5";

/// File with the weights of an installed model.
pub(crate) const PACK: &str = "model.bpk";

/// Index of a model with several weights files: the file of each tensor.
const INDEX: &str = "model.safetensors.index.json";

/// Content of a file of the built-in model. Its origin and license are in the same folder.
macro_rules! builtin {
    ($file:literal) => {
        include_bytes!(concat!("../../assets/bge-small-zh-v1.5/", $file))
    };
}

/// The files of a model.
#[derive(Clone, Debug)]
pub enum Source {
    /// The built-in model, which is compiled into the program.
    Builtin,
    /// A model in a folder.
    Folder(Folder),
}

/// A folder in the Hugging Face or the ModelScope layout, or that of an installed model, with the
/// properties of the model that the catalog or its manifest states.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Path of the folder.
    pub path: PathBuf,
    /// Name of the model.
    pub id: String,
    /// Weights file, if the folder has several to choose from.
    pub weights: Option<PathBuf>,
    /// Pooling, for a folder whose files do not state it.
    pub pooling: Option<Pooling>,
    /// Most tokens that the model reads, for a folder whose files do not state it.
    pub max_tokens: Option<usize>,
    /// True for a folder of the store, whose files are replaced and never changed. All others are
    /// the user's, who may change them at any time.
    pub(crate) installed: bool,
}

impl Folder {
    /// Describes a folder by its own files alone. The model has the name of the folder.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        let absolute = path.canonicalize();
        let named = absolute.as_deref().unwrap_or(path).file_name();
        let id = named.map_or_else(
            || path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
        Self {
            path: path.to_owned(),
            id,
            weights: None,
            pooling: None,
            max_tokens: None,
            installed: false,
        }
    }
}

impl Source {
    /// Name of the model.
    #[must_use]
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Builtin => BUILTIN,
            Self::Folder(folder) => &folder.id,
        }
    }

    /// Pooling that the catalog, the manifest or the user states.
    #[must_use]
    pub(crate) fn known_pooling(&self) -> Option<Pooling> {
        match self {
            Self::Builtin => None,
            Self::Folder(folder) => folder.pooling,
        }
    }

    /// Most tokens of a text, as the catalog or the manifest states them.
    #[must_use]
    pub(crate) fn known_max_tokens(&self) -> Option<usize> {
        match self {
            Self::Builtin => None,
            Self::Folder(folder) => folder.max_tokens,
        }
    }

    /// Source of [`known_max_tokens`](Self::known_max_tokens), for messages.
    #[must_use]
    pub(crate) fn knows_by(&self) -> &'static str {
        match self {
            Self::Folder(folder) if folder.installed => "the manifest",
            _ => "the catalog",
        }
    }

    /// Steps before a text is tokenized, by default. The built-in model knows no capital letters:
    /// all words with one are the same to it. With small ones, which its training has, it agrees
    /// more with people (README, "What is read of a text"). Other models read texts as published.
    #[must_use]
    pub(crate) fn text_steps(&self) -> TextSteps {
        match self {
            Self::Builtin => TextSteps::NONE.with(TextStep::Lowercase),
            Self::Folder(_) => TextSteps::NONE,
        }
    }

    /// Finds the model's weights, in the first supported format that the model has.
    ///
    /// # Errors
    ///
    /// If the model has no weights, or an index of weights cannot be read.
    pub(crate) fn weights(&self) -> Result<Weights, ModelError> {
        let Self::Folder(folder) = self else {
            let content = builtin!("model.int8.safetensors");
            return Ok(Weights::Builtin(content));
        };
        let known = || {
            let known = [PACK, "model.safetensors", INDEX, "pytorch_model.bin"];
            let mut paths = known.map(|file| folder.path.join(file)).into_iter();
            // A link that leads nowhere is told, where its file would be taken.
            paths.find(|path| path.is_symlink() || path.is_file())
        };
        let path = folder.weights.clone().or_else(known);
        let path = path.ok_or_else(|| ModelError::NoWeights(other_weights(&folder.path)))?;
        check_head(&path)?;
        match path.extension().and_then(OsStr::to_str) {
            Some("bpk") => Ok(Weights::Pack {
                path,
                installed: folder.installed,
            }),
            Some("safetensors") => Ok(Weights::Safetensors(vec![path])),
            Some("json") => shards(&path),
            Some("bin" | "pt" | "pth") => Ok(Weights::PyTorch(path)),
            _ => Err(ModelError::WeightsFormat(path)),
        }
    }

    /// Reads one file of the model; `None` if the model does not have the file.
    ///
    /// # Errors
    ///
    /// If the file exists and cannot be read.
    pub(crate) fn read(&self, file: &str) -> Result<Option<Cow<'static, [u8]>>, ModelError> {
        match self {
            Self::Builtin => Ok(builtin_file(file).map(Cow::Borrowed)),
            Self::Folder(folder) => {
                let path = folder.path.join(file);
                match fs::read(&path) {
                    Ok(bytes) => Ok(Some(Cow::Owned(bytes))),
                    Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
                        Ok(None)
                    }
                    Err(source) => Err(unreadable(path, source)),
                }
            }
        }
    }

    /// Reads one file that every model needs.
    ///
    /// # Errors
    ///
    /// If the file is missing or cannot be read.
    pub(crate) fn require(&self, file: &str) -> Result<Cow<'static, [u8]>, ModelError> {
        let content = self.read(file)?;
        content.ok_or_else(|| ModelError::Missing(file.to_owned()))
    }
}

/// Makes the error for a file that is there and cannot be read.
fn unreadable(path: PathBuf, source: io::Error) -> ModelError {
    match fs::read_link(&path) {
        Ok(target) if source.kind() == io::ErrorKind::NotFound => {
            ModelError::DanglingLink { path, target }
        }
        _ => ModelError::Read { path, source },
    }
}

/// Checks that a weights file is not something else, such as a pointer to it.
fn check_head(path: &Path) -> Result<(), ModelError> {
    let mut head = Vec::new();
    let opened = File::open(path);
    let read = opened.and_then(|file| file.take(HEAD_BYTES as u64).read_to_end(&mut head));
    read.map_err(|source| unreadable(path.to_owned(), source))?;
    match Instead::of(&head) {
        Some(is) => {
            let name = path.file_name().unwrap_or_default();
            let file = name.to_string_lossy().into_owned();
            Err(ModelError::Instead { file, is })
        }
        None => Ok(()),
    }
}

/// Endings of weights that are not read, or under another name.
const OTHER_WEIGHTS: [&str; 8] = [
    ".safetensors",
    ".bin",
    ".onnx",
    ".h5",
    ".msgpack",
    ".gguf",
    ".ot",
    ".pt",
];

/// Names of weights in other formats in a folder, for an error.
fn other_weights(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for within in ["", "onnx"] {
        let Ok(entries) = fs::read_dir(folder.join(within)) else {
            continue;
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let weights = names.filter(|name| OTHER_WEIGHTS.iter().any(|end| name.ends_with(end)));
        found.extend(weights.map(|name| Path::new(within).join(name).display().to_string()));
    }
    found.sort();
    found
}

/// Finds the weights files that the index at `path` names.
fn shards(path: &Path) -> Result<Weights, ModelError> {
    let index = fs::read(path).map_err(|source| unreadable(path.to_owned(), source))?;
    let files = shard_files(&index)?.into_iter().map(|file| {
        let shard = path.with_file_name(&file);
        if shard.is_symlink() || shard.is_file() {
            check_head(&shard)?;
            Ok(shard)
        } else {
            Err(ModelError::MissingShard(file))
        }
    });
    Ok(Weights::Safetensors(files.collect::<Result<_, _>>()?))
}

fn builtin_file(file: &str) -> Option<&'static [u8]> {
    Some(match file {
        "config.json" => builtin!("config.json"),
        "sentence_bert_config.json" => builtin!("sentence_bert_config.json"),
        "1_Pooling/config.json" => builtin!("1_Pooling/config.json"),
        "tokenizer_config.json" => builtin!("tokenizer_config.json"),
        "vocab.txt" => builtin!("vocab.txt"),
        _ => return None,
    })
}

/// Returns the files that `model.safetensors.index.json` names, each once.
///
/// # Errors
///
/// If the bytes are not such an index, or the index names a file outside the model's folder.
pub(crate) fn shard_files(index: &[u8]) -> Result<BTreeSet<String>, ModelError> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index = parse(INDEX, index)?;
    let files: BTreeSet<String> = index.weight_map.into_values().collect();
    match files.iter().find(|file| !is_shard(file)) {
        Some(file) => Err(ModelError::Outside {
            index: INDEX,
            file: file.clone(),
        }),
        None => Ok(files),
    }
}

/// Returns true for the name of a weights file in the model's own folder. Names are shown to users,
/// so control characters are not allowed.
fn is_shard(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let plain = matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none();
    plain && name.ends_with(".safetensors") && !name.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_names_files_of_its_own_folder_only() {
        let index = |file: &str| {
            let json = serde_json::json!({"weight_map": {"a": file, "b": "model-2.safetensors"}});
            shard_files(json.to_string().as_bytes())
        };
        let files = index("model-1.safetensors").unwrap();
        assert_eq!(files.len(), 2);
        for outside in [
            "../secret.safetensors",
            "/etc/a.safetensors",
            "a/../../b.safetensors",
            "..",
            "",
            "model.bpk",
            "\u{1b}]0;.safetensors",
        ] {
            assert!(
                matches!(index(outside), Err(ModelError::Outside { .. })),
                "{outside}"
            );
        }
    }
}
