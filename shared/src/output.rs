//! Output of both programs: JSON lines, and messages on stderr.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

/// Writes a value as one line of JSON, in one write.
///
/// # Errors
///
/// If the value cannot be written as JSON, or `out` fails.
pub fn json_line(out: &mut impl Write, value: &(impl Serialize + ?Sized)) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    out.write_all(&line)
}

/// Prints `PROGRAM: MESSAGE` on stderr, and `hint: HINT` below it if there is a hint.
///
/// A closed stderr is not an error: the program goes on.
pub fn print_message(program: &str, message: impl Display, hint: Option<&str>) {
    let text = match hint {
        Some(hint) => format!("{program}: {message}\nhint: {hint}\n"),
        None => format!("{program}: {message}\n"),
    };
    drop(io::stderr().write_all(text.as_bytes()));
}
