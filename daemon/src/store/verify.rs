//! Verification of a model: checksums of its files, and comparison with published cosines.

use gte_shared::score::cosine;
use serde::Deserialize;

use super::builtin_data;
use super::catalog;
use super::error::StoreError;
use super::install::digest;
use super::installed::Store;
use crate::engine::{Embed, EmbedError, TokenizeError};
use crate::model::{BUILTIN, Compute, Model};

const JSON: &str = include_str!("../../assets/published.json");

/// Source of the built-in model in `published.json`, a stored name.
const BUILTIN_SOURCE: &str = "embedded";

/// Cosines of a model that others have published or that PyTorch computes.
#[derive(Deserialize)]
struct Published {
    name: String,
    /// Source of the weights that the cosines belong to, in the form of a manifest.
    source: String,
    by: String,
    pairs: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    a: String,
    b: String,
    cosine: f32,
}

/// Result of the verification of a model.
#[derive(Clone, Debug)]
pub(crate) struct Verified {
    /// Number of files with the right checksum.
    pub(crate) files: usize,
    /// Comparison with published pairs, if any are known.
    pub(crate) report: Option<Report>,
}

/// Comparison of a model's cosines with published ones.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Publisher of the pairs.
    pub(crate) by: String,
    /// Source of the weights that the pairs belong to, if this model is the publication at another
    /// hub: the hubs' models of one name can differ.
    pub(crate) other_source: Option<String>,
    /// Number of pairs.
    pub(crate) pairs: usize,
    /// Largest difference between a published cosine and the computed one.
    pub(crate) furthest: f32,
}

impl Store {
    /// Checks a model's files, and compares its cosines with published ones.
    ///
    /// # Errors
    ///
    /// If the model is not installed, a file is damaged, or the model cannot be run.
    pub(crate) fn verify(&self, name: &str) -> Result<Verified, StoreError> {
        let mut files = 0;
        let mut source = BUILTIN_SOURCE.to_owned();
        match self.manifest(name) {
            Ok(manifest) => {
                manifest.check_name()?;
                source.clone_from(&manifest.origin.source);
                let folder = self.folder(name)?;
                for (file, expected) in &manifest.sha256 {
                    if digest(&folder.join(file))?.0 != *expected {
                        return Err(StoreError::Damaged {
                            name: name.to_owned(),
                            file: file.clone(),
                        });
                    }
                    files += 1;
                }
            }
            Err(StoreError::NotInstalled(_)) if name == BUILTIN => {}
            Err(error) => return Err(error),
        }
        let model = Model::load(&self.find(Some(name))?, Compute::REFERENCE)?;
        let published: Vec<Published> = builtin_data::parse("published.json", JSON)?;
        let published = published.into_iter().find(|known| known.name == name);
        let report = published.map(|known| report(&model, &source, known));
        let report = report.transpose()?;
        Ok(Verified { files, report })
    }
}

fn report(model: &Model, source: &str, published: Published) -> Result<Report, StoreError> {
    let vector = |text: &str| {
        let failed = |error: TokenizeError| {
            EmbedError(format!("a published text cannot be tokenized: {error}"))
        };
        let ids = model.tokenizer.ids(text).map_err(failed)?;
        Ok::<_, StoreError>(model.encoder.embed(&[&ids])?.concat())
    };
    let of_another_hub = catalog::publishes(&published.name, source)?;
    let mut furthest = 0.0_f32;
    for pair in &published.pairs {
        let ours = cosine(&vector(&pair.a)?, &vector(&pair.b)?);
        furthest = furthest.max((ours - pair.cosine).abs());
    }
    Ok(Report {
        by: published.by,
        other_source: Some(published.source)
            .filter(|published| published != source && of_another_hub),
        pairs: published.pairs.len(),
        furthest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_pairs_are_complete() {
        let published: Vec<Published> = serde_json::from_str(JSON).unwrap();
        assert!(published.iter().any(|known| known.name == BUILTIN));
        assert!(published.iter().all(|known| !known.pairs.is_empty()));
    }
}
