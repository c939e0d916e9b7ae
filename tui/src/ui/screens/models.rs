//! Drawing of the list of models, with the running pull.

use gte_shared::models::ModelRow;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr;

use crate::app::{Daemon, ModelsState, Notice, PullWarning, State};
use crate::strings::Strings;
use crate::ui::overlay::{self, wrap};
use crate::ui::pull;
use crate::ui::theme::Theme;

/// Rows of the screen besides those of the list: the rules, the notes below, and the hints.
const OTHER_ROWS: u16 = 8;

/// Draws the list if it is open.
pub(crate) fn draw(state: &State, theme: Theme, frame: &mut Frame, screen: Rect) {
    if !state.models.open {
        return;
    }
    let strings = state.language.strings();
    let mut lines = rows(state, screen, theme);
    lines.push(Line::raw(""));
    let width = usize::from(screen.width).saturating_sub(2 * overlay::MARGIN);
    let notes = notes(&state.models, width, strings, theme);
    if notes.is_empty() {
        lines.push(Line::styled(strings.models_note, theme.quiet()));
    }
    lines.extend(notes);
    overlay::draw(strings.models_title, lines, 0, theme, frame, screen);
}

/// Rows of the list, as many as fit, the selected one among them.
fn rows(state: &State, screen: Rect, theme: Theme) -> Vec<Line<'static>> {
    let strings = state.language.strings();
    let models = &state.models;
    let in_use = match &state.daemon {
        Daemon::Ready { model, .. } => model.as_str(),
        _ => "",
    };
    let name_cells = models.rows.iter().map(|row| row.name.width()).max();
    let lines = models.rows.iter().enumerate().map(|(index, row)| {
        let (mark, style) = if index == models.selected {
            ('>', theme.active())
        } else {
            (' ', theme.quiet())
        };
        let used = match &state.pair.second {
            _ if row.name == in_use => '*',
            Some(second) if row.name == second.name => '+',
            _ => ' ',
        };
        let name = pad(&row.name, name_cells.unwrap_or(0));
        let status = pad(status(row, strings), strings.status_cells);
        let (size, license) = (row.megabytes, row.license.as_deref().unwrap_or_default());
        let line = format!("{mark}{used} {name}  {status}  {size:>4} MB  {license}");
        Line::styled(line, style)
    });
    let room = usize::from(screen.height.saturating_sub(OTHER_ROWS)).max(1);
    let first = (models.selected + 1).saturating_sub(room);
    lines.skip(first).take(room).collect()
}

/// Notes below the list: the pull, its newest warning, and the message about models.
fn notes(
    models: &ModelsState,
    width: usize,
    strings: &Strings,
    theme: Theme,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let warn = |lines: &mut Vec<Line<'static>>, warning: &str| {
        let warning = wrap(warning, width.max(1)).into_iter();
        lines.extend(warning.map(|line| Line::styled(line, theme.warning())));
    };
    if let Some(pulling) = &models.pulling {
        lines.extend(pull::long(pulling, width, strings, theme));
        // The final message names all sources that failed.
        match pulling.warnings.last() {
            None => {}
            Some(PullWarning::Waiting) => warn(&mut lines, strings.waiting_pull),
            Some(PullWarning::SourceFailed { source, error }) => {
                warn(&mut lines, &format!("{source}: {error}"));
            }
            Some(PullWarning::Unchecked(file)) => {
                warn(&mut lines, &format!("{file}: {}", strings.unchecked));
            }
        }
    }
    match &models.notice {
        None => {}
        Some(Notice::Loading(name)) => {
            let line = format!("{} {name}", strings.loading);
            lines.push(Line::styled(line, theme.active()));
        }
        Some(Notice::Failed(problems)) => {
            for problem in problems {
                warn(&mut lines, &format!("{}: {problem}", strings.failed));
            }
        }
    }
    lines
}

fn status(row: &ModelRow, strings: &Strings) -> &'static str {
    match (row.installed, row.builtin) {
        (true, _) => strings.installed,
        (false, true) => strings.builtin,
        (false, false) => strings.not_installed,
    }
}

/// Pads a text with spaces to a width in cells.
fn pad(text: &str, cells: usize) -> String {
    format!("{text}{}", " ".repeat(cells.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_are_padded_by_their_cells() {
        assert_eq!(pad("内置", 6), "内置  ");
    }
}
