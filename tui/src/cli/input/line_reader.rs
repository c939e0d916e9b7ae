//! Physical lines of the input.

use std::io::{self, BufRead, BufReader, Read};

/// Most bytes of a line, or of a record over several lines: twice as many as two texts of the most
/// bytes that the daemon accepts.
pub(super) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// Reader of numbered lines.
pub(super) struct LineReader<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    /// Number of lines read.
    number: u64,
    /// True if the rest of the last line is still to be passed over.
    has_rest: bool,
}

/// A line with its end.
#[derive(Debug)]
pub(super) enum Line<'a> {
    /// The line, with its line feed if it has one.
    Whole(&'a [u8]),
    /// The beginning of a line that is too long; the rest of the line is passed over.
    TooLong(&'a [u8]),
}

impl<R: Read> LineReader<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER_BYTES, reader),
            line: Vec::new(),
            number: 0,
            has_rest: false,
        }
    }

    /// First bytes of the input, as many as arrive together.
    pub(super) fn head(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    /// Number of the last line read, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The last line read, whole or its beginning.
    pub(super) fn last(&self) -> &[u8] {
        &self.line
    }

    /// Reads a line; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        // Not before it was told that the line is too long: it may be endless.
        if std::mem::take(&mut self.has_rest) {
            self.reader.skip_until(b'\n')?;
        }
        // One byte more than allowed is enough to see that a line is too long.
        let mut bounded = (&mut self.reader).take(MAX_LINE_BYTES as u64 + 1);
        self.number += 1;
        if bounded.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if self.line.len() <= MAX_LINE_BYTES {
            return Ok(Some(Line::Whole(&self.line)));
        }
        self.has_rest = self.line.last() != Some(&b'\n');
        Ok(Some(Line::TooLong(&self.line)))
    }

    /// Returns true if a further line has arrived as a whole.
    pub(super) fn has_arrived(&self) -> bool {
        self.reader.buffer().contains(&b'\n')
    }
}

/// Removes the line feed, and a carriage return before it.
pub(super) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut bytes = vec![b'x'; 3 * MAX_LINE_BYTES];
        bytes.extend_from_slice(b"\nnext\n");
        let mut reader = LineReader::new(&bytes[..]);
        assert!(matches!(reader.next(), Ok(Some(Line::TooLong(_)))));
        assert!(matches!(reader.next(), Ok(Some(Line::Whole(b"next\n")))));
        assert_eq!(reader.number(), 2);
        assert!(matches!(reader.next(), Ok(None)));
    }

    #[test]
    fn the_longest_line_is_read() {
        let mut bytes = vec![b'x'; MAX_LINE_BYTES - 1];
        bytes.push(b'\n');
        let mut reader = LineReader::new(&bytes[..]);
        assert!(matches!(reader.next(), Ok(Some(Line::Whole(_)))));
        let bytes = vec![b'\n'; MAX_LINE_BYTES + 1];
        assert!(matches!(
            LineReader::new(&bytes[..]).next(),
            Ok(Some(Line::Whole(b"\n")))
        ));
    }

    #[test]
    fn ends_of_lines_are_lf_or_crlf() {
        assert_eq!(without_end(b"a\r\n"), b"a");
        assert_eq!(without_end(b"a\n"), b"a");
        assert_eq!(without_end(b"a"), b"a");
    }
}
