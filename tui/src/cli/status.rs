//! `gte status`: what the daemon is doing.

use std::io::{self, Write};

use gte_shared::client::{Link, Start};
use gte_shared::wire::{Pooling, Precision};

use super::Global;
use super::output::json_line;

/// Asking how the daemon does never starts one.
pub(super) async fn run(global: &Global) -> anyhow::Result<()> {
    let endpoint = global.endpoint()?;
    let link = Link::new(endpoint.clone(), Start::Never);
    let status = link.status().await?;
    let mut out = io::stdout().lock();
    if global.json {
        json_line(&mut out, &status)?;
        return Ok(());
    }
    let model = &status.model;
    let pooling = match model.pooling {
        Pooling::Cls => "cls",
        Pooling::Mean => "mean",
    };
    let precision = match model.precision {
        Precision::F32 => "f32",
        Precision::Int8 => "int8",
    };
    let rows = [
        ("socket", endpoint.path().display().to_string()),
        ("build", status.build),
        ("pid", status.pid.to_string()),
        ("model", model.id.clone()),
        ("embedded", status.embedded.to_string()),
        ("dimension", model.dimension.to_string()),
        ("pooling", pooling.to_owned()),
        ("max_tokens", model.max_tokens.to_string()),
        ("precision", precision.to_owned()),
        ("threads", status.threads.to_string()),
        ("uptime_seconds", status.uptime_seconds.to_string()),
        ("connections", status.connections.to_string()),
        ("requests", status.requests.to_string()),
        ("texts", status.texts.to_string()),
        ("texts_in_hand", status.texts_in_hand.to_string()),
        ("resident_bytes", status.resident_bytes.to_string()),
    ];
    for (name, value) in rows {
        writeln!(out, "{name}\t{value}")?;
    }
    if status.embedded {
        // Advice, and no data.
        let advice = "gte: this is the embedded model; `gted pull gte-base-zh` and `gted use gte-base-zh` have GTE itself answer\n";
        drop(io::stderr().write_all(advice.as_bytes()));
    }
    Ok(())
}
