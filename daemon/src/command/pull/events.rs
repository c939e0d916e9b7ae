//! A pull for programs: what happens as JSON objects, one a line, on stdout.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use gte_daemon::store::{Progress, StoreError};
use gte_shared::models::PullEvent;

/// Time between two lines about the same file: as often as a screen can show it.
const INTERVAL: Duration = Duration::from_millis(100);

/// The file that is fetched now.
#[derive(Default)]
pub(super) struct Events {
    file: String,
    size: Option<u64>,
    have: u64,
    /// When it was last told of.
    told: Option<Instant>,
}

/// Prints one event.
pub(super) fn print(event: &PullEvent) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    Ok(out.flush()?)
}

impl Events {
    fn tell(&mut self) {
        self.told = Some(Instant::now());
        show(&PullEvent::Progress {
            file: self.file.clone(),
            size: self.size,
            have: self.have,
        });
    }
}

/// Prints an event that need not be read: a reader that has gone must not keep the pull from going on.
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
            error: error.to_string(),
        });
    }

    fn begin(&mut self, file: &str, size: Option<u64>, have: u64) {
        file.clone_into(&mut self.file);
        self.size = size;
        self.have = have;
        self.tell();
    }

    fn advance(&mut self, bytes: u64) {
        self.have += bytes;
        if self.told.is_none_or(|told| told.elapsed() >= INTERVAL) {
            self.tell();
        }
    }

    fn end(&mut self, file: &str, checked: bool) {
        self.tell();
        show(&PullEvent::Done {
            file: file.to_owned(),
            checked,
        });
    }
}
