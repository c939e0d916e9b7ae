//! `gted verify`: hold a model against what is known of it.

use std::io::{self, Write};

use clap::Args;
use gte_daemon::store::Store;

/// Check a model's files, and its scores on published pairs
#[derive(Args, Debug)]
pub(super) struct Verify {
    /// The model [default: the one that the daemon would use]
    name: Option<String>,
}

/// A distance from published cosines that is no mere rounding.
const FAR: f32 = 1e-3;

impl Verify {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let store = Store::of_user();
        let name = match self.name {
            Some(name) => name,
            None => store.find(None)?.id().to_owned(),
        };
        let verified = store.verify(&name)?;
        let mut out = io::stdout().lock();
        let files = verified.files;
        writeln!(
            out,
            "{name}: {files} files have the checksums of their installation"
        )?;
        let Some(report) = verified.report else {
            writeln!(out, "{name}: no published pairs are known")?;
            return Ok(());
        };
        let (pairs, by, furthest) = (report.pairs, report.by, report.furthest);
        writeln!(
            out,
            "{name}: {pairs} pairs by {by}: the cosines differ by {furthest:.7} at most"
        )?;
        if let Some(source) = report.other_source {
            // Reported, and not held against it.
            writeln!(
                out,
                "{name}: these belong to the weights from {source}, and this model is from elsewhere"
            )?;
            return Ok(());
        }
        anyhow::ensure!(
            furthest <= FAR,
            "{name} does not give the published cosines; are its weights others than these belong to?"
        );
        Ok(())
    }
}
