//! Progress of a pull for programs: events as JSON objects on stdout, one per line.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use gte_shared::models::PullEvent;
use gte_shared::output::json_line;
use gte_shared::report::with_hint;

use crate::store::{Progress, StoreError};

/// Time between two events of the same file: screens need no more than ten per second.
const INTERVAL: Duration = Duration::from_millis(100);

/// State of the current file.
#[derive(Default)]
pub(super) struct Events {
    file: String,
    size: Option<u64>,
    have: u64,
    /// Time of the file's last event.
    printed_at: Option<Instant>,
}

/// Prints one event.
pub(super) fn print(event: &PullEvent) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    json_line(&mut out, event)?;
    Ok(out.flush()?)
}

impl Events {
    /// Prints the progress of the file.
    fn progress(&mut self) {
        self.printed_at = Some(Instant::now());
        show(&PullEvent::Progress {
            file: self.file.clone(),
            size: self.size,
            have: self.have,
        });
    }
}

/// Prints an event. A closed stdout does not stop the pull.
fn show(event: &PullEvent) {
    drop(print(event));
}

impl Progress for Events {
    fn waiting(&mut self) {
        show(&PullEvent::Waiting);
    }

    fn failed(&mut self, source: &str, error: &StoreError) {
        show(&PullEvent::Failed {
            source: source.to_owned(),
            error: with_hint(error, error.hint().as_deref()),
        });
    }

    fn begin(&mut self, file: &str, size: Option<u64>, have: u64) {
        file.clone_into(&mut self.file);
        self.size = size;
        self.have = have;
        self.progress();
    }

    fn advance(&mut self, bytes: u64) {
        self.have += bytes;
        let due = |printed_at: Instant| printed_at.elapsed() >= INTERVAL;
        if self.printed_at.is_none_or(due) {
            self.progress();
        }
    }

    fn end(&mut self, file: &str, checked: bool) {
        self.progress();
        show(&PullEvent::Done {
            file: file.to_owned(),
            checked,
        });
    }
}
