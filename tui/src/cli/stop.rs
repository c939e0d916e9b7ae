//! `gte stop`: let the daemon finish what runs and exit.

use std::io;

use gte_shared::client::{ClientError, stop};

use super::global::Global;
use super::output::{json_line, say};

/// Stops the daemon. If none is running, that is what the user wants, not an error.
pub(super) async fn run(global: &Global) -> anyhow::Result<()> {
    let stopped = match stop(&global.endpoint()?).await {
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
