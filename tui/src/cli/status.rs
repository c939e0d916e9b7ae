//! `gte status`: print the state of the daemon.

use std::io::{self, Write};

use gte_shared::VERSION;
use gte_shared::client::{Client, Notice, Start};
use gte_shared::output::json_line;
use gte_shared::printable::printable;
use gte_shared::wire::GetStatus;

use super::global::Global;
use super::messages::{say, tell};

/// Most characters of a value: a path has at most 4,096.
const MAX_VALUE_CHARS: usize = 4096;

/// Prints the state of the daemon, and never starts one.
pub(super) async fn run(global: &Global) -> anyhow::Result<()> {
    let endpoint = global.endpoint()?;
    let client = Client::new(endpoint.clone(), Start::Never);
    let status = client.call(GetStatus).await?;
    if status.version != VERSION {
        let version = status.version.clone();
        tell(&Notice::OtherVersion { version });
    }
    if let Some(reason) = endpoint.of_this_session_only() {
        tell(&Notice::ThisSessionOnly(reason));
    }
    let mut out = io::stdout().lock();
    if global.json {
        json_line(&mut out, &status)?;
        return Ok(());
    }
    let model = &status.model;
    let rows = [
        ("socket", endpoint.path().display().to_string()),
        ("version", status.version),
        ("protocol", status.protocol.to_string()),
        ("pid", status.pid.to_string()),
        ("detached", status.detached.to_string()),
        ("model", model.id.clone()),
        ("builtin", model.builtin.to_string()),
        ("dimension", model.dimension.to_string()),
        ("pooling", model.pooling.name().to_owned()),
        ("max_tokens", model.max_tokens.to_string()),
        ("precision", model.precision.name().to_owned()),
        ("threads", status.threads.to_string()),
        ("uptime_seconds", status.uptime_seconds.to_string()),
        ("connections", status.connections.to_string()),
        ("requests", status.requests.to_string()),
        ("texts", status.texts.to_string()),
        ("pending_texts", status.pending_texts.to_string()),
        ("resident_bytes", status.resident_bytes.to_string()),
    ];
    for (name, value) in rows {
        let value = printable(&value, MAX_VALUE_CHARS);
        writeln!(out, "{name}\t{value}")?;
    }
    if model.builtin {
        say(
            "the built-in model answers; for GTE itself, run `gted pull gte-base-zh` and `gted use gte-base-zh`",
        );
    }
    Ok(())
}
