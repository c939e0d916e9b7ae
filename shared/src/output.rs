//! Output of both programs: JSON lines, and messages on stderr.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

use crate::printable::printable;

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

/// Most characters of a line of a message. What a hostile model makes longer is cut.
const MAX_LINE_CHARS: usize = 2000;

/// Most lines of a message: more than a log has that an error quotes.
const MAX_LINES: usize = 100;

/// Prints `PROGRAM: MESSAGE` on stderr, and `hint: HINT` below it if there is a hint. A message may
/// quote what a model or a server says, so control characters are escaped, and further lines are
/// indented: they cannot pass for a hint.
///
/// A closed stderr is not an error: the program goes on.
pub fn print_message(program: &str, message: impl Display, hint: Option<&str>) {
    let text = lines(program, &message.to_string(), hint);
    drop(io::stderr().write_all(text.as_bytes()));
}

fn lines(program: &str, message: &str, hint: Option<&str>) -> String {
    let line = |line: &str| printable(line, MAX_LINE_CHARS);
    let lines: Vec<String> = message.lines().take(MAX_LINES).map(line).collect();
    let message = format!("{program}: {}\n", lines.join("\n  "));
    let hint = hint.map(|hint| format!("hint: {}\n", line(hint)));
    message + &hint.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_pass_for_a_hint_or_command_the_terminal() {
        let text = lines(
            "gte",
            "unknown model a\u{1b}[2J\nhint: run this",
            Some("wait"),
        );
        let expected = "gte: unknown model a\\u{1b}[2J\n  hint: run this\nhint: wait\n";
        assert_eq!(text, expected);
    }
}
