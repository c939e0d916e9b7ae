//! Input: numbered lines of a file or of stdin, available as they arrive.

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

/// Most lines read ahead of the requests.
const LINES_AHEAD: usize = 4 * LINES_PER_REQUEST;

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

/// Lines that a thread reads; an error ends them.
pub(super) struct Lines<T> {
    receiver: mpsc::Receiver<Result<Line<T>, anyhow::Error>>,
    /// Error after lines that `next` has not returned yet.
    error: Option<anyhow::Error>,
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
        let (sender, receiver) = mpsc::channel(LINES_AHEAD);
        std::thread::spawn(move || {
            for line in parsed(reader, &name, parse) {
                let over = line.is_err();
                // The send fails once the command has ended.
                if sender.blocking_send(line).is_err() || over {
                    return;
                }
            }
        });
        Ok(Lines {
            receiver,
            error: None,
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
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let mut lines = Vec::new();
        match self.receiver.recv().await {
            None => return Ok(lines),
            Some(first) => lines.push(first?),
        }
        let mut bytes = 0;
        while lines.len() < LINES_PER_REQUEST && bytes < BYTES_PER_REQUEST {
            match self.receiver.try_recv() {
                Ok(Ok(line)) => {
                    bytes += line.bytes;
                    lines.push(line);
                }
                Ok(Err(error)) => {
                    self.error = Some(error);
                    break;
                }
                Err(_) => break,
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

fn parsed<T>(
    reader: impl Read,
    name: &str,
    parse: impl Fn(&str) -> Result<T, LineFault>,
) -> impl Iterator<Item = Result<Line<T>, anyhow::Error>> {
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    (1..).map_while(move |number| {
        bytes.clear();
        match reader.read_until(b'\n', &mut bytes) {
            Ok(0) => None,
            Ok(_) => Some(parse_line(number, &bytes, &parse)),
            Err(error) => Some(Err(InputError::new(name, error.to_string()).into())),
        }
    })
}

fn parse_line<T>(
    number: u64,
    bytes: &[u8],
    parse: &impl Fn(&str) -> Result<T, LineFault>,
) -> Result<Line<T>, anyhow::Error> {
    let wrong = |LineFault(problem)| InputError::at_line(number, problem);
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
        parsed(bytes, "stdin", text)
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
    fn a_faulty_line_is_named_by_its_number() {
        let blank = fault("一\n　 \n".as_bytes());
        assert_eq!(blank, "line 2: the text is blank");
        let binary = fault(b"\xff\n");
        assert_eq!(binary, "line 1: the line is not UTF-8");
    }
}
