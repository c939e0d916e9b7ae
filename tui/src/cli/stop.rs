//! `gte stop`: stop the daemon after it has answered its pending requests.

use std::io;

use gte_shared::client::{ClientError, stop};
use gte_shared::output::json_line;

use super::global::Global;
use super::messages::{say, tell};

/// Stops the daemon. If no daemon is running, that is a success, too.
pub(super) async fn run(global: &Global) -> anyhow::Result<()> {
    let stopped = match stop(&global.endpoint()?, &tell).await {
        Ok(()) => true,
        Err(error @ ClientError::NotRunning(_)) => {
            say(&error.to_string());
            false
        }
        Err(error) => return Err(error.into()),
    };
    if global.json {
        let object = serde_json::json!({ "stopped": stopped });
        json_line(&mut io::stdout(), &object)?;
    }
    Ok(())
}
