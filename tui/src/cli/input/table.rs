//! Description of an input: its format, and the columns that are read.

use std::collections::BTreeSet;

use encoding_rs::Encoding;

use super::appearance::{Name, not_utf8};
use super::column::Column;
use super::fault::{Fault, Faulty};
use super::format::{Format, Header};
use super::json_records::Fields;
use super::known_names;
use super::records::{Texts, of_cells};
use super::row::{Parsed, Row};
use super::selection::{Selection, no_column, too_few};
use crate::cli::error::BLANK;
use crate::cli::messages::say;

/// Description of an input.
#[derive(Debug)]
pub(super) struct Table<const N: usize> {
    pub(super) name: Name,
    pub(super) format: Format,
    /// True if the user or the name of the file states the format.
    pub(super) is_stated: bool,
    pub(super) header: Header,
    pub(super) encoding: Option<&'static Encoding>,
    pub(super) columns: Option<[Column; N]>,
    /// True if further columns are wanted.
    pub(super) further: bool,
}

impl<const N: usize> Table<N> {
    /// Describes an input of a stated format, without named columns or a stated encoding.
    pub(super) fn new(name: Name, format: Format) -> Self {
        Self {
            name,
            format,
            is_stated: true,
            header: Header::default(),
            encoding: None,
            columns: None,
            further: true,
        }
    }

    /// Text of bytes that are UTF-8, or were decoded to it.
    pub(super) fn text<'a>(&self, bytes: &'a [u8], is_last: bool) -> Result<&'a str, Fault> {
        let text = str::from_utf8(bytes).map_err(|_| match self.encoding {
            Some(encoding) => Fault::new(format!(
                "the line has bytes that are not {}",
                encoding.name()
            )),
            None => not_utf8(bytes, is_last, &self.name),
        })?;
        if bytes.contains(&0) {
            return Err(Fault::new("the line has a NUL character"));
        }
        Ok(text)
    }

    /// Texts of a record of a table; `None` if it is the header.
    pub(super) fn cells(
        &self,
        selection: &mut Option<Selection<N>>,
        cells: &[&str],
        number: u64,
    ) -> Result<Option<Texts<N>>, Faulty> {
        let selection = match selection {
            Some(selection) => selection,
            unknown => {
                if cells.len() < N {
                    return Err(too_few(cells, self.format).at(number));
                }
                let made = Selection::new(cells, self.columns.as_ref(), self.header);
                let made = unknown.insert(made.map_err(|fault| fault.at(number).ending())?);
                if made.is_guessed {
                    say(&format!(
                        "line {number} is read as a header; --header no reads it as texts"
                    ));
                }
                if made.has_header {
                    return Ok(None);
                }
                made
            }
        };
        let texts = of_cells(cells, selection, self.further);
        texts.map(Some).map_err(|fault| fault.at(number))
    }

    /// Makes the row of a line with texts.
    pub(super) fn row(&self, number: u64, (texts, further): Texts<N>, bytes: usize) -> Parsed<N> {
        let mut are_blank = texts.iter().map(|text| text.trim().is_empty());
        if let Some(index) = are_blank.position(|is_blank| is_blank) {
            if N == 1 {
                return Err(blank(number));
            }
            let problem = format!("text {} is blank", ["A", "B"][index % 2]);
            return Err(Fault::new(problem).at(number));
        }
        let is_quoted = matches!(self.format, Format::Csv | Format::Jsonl);
        Ok(Row {
            number,
            texts,
            further,
            is_quoted,
            bytes,
        })
    }
}

/// Names of the fields with texts: those that the user has named, or usual ones.
pub(super) fn names<const N: usize>(
    fields: &Fields<'_>,
    columns: Option<&[Column; N]>,
) -> Result<[String; N], Fault> {
    let of_object = fields.names();
    if let Some(columns) = columns {
        let names = columns.each_ref().map(ToString::to_string);
        let missing = names.iter().find(|name| fields.find(name).is_none());
        return match missing {
            Some(missing) => Err(no_column(missing, &of_object)),
            None => Ok(names),
        };
    }
    let distinct: BTreeSet<&str> = of_object.iter().copied().collect();
    let all = || (distinct.len() == N).then(|| std::array::from_fn(|index| index));
    let known = known_names::in_object(&of_object).or_else(all);
    let known = known.ok_or_else(|| {
        let option = if N == 2 {
            "the two with the texts with --columns"
        } else {
            "the one with the text with --field"
        };
        let problem = format!("the fields are {}", of_object.join(", "));
        Fault::with_hint(problem, format!("name {option}"))
    })?;
    Ok(known.map(|index: usize| of_object[index].to_owned()))
}

/// Fault of a line without any text.
pub(super) fn blank(number: u64) -> Faulty {
    Faulty {
        is_blank: true,
        ..Fault::new(BLANK).at(number)
    }
}
