//! Options of the input.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use encoding_rs::{Encoding, REPLACEMENT, X_USER_DEFINED};

use super::appearance::Name;
use super::column::Column;
use super::decoding::Decoding;
use super::format::{Format, Header};
use super::lines::Lines;
use super::policy::{OnError, Policy};
use super::rows::Rows;
use super::table::Table;
use crate::cli::error::InputError;

/// Source of texts.
#[derive(Args, Debug)]
pub(in crate::cli) struct Input {
    /// File to read; - or nothing for stdin
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// Format [default: by the name, .csv .tsv .jsonl; else tsv if columns are needed or named, and
    /// lines for single texts]
    #[arg(long)]
    format: Option<Format>,

    /// Treatment of the first row of columns
    #[arg(long, default_value = "auto")]
    header: Header,

    /// Encoding, such as gb18030, big5 or utf-16le [default: utf-8]
    #[arg(long, value_name = "NAME", value_parser = encoding)]
    encoding: Option<&'static Encoding>,

    /// Treatment of lines that are blank or faulty [default: fail; batch and rank pass over blank
    /// lines]
    #[arg(long)]
    on_error: Option<OnError>,
}

/// Texts that a command takes from each line.
#[derive(Debug)]
pub(in crate::cli) struct Wanted<const N: usize> {
    /// Columns or fields that the user has named.
    pub(in crate::cli) columns: Option<[Column; N]>,
    /// True if further columns are wanted as well.
    pub(in crate::cli) further: bool,
    /// True if blank lines are passed over by default.
    pub(in crate::cli) passes_blank: bool,
}

impl Input {
    /// Starts reading on a thread of its own.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub(in crate::cli) fn read<const N: usize>(
        self,
        wanted: Wanted<N>,
    ) -> anyhow::Result<(Lines<N>, Policy)> {
        let file = self.file.filter(|path| path != Path::new("-"));
        let stated = self.format.or_else(|| Format::of_name(file.as_deref()?));
        let format = match stated {
            Some(format) => format,
            None if N > 1 || wanted.columns.is_some() => Format::Tsv,
            None => Format::Lines,
        };
        let has_columns = N > 1 || wanted.columns.is_some() || self.header == Header::Yes;
        let wrong = match format {
            Format::Lines if has_columns => Some((
                "lines",
                "have no columns",
                "state another one with --format tsv, csv or jsonl",
            )),
            Format::Jsonl if self.header == Header::Yes => {
                Some(("jsonl", "have no header", "leave --header out"))
            }
            _ => None,
        };
        if let Some((format, problem, hint)) = wrong {
            let error =
                InputError::new(format!("--format {format}"), format!("the lines {problem}"));
            return Err(error.with_hint(Some(hint.to_owned())).into());
        }
        let reader = open(file.as_deref(), self.encoding)?;
        let table = Table {
            name: Name::new(file.as_deref()),
            format,
            is_stated: stated.is_some(),
            header: self.header,
            encoding: self.encoding,
            columns: wanted.columns,
            further: wanted.further,
        };
        let policy = Policy::new(self.on_error, wanted.passes_blank);
        Ok((Lines::start(Rows::new(reader, table)), policy))
    }
}

fn encoding(label: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(label.as_bytes())
        // Encodings of web pages that no file has.
        .filter(|encoding| ![REPLACEMENT, X_USER_DEFINED].contains(encoding))
        .ok_or_else(|| "known are utf-8, utf-16le, utf-16be, gb18030, gbk, big5 and others".into())
}

pub(super) fn open(
    file: Option<&Path>,
    encoding: Option<&'static Encoding>,
) -> anyhow::Result<Box<dyn Read + Send>> {
    let reader: Box<dyn Read + Send> = match file {
        Some(path) => {
            let opened = File::open(path);
            let opened = opened
                .map_err(|error| InputError::new(path.display().to_string(), error.to_string()))?;
            Box::new(opened)
        }
        None => Box::new(io::stdin()),
    };
    Ok(match encoding {
        Some(encoding) => Box::new(Decoding::new(reader, encoding)),
        None => reader,
    })
}
