//! Runs of `gted`, which list and pull models. Screen and daemon never use the network themselves.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Instant;

use gte_shared::client::find_gted;
use gte_shared::models::{ModelRow, PullEvent};
use gte_shared::report::with_hint;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;

use crate::app::{Action, ModelsError, ModelsEvent};
use crate::strings::Language;

/// Failure of a run of `gted`.
#[derive(Debug)]
enum GtedError {
    /// The program is nowhere.
    NotFound,
    /// It cannot be run.
    Io(io::Error),
    /// Its output is not what was expected.
    Json(serde_json::Error),
    /// Its own message.
    Failed(String),
    /// It has ended without a message.
    Silent(ExitStatus),
}

impl From<io::Error> for GtedError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<serde_json::Error> for GtedError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

impl GtedError {
    /// One line in the language of the screen; what `gted` itself says stays as it is.
    fn shown(&self, language: Language) -> String {
        let strings = language.strings();
        match self {
            Self::NotFound => strings.gted_missing.to_owned(),
            Self::Io(error) => format!("{}{error}", strings.gted_unusable),
            Self::Json(error) => format!("{}{error}", strings.gted_unexpected),
            Self::Failed(message) => message.clone(),
            Self::Silent(status) => format!("{}{status}", strings.gted_silent),
        }
    }
}

fn gted(arguments: &[&str]) -> Result<Command, GtedError> {
    let mut command = Command::new(find_gted().ok_or(GtedError::NotFound)?);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A pull ends with the screen. The next pull resumes it.
        .kill_on_drop(true);
    Ok(command)
}

/// Lists the models.
pub(super) async fn list(language: Language, action_tx: mpsc::UnboundedSender<Action>) {
    let failed = |error: GtedError| ModelsError(error.shown(language));
    let rows = listed().await.map_err(failed);
    send(&action_tx, ModelsEvent::Listed(rows));
}

async fn listed() -> Result<Vec<ModelRow>, GtedError> {
    let output = gted(&["models", "--json"])?.output().await?;
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout)?)
    } else {
        Err(failed(&output.stderr, output.status))
    }
}

/// Pulls a model and reports its events. Dropping the future ends the pull.
pub(super) async fn pull(
    number: u64,
    name: String,
    language: Language,
    action_tx: mpsc::UnboundedSender<Action>,
) {
    let start = Instant::now();
    let on_event = |event| {
        let event = ModelsEvent::Pulled(number, event, start.elapsed());
        send(&action_tx, event);
    };
    // After `Installed`, this event is ignored.
    let on_note = |note: &str| {
        // The send fails once the screen is left.
        drop(action_tx.send(Action::Notice(note.to_owned())));
    };
    let reason = match pulled(&name, on_event, on_note).await {
        Ok(()) => format!("{}0", language.strings().gted_silent),
        Err(error) => error.shown(language),
    };
    send(&action_tx, ModelsEvent::PullFailed(number, reason));
}

async fn pulled(
    name: &str,
    on_event: impl Fn(PullEvent),
    on_note: impl Fn(&str),
) -> Result<(), GtedError> {
    let mut child = gted(&["pull", name, "--json"])?.spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let events = async {
        let Some(stdout) = stdout else { return Ok(()) };
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            on_event(serde_json::from_str(&line)?);
        }
        Ok::<_, GtedError>(())
    };
    // Reads both at once, since a full pipe would block `gted`.
    let errors = async {
        let mut errors = Vec::new();
        if let Some(mut stderr) = stderr {
            stderr.read_to_end(&mut errors).await?;
        }
        Ok::<_, GtedError>(errors)
    };
    let ((), errors) = tokio::try_join!(events, errors)?;
    let status = child.wait().await?;
    if !status.success() {
        return Err(failed(&errors, status));
    }
    let errors = String::from_utf8_lossy(&errors);
    let notes = errors
        .lines()
        .filter_map(|line| line.strip_prefix("gted: "));
    notes.for_each(on_note);
    Ok(())
}

/// Makes the error of a failed run: the last message on stderr and its hint, or the exit status
/// without one.
fn failed(stderr: &[u8], status: ExitStatus) -> GtedError {
    last_error(&String::from_utf8_lossy(stderr))
        .map_or(GtedError::Silent(status), GtedError::Failed)
}

fn last_error(stderr: &str) -> Option<String> {
    let mut error = None;
    for line in stderr.lines() {
        if let Some(message) = line.strip_prefix("gted: ") {
            error = Some((message, None));
        } else if let (Some((_, hint)), Some(text)) = (&mut error, line.strip_prefix("hint: ")) {
            *hint = Some(text);
        }
    }
    match error {
        Some((message, hint)) => Some(with_hint(message, hint)),
        None => stderr.lines().next_back().map(str::to_owned),
    }
}

fn send(action_tx: &mpsc::UnboundedSender<Action>, event: ModelsEvent) {
    // The send fails once the screen is left.
    drop(action_tx.send(Action::Models(event)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_error_keeps_its_hint() {
        let stderr =
            "gted: one hub failed\nhint: wait\ngted: no hub has it\nhint: check the name\n";
        let error = last_error(stderr);
        assert_eq!(error.unwrap(), "no hub has it (check the name)");
        let stderr = "gted: one hub failed\nhint: wait\ngted: the disk is full\n";
        assert_eq!(last_error(stderr).unwrap(), "the disk is full");
        assert_eq!(last_error("Killed\n").unwrap(), "Killed");
        assert_eq!(last_error(""), None);
    }
}
