//! Where a model's files come from: compiled into the program, or a folder.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use super::ModelError;

/// Name of the model that is compiled into the program.
pub const EMBEDDED: &str = "bge-small-zh-v1.5";

/// The embedded model's files. Their origin and licence lie beside them.
macro_rules! embedded {
    ($file:literal) => {
        include_bytes!(concat!("../../assets/bge-small-zh-v1.5/", $file))
    };
}

/// Where a model's files come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Compiled into the program.
    Embedded,
    /// A folder in the Hugging Face layout.
    Directory(PathBuf),
}

impl Source {
    /// The model that `name` stands for: the embedded one by its name, else a folder.
    ///
    /// # Errors
    ///
    /// If there is no such model.
    pub fn find(name: &str) -> Result<Self, ModelError> {
        let path = Path::new(name);
        if name == EMBEDDED {
            Ok(Self::Embedded)
        } else if path.is_dir() {
            Ok(Self::Directory(path.to_owned()))
        } else {
            Err(ModelError::NotFound {
                name: name.to_owned(),
                embedded: EMBEDDED,
            })
        }
    }

    /// What the model is called: a folder's model bears the folder's name.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Embedded => EMBEDDED.to_owned(),
            Self::Directory(path) => {
                let absolute = path.canonicalize();
                let named = absolute.as_deref().unwrap_or(path).file_name();
                named.map_or_else(
                    || path.display().to_string(),
                    |name| name.to_string_lossy().into_owned(),
                )
            }
        }
    }

    /// One file of the model, `None` when the model has no such file.
    ///
    /// # Errors
    ///
    /// If the file is there and cannot be read.
    pub fn read(&self, file: &str) -> Result<Option<Cow<'static, [u8]>>, ModelError> {
        match self {
            Self::Embedded => Ok(embedded_file(file).map(Cow::Borrowed)),
            Self::Directory(directory) => {
                let path = directory.join(file);
                match std::fs::read(&path) {
                    Ok(bytes) => Ok(Some(Cow::Owned(bytes))),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(source) => Err(ModelError::Read { path, source }),
                }
            }
        }
    }

    /// One file that the model cannot do without.
    ///
    /// # Errors
    ///
    /// If the file is missing or cannot be read.
    pub fn require(&self, file: &'static str) -> Result<Cow<'static, [u8]>, ModelError> {
        self.read(file)?.ok_or(ModelError::Missing(file))
    }
}

fn embedded_file(file: &str) -> Option<&'static [u8]> {
    Some(match file {
        "config.json" => embedded!("config.json"),
        "sentence_bert_config.json" => embedded!("sentence_bert_config.json"),
        "1_Pooling/config.json" => embedded!("1_Pooling/config.json"),
        "tokenizer.json" => embedded!("tokenizer.json"),
        // The int8 form; the reader of the weights goes by the tensors, not by the file's name.
        "model.safetensors" => embedded!("model.int8.safetensors"),
        _ => return None,
    })
}
