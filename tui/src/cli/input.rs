//! Input: numbered lines of a file or of stdin, available as they arrive.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use gte_shared::wire::MAX_FRAME_BYTES;
use tokio::sync::mpsc;

use super::error::{BLANK, InputError};

/// Most lines in one request: enough for full batches, and so few that the first results come soon.
pub(super) const LINES_PER_REQUEST: usize = 256;

/// Most bytes of lines in one request, unless a single line has more: a quarter of a frame.
const BYTES_PER_REQUEST: usize = MAX_FRAME_BYTES / 4;

/// Most bytes of a line: twice as many as two texts of the most bytes that the daemon accepts.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Most bytes of the lines that are handed over together, unless a single line has more.
const CHUNK_BYTES: usize = 256 * 1024;

/// Most chunks of lines that are read ahead.
const CHUNKS_AHEAD: usize = 4;

/// Source of lines.
#[derive(Args, Debug)]
pub(super) struct Input {
    /// File to read; - or nothing for stdin
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Message about a faulty line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineFault(pub(super) String);

/// One line and its number, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line<T> {
    pub(super) number: u64,
    pub(super) content: T,
    bytes: usize,
}

/// A line, or the error that ends the lines.
type Parsed<T> = Result<Line<T>, anyhow::Error>;

/// Lines that a thread reads; an error ends them.
pub(super) struct Lines<T> {
    receiver: mpsc::Receiver<Vec<Parsed<T>>>,
    /// Lines that have been received and not returned yet.
    ready: VecDeque<Parsed<T>>,
}

impl Input {
    /// Starts reading on a thread of its own. `parse` turns each line into the command's own type.
    pub(super) fn lines<T: Send + 'static>(
        self,
        parse: impl Fn(&str) -> Result<T, LineFault> + Send + 'static,
    ) -> anyhow::Result<Lines<T>> {
        let reader = open(self.file.as_deref())?;
        let name = self
            .file
            .map_or_else(|| "stdin".to_owned(), |file| file.display().to_string());
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        std::thread::spawn(move || {
            let mut reader = LineReader::new(reader, name);
            loop {
                let chunk = reader.next_chunk(&parse);
                let over = chunk.last().is_none_or(Result::is_err);
                // The send fails once the command has ended.
                if chunk.is_empty() || sender.blocking_send(chunk).is_err() || over {
                    return;
                }
            }
        });
        Ok(Lines {
            receiver,
            ready: VecDeque::new(),
        })
    }
}

impl<T> Lines<T> {
    /// Returns the next lines: as many as have arrived, at least one, and at most those of one
    /// request. Empty at the end.
    ///
    /// # Errors
    ///
    /// The fault of a line, after all lines before it have been returned.
    pub(super) async fn next(&mut self) -> anyhow::Result<Vec<Line<T>>> {
        if self.ready.is_empty() {
            self.ready
                .extend(self.receiver.recv().await.unwrap_or_default());
        }
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while lines.len() < LINES_PER_REQUEST && bytes < BYTES_PER_REQUEST {
            match self.ready.pop_front() {
                Some(Ok(line)) => {
                    bytes += line.bytes;
                    lines.push(line);
                }
                Some(Err(error)) if lines.is_empty() => return Err(error),
                Some(error) => {
                    self.ready.push_front(error);
                    break;
                }
                None => match self.receiver.try_recv() {
                    Ok(chunk) => self.ready.extend(chunk),
                    Err(_) => break,
                },
            }
        }
        Ok(lines)
    }
}

/// Parses a line as one text.
pub(super) fn text(line: &str) -> Result<String, LineFault> {
    if line.trim().is_empty() {
        Err(LineFault(BLANK.to_owned()))
    } else {
        Ok(line.to_owned())
    }
}

fn open(file: Option<&Path>) -> anyhow::Result<Box<dyn Read + Send>> {
    match file {
        Some(path) if path != Path::new("-") => {
            let opened = File::open(path);
            let opened = opened
                .map_err(|error| InputError::new(path.display().to_string(), error.to_string()))?;
            Ok(Box::new(opened))
        }
        _ => Ok(Box::new(io::stdin())),
    }
}

/// Reader of numbered lines.
struct LineReader<R> {
    reader: BufReader<R>,
    /// Name of the input, for errors.
    name: String,
    /// Number of lines read.
    lines: u64,
}

impl<R: Read> LineReader<R> {
    fn new(reader: R, name: String) -> Self {
        Self {
            reader: BufReader::new(reader),
            name,
            lines: 0,
        }
    }

    /// Reads the lines that have arrived, at least one, and at most those of one chunk. Empty at
    /// the end; an error comes last.
    fn next_chunk<T>(&mut self, parse: &impl Fn(&str) -> Result<T, LineFault>) -> Vec<Parsed<T>> {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while let Some(line) = self.next(parse) {
            bytes += line.as_ref().map_or(0, |line| line.bytes);
            let over = line.is_err();
            chunk.push(line);
            // A further line that has not arrived yet may take long to come.
            if over || bytes >= CHUNK_BYTES || !self.reader.buffer().contains(&b'\n') {
                break;
            }
        }
        chunk
    }

    fn next<T>(&mut self, parse: &impl Fn(&str) -> Result<T, LineFault>) -> Option<Parsed<T>> {
        let mut bytes = Vec::new();
        // One byte more than allowed is enough to see that a line is too long.
        let mut bounded = (&mut self.reader).take(MAX_LINE_BYTES as u64 + 1);
        match bounded.read_until(b'\n', &mut bytes) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => return Some(Err(InputError::new(&self.name, error.to_string()).into())),
        }
        self.lines += 1;
        Some(parse_line(self.lines, &bytes, parse))
    }
}

fn parse_line<T>(
    number: u64,
    bytes: &[u8],
    parse: &impl Fn(&str) -> Result<T, LineFault>,
) -> Result<Line<T>, anyhow::Error> {
    let wrong = |LineFault(problem)| InputError::at_line(number, problem);
    if bytes.len() > MAX_LINE_BYTES {
        let fault = format!("the line has more than {MAX_LINE_BYTES} bytes");
        return Err(wrong(LineFault(fault)).into());
    }
    let line =
        str::from_utf8(bytes).map_err(|_| wrong(LineFault("the line is not UTF-8".to_owned())))?;
    let line = line.strip_suffix('\n').unwrap_or(line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    // Some editors put a byte order mark at the beginning of a file.
    let line = match number {
        1 => line.strip_prefix('\u{feff}').unwrap_or(line),
        _ => line,
    };
    let content = parse(line).map_err(wrong)?;
    Ok(Line {
        number,
        content,
        bytes: bytes.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<anyhow::Result<(u64, String)>> {
        let mut reader = LineReader::new(bytes, "stdin".to_owned());
        let chunks =
            std::iter::from_fn(|| Some(reader.next_chunk(&text)).filter(|chunk| !chunk.is_empty()));
        let lines = chunks.flatten();
        lines
            .map(|line| line.map(|line| (line.number, line.content)))
            .collect()
    }

    fn fault(bytes: &[u8]) -> String {
        let last = read(bytes).pop().unwrap();
        last.unwrap_err().to_string()
    }

    #[test]
    fn line_ends_and_the_byte_order_mark_are_not_text() {
        let lines = read("\u{feff}一\r\n二\n三".as_bytes());
        let lines: Vec<(u64, String)> = lines.into_iter().map(Result::unwrap).collect();
        let expected = [(1, "一"), (2, "二"), (3, "三")];
        assert_eq!(lines, expected.map(|(n, text)| (n, text.to_owned())));
    }

    #[test]
    fn a_line_that_is_too_long_is_named_before_it_is_read() {
        let mut longest = vec![b'x'; MAX_LINE_BYTES - 1];
        longest.push(b'\n');
        assert!(read(&longest).pop().unwrap().is_ok());
        // Endless, but for the limit.
        let mut reader = LineReader::new(io::repeat(b'x'), "stdin".to_owned());
        let error = reader.next_chunk(&text).pop().unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1: the line has more than 1048576 bytes"
        );
    }

    #[test]
    fn lines_that_have_arrived_are_handed_over_together() {
        let mut reader = LineReader::new("一\n二\n三".as_bytes(), String::new());
        assert_eq!(reader.next_chunk(&text).len(), 2, "the third may go on");
        assert_eq!(reader.next_chunk(&text).len(), 1);
        assert!(reader.next_chunk(&text).is_empty());
        let many = "行\n".repeat(CHUNK_BYTES);
        let mut reader = LineReader::new(many.as_bytes(), String::new());
        let bytes = reader
            .next_chunk(&text)
            .into_iter()
            .map(|line| line.unwrap().bytes);
        assert!(bytes.sum::<usize>() <= CHUNK_BYTES + 4);
    }

    #[test]
    fn a_faulty_line_is_named_by_its_number() {
        let blank = fault("一\n　 \n".as_bytes());
        assert_eq!(blank, "line 2: the text is blank");
        let binary = fault(b"\xff\n");
        assert_eq!(binary, "line 1: the line is not UTF-8");
    }
}
