//! Holding a model against what is known of it: checksums of its files, published cosines.

use gte_shared::score::cosine;
use serde::Deserialize;

use super::catalogue::Hub;
use super::convert::digest;
use super::{Store, StoreError};
use crate::engine::{Embed, Tokenize};
use crate::model::{Compute, EMBEDDED, Model};

const JSON: &str = include_str!("../../assets/published.json");

/// Where the embedded model is from.
const EMBEDDED_SOURCE: &str = "embedded";

/// Cosines of a model that others have published or that PyTorch gives.
#[derive(Deserialize)]
struct Published {
    name: String,
    /// Where the weights are from that they belong to, as a manifest says it.
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

/// What holding a model against what is known of it has given.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Files whose checksums were right.
    pub files: usize,
    /// How the model does on published pairs, where there are any.
    pub report: Option<Report>,
}

/// How a model does on published pairs.
#[derive(Clone, Debug)]
pub struct Report {
    /// Who published them.
    pub by: String,
    /// Where the model is from that they belong to, if this one is known to be from another hub: what
    /// the hubs have under one name can differ.
    pub other_source: Option<String>,
    /// How many there are.
    pub pairs: usize,
    /// The largest distance between a published cosine and this program's.
    pub furthest: f32,
}

impl Store {
    /// Checks a model's files and how it does on published pairs.
    ///
    /// # Errors
    ///
    /// If the model is not there, a file is damaged, or the model cannot be run.
    pub fn verify(&self, name: &str) -> Result<Verified, StoreError> {
        let mut files = 0;
        let mut source = EMBEDDED_SOURCE.to_owned();
        match self.manifest(name) {
            Ok(manifest) => {
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
            Err(StoreError::NotInstalled(_)) if name == EMBEDDED => {}
            Err(error) => return Err(error),
        }
        let model = Model::load(&self.find(Some(name))?, Compute::REFERENCE)?;
        let published: Vec<Published> = super::builtin("published.json", JSON)?;
        let published = published.into_iter().find(|known| known.name == name);
        let report = published.map(|known| report(&model, &source, known));
        let report = report.transpose()?;
        Ok(Verified { files, report })
    }
}

fn report(model: &Model, source: &str, published: Published) -> Result<Report, StoreError> {
    let vector = |text: &str| {
        let tokens = model.tokenizer.tokenize(text);
        let tokens = tokens.map_err(|error| crate::engine::EmbedError(error.to_string()))?;
        Ok::<_, StoreError>(model.encoder.embed(&[&tokens.ids])?.concat())
    };
    let mut furthest = 0.0_f32;
    for pair in &published.pairs {
        let ours = cosine(&vector(&pair.a)?, &vector(&pair.b)?);
        furthest = furthest.max((ours - pair.cosine).abs());
    }
    Ok(Report {
        by: published.by,
        other_source: Some(published.source).filter(|published| {
            let hub = |hub: &Hub| source.starts_with(&format!("{}:", hub.name()));
            published != source && Hub::ALL.iter().any(hub)
        }),
        pairs: published.pairs.len(),
        furthest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_pairs_are_whole() {
        let published: Vec<Published> = serde_json::from_str(JSON).unwrap();
        assert!(published.iter().any(|known| known.name == EMBEDDED));
        assert!(published.iter().all(|known| !known.pairs.is_empty()));
    }
}
