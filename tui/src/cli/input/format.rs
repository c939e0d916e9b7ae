//! Formats of the input.

use std::path::Path;

use clap::ValueEnum;

/// Format of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Each line is one text
    Lines,
    /// Columns separated by tabs, without quoting
    Tsv,
    /// Columns separated by commas, semicolons or tabs, quoted as spreadsheets do
    Csv,
    /// One JSON object per line
    Jsonl,
}

impl Format {
    /// Format that the name of a file states.
    pub(super) fn of_name(file: &Path) -> Option<Self> {
        let extension = file.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "tsv" | "tab" => Some(Self::Tsv),
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// Treatment of the first row of columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Header {
    /// A header if columns are named, or if it has usual names, such as `text_a` and `text_b`
    #[default]
    Auto,
    /// A header
    Yes,
    /// Texts
    No,
}
