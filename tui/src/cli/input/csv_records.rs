//! Records of CSV, over one or several lines.
//!
//! `csv-core` alone is used, and is given line by line: so a record has the number of its line, a
//! blank line is seen, and a quote that nobody closes is named before it has swallowed the rest.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// Parser of records; its memory is reused.
pub(super) struct CsvRecords {
    parser: Reader,
    /// Content of the cells, one after another.
    content: Vec<u8>,
    written: usize,
    /// End of each cell in the content.
    ends: Vec<usize>,
    cells: usize,
}

/// State of a record after a piece of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// The record is complete, after so many bytes of the piece.
    Complete(usize),
    /// The record goes on in the next line.
    Open,
}

impl CsvRecords {
    pub(super) fn new(separator: u8) -> Self {
        Self {
            parser: ReaderBuilder::new().delimiter(separator).build(),
            content: vec![0; 1024],
            written: 0,
            ends: vec![0; 16],
            cells: 0,
        }
    }

    /// Adds a piece to the record at work.
    pub(super) fn feed(&mut self, mut piece: &[u8]) -> Fed {
        let whole = piece.len();
        loop {
            let (result, read, written, cells) = self.parser.read_record(
                piece,
                &mut self.content[self.written..],
                &mut self.ends[self.cells..],
            );
            piece = &piece[read..];
            self.written += written;
            self.cells += cells;
            match result {
                ReadRecordResult::OutputFull => self.content.resize(self.content.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::InputEmpty => return Fed::Open,
                ReadRecordResult::Record | ReadRecordResult::End => {
                    return Fed::Complete(whole - piece.len());
                }
            }
        }
    }

    /// Bytes of the cells of the complete record.
    pub(super) fn content(&self) -> &[u8] {
        &self.content[..self.written]
    }

    /// Ends of the cells in the content.
    pub(super) fn ends(&self) -> &[usize] {
        &self.ends[..self.cells]
    }

    /// Begins the next record.
    pub(super) fn begin(&mut self) {
        (self.written, self.cells) = (0, 0);
    }
}

/// Separator that the first line shows: that of a line `sep=;`, as spreadsheets read it; else the
/// comma, or where there is none outside quotes, the tab or the semicolon. Returns true with it if
/// the line says nothing else.
pub(super) fn separator(line: &[u8]) -> (u8, bool) {
    let stated = line.trim_ascii();
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] = stated.trim_ascii() {
        return (*separator, true);
    }
    if line.starts_with(b"sep=\t") {
        return (b'\t', true);
    }
    let mut is_quoted = false;
    let mut seen = [false; 3];
    for byte in line {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => seen[0] = true,
            b'\t' if !is_quoted => seen[1] = true,
            b';' if !is_quoted => seen[2] = true,
            _ => {}
        }
    }
    match seen {
        [false, true, _] => (b'\t', false),
        [false, false, true] => (b';', false),
        _ => (b',', false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(lines: &[&str]) -> Vec<String> {
        let mut csv = CsvRecords::new(b',');
        let (last, before) = lines.split_last().unwrap();
        for line in before {
            assert_eq!(csv.feed(line.as_bytes()), Fed::Open, "{line}");
        }
        // A line feed behind a carriage return may be left.
        let Fed::Complete(read) = csv.feed(last.as_bytes()) else {
            panic!("{last} is complete");
        };
        assert_eq!(last[read..].trim_start_matches('\n'), "");
        let mut from = 0;
        let cell = |end: &usize| {
            let cell = &csv.content()[from..*end];
            from = *end;
            String::from_utf8(cell.to_vec()).unwrap()
        };
        csv.ends().iter().map(cell).collect()
    }

    #[test]
    fn quotes_line_breaks_and_separators_belong_to_cells() {
        assert_eq!(record(&["甲,乙\r\n"]), ["甲", "乙"]);
        assert_eq!(record(&["\"a,\"\"b\"\"\",c\n"]), ["a,\"b\"", "c"]);
        assert_eq!(record(&["\"第一\n", "第二\",乙\n"]), ["第一\n第二", "乙"]);
        let long = "长".repeat(2000);
        assert_eq!(record(&[&format!("{long},{long}\n")]), [&*long, &*long]);
        let many = "x,".repeat(100);
        assert_eq!(record(&[&format!("{many}\n")]).len(), 101);
    }

    #[test]
    fn the_first_line_shows_the_separator() {
        for (line, expected) in [
            ("a,b;c\n", (b',', false)),
            ("a;b\n", (b';', false)),
            ("a\tb;c\n", (b'\t', false)),
            ("\"a,b\";c\n", (b';', false)),
            ("a\n", (b',', false)),
            ("sep=;\r\n", (b';', true)),
            ("SEP=|\n", (b'|', true)),
            ("sep=\t\n", (b'\t', true)),
            ("sep=x,y\n", (b',', false)),
        ] {
            assert_eq!(separator(line.as_bytes()), expected, "{line}");
        }
    }
}
