//! A pull for people: a bar with rate and remaining time on a terminal, plain lines otherwise.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use gte_daemon::store::{Progress, StoreError};
use indicatif::{ProgressBar, ProgressStyle};

/// The bar of the file that is fetched now.
#[derive(Default)]
pub(super) struct Bars {
    bar: Option<ProgressBar>,
}

fn say(words: impl Display) {
    // A closed stderr must not keep the pull from going on.
    drop(writeln!(io::stderr(), "gted: {words}"));
}

impl Progress for Bars {
    fn waiting(&mut self) {
        say("another gted is pulling this model; waiting until it is done");
    }

    fn failed(&mut self, source: &str, error: &StoreError) {
        self.leave();
        say(format_args!("not from {source}: {error}"));
    }

    fn begin(&mut self, file: &str, size: Option<u64>, have: u64) {
        self.leave();
        if !io::stderr().is_terminal() {
            let size =
                size.map_or_else(|| "unknown size".to_owned(), |size| format!("{size} bytes"));
            let rest = if have > 0 {
                format!(", {have} there already")
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
    /// Leaves the bar of a file that did not get whole as it stands.
    fn leave(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.abandon();
        }
    }
}
