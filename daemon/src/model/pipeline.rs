//! `modules.json` and the files that it names, in the format of sentence-transformers: read at
//! versions 1 to 6, whose names of modules differ in the middle.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::Deserialize;

use super::error::ModelError;
use super::json_file::parse;
use super::source::Source;

/// List of the modules.
pub(crate) const MODULES: &str = "modules.json";

/// Settings of the pipeline since version 2.3.
pub(crate) const PIPELINE: &str = "config_sentence_transformers.json";

/// Path of the pooling where no `modules.json` names another.
pub(crate) const POOLING: &str = "1_Pooling/config.json";

/// Beginning of the names of modules that need no code of the model's own.
const OWN: &str = "sentence_transformers.";

/// Output of the pooling, which a normalization scales.
const SENTENCE: &str = "sentence_embedding";

/// One entry of `modules.json`.
#[derive(Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    path: String,
}

/// `config_sentence_transformers.json`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Settings {
    model_type: Option<String>,
    default_prompt_name: Option<String>,
    prompts: Option<BTreeMap<String, Option<String>>>,
    truncate_dim: Option<f64>,
    similarity_fn_name: Option<String>,
}

/// Configuration of a normalization, since version 6.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Normalize {
    module_input_name: Option<String>,
}

/// Steps of a model after its transformer.
#[derive(Debug)]
pub(super) struct Pipeline {
    /// Path of the pooling's configuration, and true if the model must have it.
    pub(super) pooling: (String, bool),
    /// Notes for the user.
    pub(super) notes: Vec<String>,
}

impl Pipeline {
    /// Reads the pipeline.
    ///
    /// # Errors
    ///
    /// If it has a step that is not computed, such as a dense layer after the pooling.
    pub(super) fn read(source: &Source) -> Result<Self, ModelError> {
        let mut notes = Vec::new();
        if let Some(json) = source.read(PIPELINE)? {
            parse::<Settings>(PIPELINE, &json)?.check(&mut notes)?;
        }
        let mut pooling = (POOLING.to_owned(), false);
        for module in modules(source)? {
            let path = module.config()?;
            match (module.name()?, path) {
                (Name::Transformer, None) => {}
                (Name::Transformer, Some(_)) => {
                    return Err(ModelError::TransformerElsewhere(module.path));
                }
                (Name::Pooling, Some(path)) => pooling = (path, true),
                (Name::Pooling | Name::Normalize, None) => {
                    return Err(ModelError::ModuleWithoutPath(module.kind));
                }
                (Name::Normalize, Some(path)) => {
                    let json = source.read(&path)?;
                    let json = json
                        .map(|json| parse::<Normalize>(&path, &json))
                        .transpose()?;
                    let of = json.unwrap_or_default().module_input_name;
                    if of.is_some_and(|input| input != SENTENCE) {
                        return Err(ModelError::PipelineModule(module.kind));
                    }
                }
            }
        }
        Ok(Self { pooling, notes })
    }
}

/// Paths of the configurations that `modules.json` names.
///
/// # Errors
///
/// If it is not such a list, or names files outside the model's folder.
pub(crate) fn module_files(modules: &[u8]) -> Result<Vec<String>, ModelError> {
    let modules = parse_modules(modules)?;
    let paths = modules.iter().map(|module| module.config().transpose());
    paths.flatten().collect()
}

/// Most modules: a model that is computed has three.
const MAX_MODULES: usize = 16;

fn parse_modules(json: &[u8]) -> Result<Vec<Module>, ModelError> {
    let modules: Vec<Module> = parse(MODULES, json)?;
    match modules.get(MAX_MODULES) {
        None => Ok(modules),
        Some(further) => Err(ModelError::PipelineModule(further.kind.clone())),
    }
}

fn modules(source: &Source) -> Result<Vec<Module>, ModelError> {
    match source.read(MODULES)? {
        Some(json) => parse_modules(&json),
        None => Ok(Vec::new()),
    }
}

/// Modules that are computed.
enum Name {
    Transformer,
    Pooling,
    Normalize,
}

impl Module {
    fn name(&self) -> Result<Name, ModelError> {
        let last = self.kind.rsplit('.').next();
        match last.filter(|_| self.kind.starts_with(OWN)) {
            Some("Transformer") => Ok(Name::Transformer),
            Some("Pooling") => Ok(Name::Pooling),
            Some("Normalize") => Ok(Name::Normalize),
            Some(_) => Err(ModelError::PipelineModule(self.kind.clone())),
            None => Err(ModelError::OwnCode(self.kind.clone())),
        }
    }

    /// Path of the module's configuration; `None` for a module in the model's own folder.
    fn config(&self) -> Result<Option<String>, ModelError> {
        if self.path.is_empty() {
            return Ok(None);
        }
        let mut parts = Path::new(&self.path).components();
        let is_inside = parts.all(|part| matches!(part, Component::Normal(_)));
        if is_inside && !self.path.contains(['\\', '\0']) {
            let path = self.path.trim_end_matches('/');
            Ok(Some(format!("{path}/config.json")))
        } else {
            Err(ModelError::Outside {
                index: MODULES,
                file: self.path.clone(),
            })
        }
    }
}

impl Settings {
    fn check(self, notes: &mut Vec<String>) -> Result<(), ModelError> {
        let refuse = |key, value: String| {
            Err(ModelError::Setting {
                file: PIPELINE,
                key,
                value,
            })
        };
        if let Some(kind) = self.model_type.filter(|kind| kind != "SentenceTransformer") {
            return refuse("model_type", kind);
        }
        let prompts = self.prompts.unwrap_or_default();
        let is_empty = |name: &String| {
            let prompt = prompts.get(name).map(Option::as_deref);
            matches!(prompt, Some(None | Some("")))
        };
        if let Some(name) = self.default_prompt_name.filter(|name| !is_empty(name)) {
            return refuse("default_prompt_name", name);
        }
        if let Some(dimension) = self.truncate_dim {
            return refuse("truncate_dim", dimension.to_string());
        }
        if let Some(name) = self.similarity_fn_name.filter(|name| name != "cosine") {
            notes.push(format!(
                "{PIPELINE} states the similarity {name}; gted computes cosines"
            ));
        }
        Ok(())
    }
}
