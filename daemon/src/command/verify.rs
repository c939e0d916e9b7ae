//! `gted verify`: check a model's files and its scores on published pairs.

use std::io::{self, Write};

use clap::Args;

use crate::store::Store;

/// Check a model's files, and its scores on published pairs
#[derive(Args, Debug)]
pub(super) struct Verify {
    /// Name of the model [default: the one that the daemon would use]
    name: Option<String>,
}

/// Largest difference from published cosines that rounding explains.
const TOLERANCE: f32 = 1e-3;

impl Verify {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let store = Store::of_user();
        let name = match self.name {
            Some(name) => name,
            None => store.find(None)?.id().to_owned(),
        };
        let verified = store.verify(&name)?;
        let mut out = io::stdout().lock();
        match verified.files {
            0 => writeln!(
                out,
                "{name}: compiled into this program; it has no files to check"
            )?,
            files => writeln!(
                out,
                "{name}: {files} files have the checksums of their installation"
            )?,
        }
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
            // The difference is expected, so it is not an error.
            writeln!(
                out,
                "{name}: these belong to the weights from {source}, and this model is from elsewhere"
            )?;
            return Ok(());
        }
        anyhow::ensure!(
            furthest <= TOLERANCE,
            "{name} does not give the published cosines: its weights may not be the published ones"
        );
        Ok(())
    }
}
