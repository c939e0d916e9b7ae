//! A pull in words and in numbers.

use ratatui::text::Line;

use super::theme::Theme;
use crate::app::{PulledFile, Pulling};
use crate::strings::Strings;

/// Most cells of the bar.
const BAR_CELLS: usize = 40;

/// A pull in a few cells: the part of the file that is here.
pub(super) fn in_brief(pulling: &Pulling, words: &Strings) -> String {
    let fraction = pulling.file.as_ref().and_then(PulledFile::fraction);
    let percent = fraction.map_or_else(String::new, |part| format!(" {:.0} %", part * 100.0));
    format!("{}{percent}", words.pulling)
}

/// A pull in full: the file, its numbers, and a bar in so many cells at most.
pub(super) fn in_full(
    pulling: &Pulling,
    cells: usize,
    words: &Strings,
    theme: Theme,
) -> Vec<Line<'static>> {
    let model = format!("{} {}", words.pulling, pulling.name);
    let Some(file) = &pulling.file else {
        return vec![Line::styled(model, theme.active())];
    };
    vec![
        Line::styled(format!("{model}  {}", file.name), theme.active()),
        Line::raw(numbers(file, words)),
        Line::styled(bar(file, cells), theme.active()),
    ]
}

/// Bytes, rate and time left.
fn numbers(file: &PulledFile, words: &Strings) -> String {
    let mut numbers = vec![match file.size {
        Some(size) => format!("{} / {}", bytes(file.have), bytes(size)),
        None => bytes(file.have),
    }];
    if let Some(rate) = file.rate() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bytes per second, for people to read"
        )]
        numbers.push(format!("{}/s", bytes(rate as u64)));
    }
    if let Some(remaining) = file.remaining() {
        let (before, unit) = (words.remaining, words.seconds);
        numbers.push(format!("{before} {remaining:.0} {unit}"));
    }
    numbers.join("  ")
}

fn bar(file: &PulledFile, cells: usize) -> String {
    let cells = cells.saturating_sub(2).min(BAR_CELLS);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "at most the cells of the bar"
    )]
    let full = (file.fraction().unwrap_or(0.0) * cells as f64) as usize;
    format!("[{}{}]", "=".repeat(full), " ".repeat(cells - full))
}

/// Bytes for people to read.
fn bytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let number = bytes as f64;
    match bytes {
        0..1_000_000 => format!("{:.1} kB", number / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", number / 1e6),
        _ => format!("{:.2} GB", number / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_a_unit_that_keeps_them_short() {
        assert_eq!(bytes(0), "0.0 kB");
        assert_eq!(bytes(204_800_000), "204.8 MB");
        assert_eq!(bytes(1_300_000_000), "1.30 GB");
    }
}
