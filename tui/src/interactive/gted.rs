//! What the screen has `gted` do: list models, and pull them. The screen and the daemon themselves stay
//! away from the network.

use std::process::{ExitStatus, Stdio};
use std::time::Instant;

use gte_shared::client::find_gted;
use gte_shared::models::{ModelRow, PullEvent};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;

use crate::app::{Action, News};

/// Why `gted` did not do what it was asked for, in its own words or the system's.
#[derive(Debug, thiserror::Error)]
enum GtedError {
    #[error("gted is neither beside this program nor on the PATH")]
    NotFound,
    #[error("gted cannot be run: {0}")]
    Io(#[from] std::io::Error),
    #[error("gted answers in an unknown form; is it of another build? {0}")]
    Form(#[from] serde_json::Error),
    #[error("{0}")]
    Failed(String),
    #[error("gted ended without a word ({0})")]
    Silent(ExitStatus),
}

fn gted(arguments: &[&str]) -> Result<Command, GtedError> {
    let mut command = Command::new(find_gted().ok_or(GtedError::NotFound)?);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A pull ends with the screen; the next one goes on with what it has fetched.
        .kill_on_drop(true);
    Ok(command)
}

/// Tells which models there are.
pub(super) async fn list(actions: mpsc::UnboundedSender<Action>) {
    let rows = listed().await.map_err(|error| error.to_string());
    tell(&actions, News::Listed(rows));
}

async fn listed() -> Result<Vec<ModelRow>, GtedError> {
    let output = gted(&["models", "--json"])?.output().await?;
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout)?)
    } else {
        Err(failed(&output.stderr, output.status))
    }
}

/// Pulls a model, telling what happens. Dropping the future ends the pull.
pub(super) async fn pull(number: u64, name: String, actions: mpsc::UnboundedSender<Action>) {
    let start = Instant::now();
    let happened = |event| tell(&actions, News::Pulled(number, event, start.elapsed()));
    // After `Installed` this says nothing new, and is not heard.
    let words = match pulled(&name, happened).await {
        Ok(()) => "gted ended without a word".to_owned(),
        Err(error) => error.to_string(),
    };
    tell(&actions, News::PullFailed(number, words));
}

async fn pulled(name: &str, happened: impl Fn(PullEvent)) -> Result<(), GtedError> {
    let mut child = gted(&["pull", name, "--json"])?.spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let events = async {
        let Some(stdout) = stdout else { return Ok(()) };
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            happened(serde_json::from_str(&line)?);
        }
        Ok::<_, GtedError>(())
    };
    // Both are read at once, since a full pipe would hold the other up.
    let words = async {
        let mut words = Vec::new();
        if let Some(mut stderr) = stderr {
            stderr.read_to_end(&mut words).await?;
        }
        Ok::<_, GtedError>(words)
    };
    let ((), words) = tokio::try_join!(events, words)?;
    let status = child.wait().await?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(&words, status))
    }
}

/// The last line of what it said, or how it ended without a word.
fn failed(stderr: &[u8], status: ExitStatus) -> GtedError {
    let words = String::from_utf8_lossy(stderr);
    match words.lines().last() {
        Some(last) => GtedError::Failed(last.strip_prefix("gted: ").unwrap_or(last).to_owned()),
        None => GtedError::Silent(status),
    }
}

fn tell(actions: &mpsc::UnboundedSender<Action>, news: News) {
    // The screen has been left: nobody is there to be told.
    drop(actions.send(Action::Models(news)));
}
