//! Treatment of lines without texts to compare.

use clap::ValueEnum;

use super::fault::Faulty;
use crate::cli::error::InputError;
use crate::cli::messages::say;

/// Most faulty lines that are told one by one.
const MAX_TOLD: u64 = 20;

/// Most numbers of lines in a message.
const MAX_NUMBERS: usize = 10;

/// Treatment of faulty lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OnError {
    /// The first one ends the command
    Fail,
    /// They are passed over
    Skip,
    /// They have a row without a result
    Null,
}

/// Treatment of one line.
#[derive(Debug)]
pub(in crate::cli) enum Decision {
    /// The command ends with this error after the lines before it.
    End(InputError),
    /// The line has no row.
    PassOver,
    /// The line has a row without a result.
    Null(Faulty),
}

/// Treatment of faulty lines, and what it has passed over.
#[derive(Debug)]
pub(in crate::cli) struct Policy {
    on_error: Option<OnError>,
    /// True if blank lines are passed over by default.
    passes_blank: bool,
    /// Number of blank lines passed over, and the first of them.
    blank: u64,
    blank_lines: Vec<u64>,
    /// Number of other lines without a result.
    faulty: u64,
}

impl Policy {
    pub(super) fn new(on_error: Option<OnError>, passes_blank: bool) -> Self {
        Self {
            on_error,
            passes_blank,
            blank: 0,
            blank_lines: Vec::new(),
            faulty: 0,
        }
    }

    /// Treatment of a faulty line.
    fn of(&self, line: &Faulty) -> OnError {
        match self.on_error {
            _ if line.ends => OnError::Fail,
            Some(stated) => stated,
            None if self.passes_blank && line.is_blank => OnError::Skip,
            None => OnError::Fail,
        }
    }

    /// Returns true if a line ends the command.
    pub(in crate::cli) fn ends_command(&self, line: &Faulty) -> bool {
        self.of(line) == OnError::Fail
    }

    /// Decides about a faulty line, and tells the user of it.
    pub(in crate::cli) fn decide(&mut self, line: Faulty) -> Decision {
        match self.of(&line) {
            // Where no other step is known, the line can be left out.
            OnError::Fail if !line.ends && self.on_error.is_none() => {
                let hint = "--on-error skip passes over such lines, null gives them an empty row";
                Decision::End(line.error.or_hint(hint))
            }
            OnError::Fail => Decision::End(line.error),
            OnError::Skip if line.is_blank => {
                self.blank += 1;
                // The daemon finds some of them, and later than the reader.
                self.blank_lines.push(line.number);
                self.blank_lines.sort_unstable();
                self.blank_lines.truncate(MAX_NUMBERS);
                Decision::PassOver
            }
            OnError::Skip => {
                self.tell(&line);
                Decision::PassOver
            }
            OnError::Null => {
                self.tell(&line);
                Decision::Null(line)
            }
        }
    }

    fn tell(&mut self, line: &Faulty) {
        self.faulty += 1;
        if self.faulty <= MAX_TOLD {
            say(&line.error.to_string());
        }
    }

    /// Tells the user at the end what was passed over.
    pub(in crate::cli) fn summarize(&self) {
        if self.blank > 0 {
            let numbers: Vec<String> = self.blank_lines.iter().map(u64::to_string).collect();
            let numbers = numbers.join(", ");
            let further = match self.blank - self.blank_lines.len() as u64 {
                0 => String::new(),
                further => format!(" and {further} more"),
            };
            let blank = self.blank;
            let (lines, were) = if blank == 1 {
                ("line", "was")
            } else {
                ("lines", "were")
            };
            say(&format!(
                "{blank} blank {lines} {were} passed over: {numbers}{further}"
            ));
        }
        if self.faulty > MAX_TOLD {
            say(&format!("{} lines have no result", self.faulty));
        }
    }
}
