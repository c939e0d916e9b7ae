//! Rows of the input, one after another.

use std::io::Read;

use super::appearance::{Name, not_text};
use super::csv_records::{CsvRecords, Fed, separator};
use super::fault::{Fault, Faulty};
use super::format::Format;
use super::json_records::Fields;
use super::line_reader::{Line, LineReader, MAX_LINE_BYTES, without_end};
use super::records::of_fields;
use super::row::{Further, Parsed, Row};
use super::selection::Selection;
use super::table::{Table, blank, names};
use crate::cli::error::InputError;
use crate::cli::messages::say;

/// Byte order mark: Unicode's U+FEFF, which editors put before a text.
const MARK: char = '\u{feff}';

/// Reader of rows.
pub(super) struct Rows<const N: usize> {
    lines: LineReader<Box<dyn Read + Send>>,
    table: Table<N>,
    has_begun: bool,
    /// Columns of a table, once its first record is read.
    selection: Option<Selection<N>>,
    /// Names of the fields with texts, once the first object is read.
    fields: Option<[String; N]>,
    /// Records of CSV, with the separator of the first line once that is read.
    csv: CsvRecords,
    knows_separator: bool,
    /// Bytes of the last line that records of CSV have been read from.
    consumed: usize,
    /// True once a cell in quotes was told.
    told_quotes: bool,
}

/// A line of CSV.
enum CsvLine {
    /// A part of a record.
    Record,
    /// The line that states the separator.
    Separator,
    End,
}

/// A step of the reader.
enum Step<const N: usize> {
    Row(Row<N>),
    /// A line without a row of its own: a header.
    PassedOver,
    End,
}

impl<const N: usize> Rows<N> {
    pub(super) fn new(reader: Box<dyn Read + Send>, table: Table<N>) -> Self {
        Self {
            lines: LineReader::new(reader),
            table,
            has_begun: false,
            selection: None,
            fields: None,
            csv: CsvRecords::new(b','),
            knows_separator: false,
            consumed: 0,
            told_quotes: false,
        }
    }

    /// Returns true if a further line has arrived as a whole.
    pub(super) fn has_arrived(&self) -> bool {
        self.lines.has_arrived()
    }

    /// Reads the next row; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Parsed<N>> {
        loop {
            let step = self.begin().and_then(|()| match self.table.format {
                Format::Csv => self.csv_record(),
                _ => self.line(),
            });
            return match step {
                Ok(Step::Row(row)) => Some(Ok(row)),
                Ok(Step::PassedOver) => continue,
                Ok(Step::End) => None,
                Err(faulty) => Some(Err(faulty)),
            };
        }
    }

    /// Looks at the first bytes.
    fn begin(&mut self) -> Result<(), Faulty> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Ok(());
        }
        let is_decoded = self.table.encoding.is_some();
        let head = self
            .lines
            .head()
            .map_err(|error| broken(&self.table.name, &error))?;
        not_text(head, &self.table.name, is_decoded).map_or(Ok(()), |fault| {
            let error = InputError::new(self.table.name.shown(), fault.problem);
            Err(of_input(error.with_hint(fault.hint)))
        })
    }

    /// Reads a line of a format whose records have one.
    fn line(&mut self) -> Result<Step<N>, Faulty> {
        let number = self.lines.number() + 1;
        let line = self.lines.next();
        let Some(line) = line.map_err(|error| broken(&self.table.name, &error))? else {
            return Ok(Step::End);
        };
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong(line) if number == 1 && is_cr_only(line) => {
                return Err(cr_only().at(1).ending());
            }
            Line::TooLong(_) => return Err(too_long().at(number)),
        };
        if number == 1 && is_cr_only(line) {
            return Err(cr_only().at(1).ending());
        }
        let bytes = line.len();
        let is_last = !line.ends_with(b"\n");
        let text = self
            .table
            .text(without_end(line), is_last)
            .map_err(|fault| fault.at(number))?;
        let text = text.strip_prefix(MARK).unwrap_or(text);
        if text.trim().is_empty() {
            return Err(blank(number));
        }
        let texts = match self.table.format {
            Format::Lines => {
                if number == 1 && !self.table.is_stated && looks_like_json(text) {
                    let problem = "the line looks like JSON";
                    let hint = "--format jsonl reads its fields, --format lines the line as a text";
                    return Err(Fault::with_hint(problem, hint).at(number).ending());
                }
                (std::array::from_fn(|_| text.to_owned()), Further::default())
            }
            Format::Jsonl => {
                let fields = Fields::of_line(text);
                let fields = fields.map_err(|fault| fault.at(number))?;
                let names = match &mut self.fields {
                    Some(names) => names,
                    unknown => {
                        let names = names(&fields, self.table.columns.as_ref());
                        unknown.insert(names.map_err(|fault| fault.at(number).ending())?)
                    }
                };
                of_fields(&fields, names, self.table.further).map_err(|fault| fault.at(number))?
            }
            Format::Tsv | Format::Csv => {
                let cells = text
                    .split('\t')
                    .map(|cell| cell.strip_prefix(MARK).unwrap_or(cell));
                let cells: Vec<&str> = cells.collect();
                match self.table.cells(&mut self.selection, &cells, number)? {
                    Some(texts) => texts,
                    None => return Ok(Step::PassedOver),
                }
            }
        };
        let row = self.table.row(number, texts, bytes)?;
        if self.table.format == Format::Tsv && !self.told_quotes {
            let is_in_quotes =
                |text: &String| text.len() > 1 && text.starts_with('"') && text.ends_with('"');
            if row.texts.iter().any(is_in_quotes) {
                self.told_quotes = true;
                say(&format!(
                    "line {number}: the quotes around a text are part of it; --format csv reads \
                     them as spreadsheets write them"
                ));
            }
        }
        Ok(Step::Row(row))
    }

    /// Reads a record of CSV, over one or several lines.
    fn csv_record(&mut self) -> Result<Step<N>, Faulty> {
        let mut first = None;
        let mut bytes = 0;
        loop {
            let rest = self.lines.last().get(self.consumed..).unwrap_or_default();
            if first.is_none() && rest.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
                self.consumed = self.lines.last().len();
            }
            if self.consumed == self.lines.last().len() {
                match self.next_csv_line(first)? {
                    CsvLine::Record => {}
                    CsvLine::Separator => return Ok(Step::PassedOver),
                    CsvLine::End => return Ok(Step::End),
                }
            }
            let number = *first.get_or_insert(self.lines.number());
            let line = self.lines.last();
            let rest = &line[self.consumed..];
            bytes += rest.len();
            if bytes > MAX_LINE_BYTES {
                let hint = "a quote that opens a cell may not be closed";
                let fault = Fault {
                    hint: Some(hint.to_owned()),
                    ..too_long()
                };
                return Err(fault.at(number).ending());
            }
            let mut fed = self.csv.feed(rest);
            if fed == Fed::Open && !line.ends_with(b"\n") {
                // The end of the input ends the record.
                fed = match self.csv.feed(b"\n") {
                    Fed::Complete(_) => Fed::Complete(rest.len()),
                    Fed::Open => Fed::Open,
                };
            }
            match fed {
                Fed::Open => self.consumed = line.len(),
                Fed::Complete(read) => {
                    self.consumed += read;
                    return self.complete_csv(number, bytes);
                }
            }
        }
    }

    /// Reads the next line of CSV, of a record that began in line `first` if there is one.
    fn next_csv_line(&mut self, first: Option<u64>) -> Result<CsvLine, Faulty> {
        let number = self.lines.number() + 1;
        let line = self
            .lines
            .next()
            .map_err(|error| broken(&self.table.name, &error))?;
        self.consumed = 0;
        let line = match (line, first) {
            (None, None) => return Ok(CsvLine::End),
            (None, Some(first)) => {
                let problem = "a cell in quotes that begins here is not closed";
                let hint = "a quote within a cell in quotes is doubled";
                return Err(Fault::with_hint(problem, hint).at(first).ending());
            }
            (Some(Line::TooLong(line) | Line::Whole(line)), _)
                if number == 1 && is_cr_only(line) =>
            {
                return Err(cr_only().at(1).ending());
            }
            (Some(Line::TooLong(_)), _) => {
                return Err(too_long().at(first.unwrap_or(number)).ending());
            }
            (Some(Line::Whole(line)), _) => line,
        };
        if first.is_some() {
            return Ok(CsvLine::Record);
        }
        let mark = if line.starts_with("\u{feff}".as_bytes()) {
            MARK.len_utf8()
        } else {
            0
        };
        let (line, end) = (&line[mark..], line.len());
        if without_end(line).trim_ascii().is_empty() {
            self.consumed = end;
            return Err(blank(number));
        }
        self.consumed = mark;
        if !self.knows_separator {
            let (separator, states_it) = separator(line);
            self.csv = CsvRecords::new(separator);
            self.knows_separator = true;
            if states_it {
                self.consumed = end;
                return Ok(CsvLine::Separator);
            }
        }
        Ok(CsvLine::Record)
    }

    /// Takes the texts of the complete record.
    fn complete_csv(&mut self, number: u64, bytes: usize) -> Result<Step<N>, Faulty> {
        let (csv, table) = (&self.csv, &self.table);
        let is_last = !self.lines.last().ends_with(b"\n");
        let mut from = 0;
        // Each by itself: the end of one and the beginning of the next may make a character.
        let cells = csv.ends().iter().map(|end| {
            let cell = csv.content().get(from..*end).unwrap_or_default();
            from = *end;
            let text = table.text(cell, is_last && from == csv.content().len())?;
            Ok(text.strip_prefix(MARK).unwrap_or(text))
        });
        let cells: Result<Vec<&str>, Fault> = cells.collect();
        let taken = cells.map_err(|fault| fault.at(number)).and_then(|cells| {
            if cells.iter().all(|cell| cell.trim().is_empty()) {
                return Err(blank(number));
            }
            table.cells(&mut self.selection, &cells, number)
        });
        self.csv.begin();
        match taken? {
            Some(texts) => Ok(Step::Row(self.table.row(number, texts, bytes)?)),
            None => Ok(Step::PassedOver),
        }
    }
}

fn looks_like_json(line: &str) -> bool {
    line.starts_with('{') && Fields::of_line(line).is_ok_and(|fields| !fields.0.is_empty())
}

/// Returns true for a line that has no line feed, and carriage returns instead.
fn is_cr_only(line: &[u8]) -> bool {
    let inner = line.strip_suffix(b"\r").unwrap_or(line);
    !line.ends_with(b"\n") && inner.contains(&b'\r')
}

fn cr_only() -> Fault {
    let hint = "tr '\\r' '\\n' < FILE > NEW mends it";
    Fault::with_hint("the lines end in carriage returns alone", hint)
}

fn too_long() -> Fault {
    Fault::new(format!("the line has more than {MAX_LINE_BYTES} bytes"))
}

fn broken(name: &Name, error: &std::io::Error) -> Faulty {
    of_input(InputError::new(name.shown(), error.to_string()))
}

fn of_input(error: InputError) -> Faulty {
    Faulty {
        number: 0,
        error,
        is_blank: false,
        ends: true,
    }
}
