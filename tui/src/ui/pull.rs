//! Drawing of a running pull.

use ratatui::text::Line;

use super::theme::Theme;
use crate::app::{PulledFile, Pulling};
use crate::strings::Strings;

/// Largest width of the bar, in cells.
const BAR_CELLS: usize = 40;

/// Short form of a pull: the fetched percentage of the file.
pub(super) fn short(pulling: &Pulling, strings: &Strings) -> String {
    let fraction = pulling.file.as_ref().and_then(PulledFile::fraction);
    let percent = fraction.map_or_else(String::new, |part| format!(" {:.0} %", part * 100.0));
    format!("{}{percent}", strings.pulling)
}

/// Long form of a pull: the file, its progress, and a bar of at most `cells` cells.
pub(super) fn long(
    pulling: &Pulling,
    cells: usize,
    strings: &Strings,
    theme: Theme,
) -> Vec<Line<'static>> {
    let model = format!("{} {}", strings.pulling, pulling.name);
    let Some(file) = &pulling.file else {
        return vec![Line::styled(model, theme.active())];
    };
    vec![
        Line::styled(format!("{model}  {}", file.name), theme.active()),
        Line::raw(progress(file, strings)),
        Line::styled(bar(file, cells), theme.active()),
    ]
}

/// Bytes, rate and remaining time.
fn progress(file: &PulledFile, strings: &Strings) -> String {
    let mut parts = vec![match file.size {
        Some(size) => format!("{} / {}", bytes(file.have), bytes(size)),
        None => bytes(file.have),
    }];
    if let Some(rate) = file.rate() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bytes per second, for people to read"
        )]
        parts.push(format!("{}/s", bytes(rate as u64)));
    }
    if let Some(remaining) = file.remaining() {
        let (before, unit) = (strings.remaining, strings.seconds);
        parts.push(format!("{before} {remaining:.0} {unit}"));
    }
    parts.join("  ")
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

/// Formats a number of bytes for display.
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
