//! The log on stderr: for people, as JSON, or for the journal of systemd.

use std::io::{self, IsTerminal, Write};

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::prelude::*;
use tracing_subscriber::reload;

use super::settings::LogFormat;

/// Level of the log, which can be changed while the daemon runs.
pub(super) struct LogLevel(Box<dyn Fn(LevelFilter) + Send + Sync>);

impl LogLevel {
    /// Logs each request, or only what is rare.
    pub(super) fn set(&self, verbose: bool) {
        (self.0)(level(verbose));
    }
}

fn level(verbose: bool) -> LevelFilter {
    if verbose {
        LevelFilter::DEBUG
    } else {
        LevelFilter::INFO
    }
}

/// Begins to log.
pub(super) fn begin(format: LogFormat, verbose: bool) -> LogLevel {
    let journal = is_journal();
    let (filter, handle) = reload::Layer::new(level(verbose));
    let lines = fmt::layer()
        .with_writer(Stderr { journal })
        // A log on a full disk would be a panic.
        .log_internal_errors(false)
        .with_ansi(!journal && io::stderr().is_terminal());
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        // The journal knows the time.
        LogFormat::Text if journal => lines.without_time().boxed(),
        LogFormat::Text => lines.boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .init();
    LogLevel(Box::new(move |level| {
        // It fails once the log has ended.
        drop(handle.reload(level));
    }))
}

/// Logs the place of a panic alone: its message may quote the text that caused it.
pub(super) fn hide_messages_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panic");
    }));
}

/// Returns true if stderr is the journal: `JOURNAL_STREAM` has its device and inode
/// (systemd.exec(5)).
fn is_journal() -> bool {
    let stream = std::env::var("JOURNAL_STREAM").ok();
    let named = stream.as_deref().and_then(|stream| {
        let (device, inode) = stream.split_once(':')?;
        Some((device.parse().ok()?, inode.parse().ok()?))
    });
    let stderr = rustix::fs::fstat(io::stderr()).ok();
    matches!((named, stderr), (Some(named), Some(stderr)) if named == (stderr.st_dev, stderr.st_ino))
}

/// Writer of the log. For the journal, each line begins with its priority (sd-daemon(3)).
struct Stderr {
    journal: bool,
}

/// One line of the log.
struct Line(&'static str);

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line("")
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line {
        Line(if self.journal {
            priority(*metadata.level())
        } else {
            ""
        })
    }
}

fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        Level::DEBUG | Level::TRACE => "<7>",
    }
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // In one write, so that lines of several threads do not mix.
        io::stderr().write_all(&[self.0.as_bytes(), line].concat())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
