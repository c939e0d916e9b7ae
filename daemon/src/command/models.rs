//! `gted models`: what is installed and what is known.

use std::io::{self, Write};

use clap::Args;
use gte_daemon::model::EMBEDDED;
use gte_daemon::store::{Manifest, Store, catalogue};
use serde::Serialize;

/// List the models that are installed or known
///
/// Prints mark (* for the one that a daemon started now uses), name, state, size, licence and source,
/// separated by tabs.
#[derive(Args, Debug)]
pub(super) struct Models {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// One model, as the list shows it.
#[derive(Serialize)]
struct Row {
    name: String,
    installed: bool,
    embedded: bool,
    default: bool,
    megabytes: u64,
    licence: Option<String>,
    source: Option<String>,
}

impl Models {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let store = Store::of_user();
        let default = store.find(None)?.id().to_owned();
        let mut out = io::stdout().lock();
        let rows = rows(store.installed()?, &default)?;
        if self.json {
            serde_json::to_writer(&mut out, &rows)?;
            writeln!(out)?;
            return Ok(());
        }
        for row in rows {
            let state = match (row.installed, row.embedded) {
                (true, _) => "installed",
                (false, true) => "embedded",
                (false, false) => "known",
            };
            let mark = if row.default { "*" } else { "" };
            let licence = row.licence.unwrap_or_default();
            let source = row.source.unwrap_or_default();
            let (name, megabytes) = (row.name, row.megabytes);
            writeln!(
                out,
                "{mark}\t{name}\t{state}\t{megabytes} MB\t{licence}\t{source}"
            )?;
        }
        Ok(())
    }
}

/// The installed models, then the known ones that are not installed.
fn rows(installed: Vec<Manifest>, default: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows: Vec<Row> = installed
        .into_iter()
        .map(|manifest| Row {
            default: manifest.name == default,
            embedded: manifest.name == EMBEDDED,
            name: manifest.name,
            installed: true,
            megabytes: manifest.bytes / 1_000_000,
            licence: manifest.licence,
            source: Some(manifest.origin.source),
        })
        .collect();
    for entry in catalogue::entries()? {
        if rows.iter().any(|row| row.name == entry.name) {
            continue;
        }
        let first = entry.sources.into_iter().next();
        let (licence, source) = first.map(|first| (first.licence, first.repo)).unzip();
        rows.push(Row {
            default: entry.name == default,
            embedded: entry.name == EMBEDDED,
            name: entry.name,
            installed: false,
            megabytes: entry.megabytes,
            licence,
            source,
        });
    }
    Ok(rows)
}
