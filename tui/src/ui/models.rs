//! The list of models, laid over the screen, with the pull that is under way.

use gte_shared::models::ModelRow;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr;

use super::overlay;
use super::theme::Theme;
use crate::app::{Daemon, Models, Notice, PulledFile, Pulling, Remark, State};
use crate::strings::Strings;

/// Cells of the bar of a pull.
const BAR_CELLS: usize = 40;

/// Rows of the screen that are no rows of the list: the rules, what is said below, and the hints.
const OTHER_ROWS: u16 = 8;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame, screen: Rect) {
    let words = state.language.strings();
    let models = &state.models;
    let in_use = match &state.daemon {
        Daemon::Ready { model, .. } => model.as_str(),
        _ => "",
    };
    let name_cells = models.rows.iter().map(|row| row.name.width()).max();
    let rows = models.rows.iter().enumerate().map(|(place, row)| {
        let selected = place == models.selected;
        let style = if selected {
            theme.active()
        } else {
            theme.quiet()
        };
        let mark = if selected { '>' } else { ' ' };
        let used = if row.name == in_use { '*' } else { ' ' };
        let name = pad(&row.name, name_cells.unwrap_or(0));
        let condition = pad(condition(row, words), words.condition_cells);
        let (size, licence) = (row.megabytes, row.licence.as_deref().unwrap_or_default());
        let line = format!("{mark}{used} {name}  {condition}  {size:>4} MB  {licence}");
        Line::styled(line, style)
    });
    // Where the list is longer than the screen, the selected model stays in sight.
    let room = usize::from(screen.height.saturating_sub(OTHER_ROWS)).max(1);
    let first = (models.selected + 1).saturating_sub(room);
    let mut lines: Vec<Line> = rows.skip(first).take(room).collect();
    lines.push(Line::raw(""));
    let width = usize::from(screen.width).saturating_sub(2 * overlay::MARGIN);
    let said = said(models, width, words, theme);
    let nothing = said.is_empty();
    lines.extend(said);
    if nothing {
        lines.push(Line::styled(words.models_note, theme.quiet()));
    }
    overlay::draw(words.models_title, lines, 0, theme, frame, screen);
}

/// What is said below the list: the pull, and what there is to know besides.
fn said(models: &Models, width: usize, words: &Strings, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let warn = |lines: &mut Vec<Line<'static>>, warning: &str| {
        let warning = wrap(warning, width.max(1)).into_iter();
        lines.extend(warning.map(|line| Line::styled(line, theme.warning())));
    };
    if let Some(pulling) = &models.pulling {
        lines.extend(progress(pulling, width, words, theme));
        // The newest is enough here; at the end all sources that failed are told.
        match pulling.remarks.last() {
            None => {}
            Some(Remark::Waiting) => warn(&mut lines, words.waiting_pull),
            Some(Remark::Source(source, error)) => {
                warn(&mut lines, &format!("{source}: {error}"));
            }
            Some(Remark::Unchecked(file)) => {
                warn(&mut lines, &format!("{file}: {}", words.unchecked));
            }
        }
    }
    match &models.notice {
        None => {}
        Some(Notice::Switching(name)) => {
            let line = format!("{} {name}", words.switching);
            lines.push(Line::styled(line, theme.active()));
        }
        Some(Notice::Failed(problems)) => {
            for problem in problems {
                warn(&mut lines, &format!("{}: {problem}", words.failed));
            }
        }
    }
    lines
}

/// What is said of a pull in a few cells: how much of the file is here.
pub(super) fn short(pulling: &Pulling, words: &Strings) -> String {
    let share = pulling.file.as_ref().and_then(PulledFile::share);
    let share = share.map_or_else(String::new, |share| format!(" {:.0} %", share * 100.0));
    format!("{}{share}", words.pulling)
}

fn condition(row: &ModelRow, words: &Strings) -> &'static str {
    match (row.installed, row.embedded) {
        (true, _) => words.installed,
        (false, true) => words.embedded,
        (false, false) => words.not_installed,
    }
}

/// What is fetched, how much of it is here, and a bar of at most so many cells.
fn progress(pulling: &Pulling, cells: usize, words: &Strings, theme: Theme) -> Vec<Line<'static>> {
    let what = format!("{} {}", words.pulling, pulling.name);
    let Some(file) = &pulling.file else {
        return vec![Line::styled(what, theme.active())];
    };
    let mut numbers = vec![match file.size {
        Some(size) => format!("{} / {}", bytes(file.have), bytes(size)),
        None => bytes(file.have),
    }];
    if let Some(rate) = file.rate() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bytes a second, for people to read"
        )]
        numbers.push(format!("{}/s", bytes(rate as u64)));
    }
    if let Some(remaining) = file.remaining() {
        numbers.push(format!(
            "{} {remaining:.0} {}",
            words.remaining, words.seconds
        ));
    }
    let cells = cells.saturating_sub(2).min(BAR_CELLS);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "at most the cells of the bar"
    )]
    let full = (file.share().unwrap_or(0.0) * cells as f64) as usize;
    let bar = format!("[{}{}]", "=".repeat(full), " ".repeat(cells - full));
    vec![
        Line::styled(format!("{what}  {}", file.name), theme.active()),
        Line::raw(numbers.join("  ")),
        Line::styled(bar, theme.active()),
    ]
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

/// Fills up with spaces to so many cells.
fn pad(text: &str, cells: usize) -> String {
    format!("{text}{}", " ".repeat(cells.saturating_sub(text.width())))
}

/// Breaks a text into lines of so many cells, at spaces where there are any.
fn wrap(text: &str, cells: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for character in text.chars() {
        let mut longer = line.clone();
        longer.push(character);
        if longer.width() > cells {
            let place = longer.rfind(' ').map_or(line.len(), |space| space + 1);
            let rest = longer.split_off(place);
            lines.push(longer.trim_end().to_owned());
            longer = rest;
        }
        line = longer;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(bytes(0), "0.0 kB");
        assert_eq!(bytes(204_800_000), "204.8 MB");
        assert_eq!(bytes(1_300_000_000), "1.30 GB");
    }

    #[test]
    fn wide_characters_are_padded_and_broken_by_their_cells() {
        assert_eq!(pad("内置", 6), "内置  ");
        assert_eq!(wrap("出错了 abc", 4), ["出错", "了", "abc"]);
        assert_eq!(wrap("one two three", 9), ["one two", "three"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
