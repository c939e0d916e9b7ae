//! Progress of a pull for users: a bar with rate and remaining time on a terminal, else plain
//! lines.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use crate::command::messages::{say, warn};
use crate::store::{Progress, StoreError};

/// Progress bar of the current file.
#[derive(Default)]
pub(super) struct Bars {
    bar: Option<ProgressBar>,
}

impl Progress for Bars {
    fn waiting(&mut self) {
        say("waiting for another gted that is pulling this model");
    }

    fn failed(&mut self, source: &str, error: &StoreError) {
        self.leave();
        let hint = error.hint();
        warn(format_args!("not from {source}: {error}"), hint.as_deref());
    }

    fn begin(&mut self, file: &str, size: Option<u64>, have: u64) {
        self.leave();
        if !io::stderr().is_terminal() {
            let size =
                size.map_or_else(|| "unknown size".to_owned(), |size| format!("{size} bytes"));
            let rest = if have > 0 {
                format!(", {have} present already")
            } else {
                String::new()
            };
            say(format_args!("{file}: {size}{rest}"));
            return;
        }
        let template = "{msg}  {bytes}/{total_bytes}  {bytes_per_sec}  {eta}  [{bar:30}]";
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = size.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let bar = bar
            .with_style(style.progress_chars("=> "))
            .with_message(file.to_owned());
        bar.set_position(have);
        bar.reset_eta();
        self.bar = Some(bar);
    }

    fn advance(&mut self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    fn end(&mut self, file: &str, checked: bool) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
        if !checked {
            say(format_args!(
                "{file}: the hub states no checksum, so only its size could be checked"
            ));
        }
    }
}

impl Bars {
    /// Leaves the bar of an incomplete file as it is.
    fn leave(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.abandon();
        }
    }
}
