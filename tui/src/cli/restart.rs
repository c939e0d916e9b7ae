//! `gte restart`: replace the daemon by the one beside this program.

use std::io;

use gte_shared::client::{Client, ClientError, Start, stop};
use gte_shared::endpoint::AnsweringModel;
use gte_shared::output::json_line;
use gte_shared::wire::GetStatus;

use super::global::Global;
use super::messages::{say, tell};

/// Stops the daemon after it has answered its pending requests, and starts the one beside this
/// program. Says so if another model answers than before.
pub(super) async fn run(global: &Global) -> anyhow::Result<()> {
    let endpoint = global.endpoint()?;
    let before = endpoint.holder().and_then(|holder| holder.model);
    match stop(&endpoint, &tell).await {
        Ok(()) | Err(ClientError::NotRunning(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let client = Client::with_notices(endpoint, Start::IfNeeded, tell);
    let status = client.call(GetStatus).await?;
    let now = AnsweringModel::from(&status.model);
    if let Some(before) = before.filter(|before| *before != now) {
        say(&format!("{now} answers now, and {before} did before"));
    }
    if global.json {
        json_line(&mut io::stdout(), &status)?;
    }
    Ok(())
}
