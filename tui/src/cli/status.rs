//! `gte status`: print the state of the daemon, once or every second.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use gte_shared::VERSION;
use gte_shared::client::{Client, ClientError, Notice, Start};
use gte_shared::endpoint::Endpoint;
use gte_shared::output::json_line;
use gte_shared::printable::printable;
use gte_shared::wire::{GetStatus, Status as State};
use tokio::time::{MissedTickBehavior, interval};

use super::global::Global;
use super::messages::{say, tell};

/// Most characters of a value: a path has at most 4,096.
const MAX_VALUE_CHARS: usize = 4096;

/// Time between two looks of `--watch`.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Clears the terminal, and puts the cursor into its corner (ECMA-48).
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Print the state of the daemon; never starts one
#[derive(Args, Debug)]
pub(super) struct Status {
    /// Print it every second, until interrupted
    #[arg(long)]
    watch: bool,
}

impl Status {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let endpoint = global.endpoint()?;
        if self.watch {
            return watch(&endpoint, global.json).await;
        }
        let client = Client::new(endpoint.clone(), Start::Never);
        let state = client.call(GetStatus).await?;
        if state.version != VERSION {
            let version = state.version.clone();
            tell(&Notice::OtherVersion { version });
        }
        if let Some(reason) = endpoint.of_this_session_only() {
            tell(&Notice::ThisSessionOnly(reason));
        }
        if global.json {
            json_line(&mut io::stdout(), &state)?;
            return Ok(());
        }
        io::stdout().write_all(table(&endpoint, &state).as_bytes())?;
        if state.model.builtin {
            say(
                "the built-in model answers; for GTE itself, run `gted pull gte-base-zh` and `gted use gte-base-zh`",
            );
        }
        Ok(())
    }
}

/// Prints the state every second, whether a daemon runs or not.
async fn watch(endpoint: &Endpoint, json: bool) -> anyhow::Result<()> {
    let client = Client::new(endpoint.clone(), Start::Never);
    let mut looks = interval(WATCH_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut out = io::stdout();
    let before = if out.is_terminal() { CLEAR } else { "" };
    loop {
        looks.tick().await;
        let state = match client.call(GetStatus).await {
            Ok(state) => Some(state),
            // It may come, or come back.
            Err(
                ClientError::NotRunning(_) | ClientError::NotListening { .. } | ClientError::Closed,
            ) => None,
            Err(error) => return Err(error.into()),
        };
        match state {
            Some(state) if json => json_line(&mut out, &state)?,
            None if json => json_line(&mut out, &serde_json::json!({ "state": "stopped" }))?,
            Some(state) => writeln!(out, "{before}{}", table(endpoint, &state))?,
            None => write!(
                out,
                "{before}socket\t{}\nstate\tstopped\n\n",
                shown(endpoint)
            )?,
        }
        out.flush()?;
    }
}

fn shown(endpoint: &Endpoint) -> String {
    printable(&endpoint.path().display().to_string(), MAX_VALUE_CHARS)
}

/// The state as lines of a name and a value.
fn table(endpoint: &Endpoint, state: &State) -> String {
    let State {
        model,
        latency,
        cache,
        disk_cache,
        ..
    } = state;
    let second = state.second_model.as_ref();
    let second = second.map(|model| model.id.clone()).unwrap_or_default();
    let rows = [
        ("socket", endpoint.path().display().to_string()),
        ("state", state.state.name().to_owned()),
        ("version", state.version.clone()),
        ("protocol", state.protocol.to_string()),
        ("pid", state.pid.to_string()),
        ("detached", state.detached.to_string()),
        ("activated", state.activated.to_string()),
        ("model", model.id.clone()),
        ("second_model", second),
        ("builtin", model.builtin.to_string()),
        ("dimension", model.dimension.to_string()),
        ("pooling", model.pooling.name().to_owned()),
        ("max_tokens", model.max_tokens.to_string()),
        ("precision", model.precision.name().to_owned()),
        ("text_steps", model.rules.text_steps.to_string()),
        ("truncation", model.rules.truncation.name().to_owned()),
        ("meaning", model.scale.meaning.name().to_owned()),
        ("calibration", model.scale.calibration.name().to_owned()),
        ("threads", state.threads.to_string()),
        ("uptime_seconds", state.uptime_seconds.to_string()),
        ("idle_seconds", state.idle_seconds.to_string()),
        ("connections", state.connections.to_string()),
        ("requests", state.requests.to_string()),
        ("texts", state.texts.to_string()),
        ("pending_texts", state.pending_texts.to_string()),
        ("texts_per_second", format!("{:.1}", state.texts_per_second)),
        ("latency_p50_micros", latency.p50_micros.to_string()),
        ("latency_p90_micros", latency.p90_micros.to_string()),
        ("latency_p99_micros", latency.p99_micros.to_string()),
        ("latency_max_micros", latency.max_micros.to_string()),
        ("cache_hits", cache.hits.to_string()),
        ("cache_misses", cache.misses.to_string()),
        ("cache_texts", cache.texts.to_string()),
        ("cache_bytes", cache.bytes.to_string()),
        ("resident_bytes", state.resident_bytes.to_string()),
    ];
    let disk = disk_cache.iter().flat_map(|disk| {
        [
            ("disk_cache_hits", disk.hits.to_string()),
            ("disk_cache_misses", disk.misses.to_string()),
            ("disk_cache_bytes", disk.bytes.to_string()),
            ("disk_cache_faults", disk.faults.to_string()),
            (
                "disk_cache_problem",
                disk.problem.clone().unwrap_or_default(),
            ),
        ]
    });
    let row =
        |(name, value): (&str, String)| format!("{name}\t{}\n", printable(&value, MAX_VALUE_CHARS));
    rows.into_iter().chain(disk).map(row).collect()
}
