//! `gted models`: list the installed and the known models.

use std::io::{self, Write};

use clap::Args;
use gte_shared::models::ModelRow;
use gte_shared::output::json_line;
use gte_shared::printable::printable;

use super::messages::warn;
use crate::model::{BUILTIN, Source};
use crate::store::{Manifest, Store, catalog};

/// List the models that are installed or known
///
/// Prints mark (* for the model that a daemon started now would use), name, state, size, license
/// and source, separated by tabs.
#[derive(Args, Debug)]
pub(super) struct Models {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

impl Models {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let store = Store::of_user();
        // The other models are listed even if the selected one is missing.
        let default = match store.find(None) {
            Ok(source) => Some(source.id().to_owned()),
            Err(error) => {
                warn(&error, error.hint().as_deref());
                None
            }
        };
        let mut out = io::stdout().lock();
        let mut installed = Vec::new();
        for manifest in store.installed()?.into_values() {
            let checked = manifest.and_then(|manifest| {
                manifest.check_name()?;
                Ok(manifest)
            });
            match checked {
                Ok(manifest) => installed.push(manifest),
                Err(error) => warn(&error, error.hint().as_deref()),
            }
        }
        let rows = rows(installed, default.as_deref())?;
        if self.json {
            return Ok(json_line(&mut out, &rows)?);
        }
        for row in rows {
            let state = match (row.installed, row.builtin) {
                (true, _) => "installed",
                (false, true) => "builtin",
                (false, false) => "known",
            };
            let mark = if row.default { "*" } else { "" };
            let license = row.license.unwrap_or_default();
            let source = row.source.unwrap_or_default();
            let shown = |text: &str| printable(text, MAX_FIELD_CHARS);
            let (name, license, source) = (shown(&row.name), shown(&license), shown(&source));
            let megabytes = row.megabytes;
            writeln!(
                out,
                "{mark}\t{name}\t{state}\t{megabytes} MB\t{license}\t{source}"
            )?;
        }
        Ok(())
    }
}

/// Most characters of a field of the list: a path has at most 4,096.
const MAX_FIELD_CHARS: usize = 4096;

/// Megabytes, rounded.
fn megabytes(bytes: u64) -> u64 {
    (bytes + 500_000) / 1_000_000
}

/// Rows of the installed models, then of the known ones that are not installed.
fn rows(installed: Vec<Manifest>, default: Option<&str>) -> anyhow::Result<Vec<ModelRow>> {
    let mut rows: Vec<ModelRow> = installed
        .into_iter()
        .map(|manifest| ModelRow {
            default: default == Some(&*manifest.name),
            builtin: manifest.name == BUILTIN,
            name: manifest.name,
            installed: true,
            megabytes: megabytes(manifest.bytes),
            license: manifest.license,
            source: Some(manifest.origin.source),
        })
        .collect();
    for entry in catalog::entries()? {
        if rows.iter().any(|row| row.name == entry.name) {
            continue;
        }
        let first = entry.sources.into_iter().next();
        let (license, source) = first.map(|first| (first.license, first.repo)).unzip();
        let builtin = entry.name == BUILTIN;
        rows.push(ModelRow {
            default: default == Some(&*entry.name),
            builtin,
            name: entry.name,
            installed: false,
            megabytes: if builtin {
                megabytes(Source::Builtin.weights()?.bytes())
            } else {
                entry.megabytes
            },
            license,
            source,
        });
    }
    Ok(rows)
}
