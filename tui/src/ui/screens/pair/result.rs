//! Drawing of the result: score, verdict, cosine and time, and the gauge below.

use gte_shared::score::CalibrationState;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use unicode_width::UnicodeWidthStr;

use super::gauge;
use crate::app::{Daemon, Outcome, Scored, State};
use crate::ui::theme::Theme;

/// Space between two details.
const GAP: &str = "   ";

/// A result to draw.
struct Shown<'a> {
    /// Name of its model, where two models stand side by side.
    name: Option<&'a str>,
    outcome: &'a Outcome,
    is_second: bool,
    /// True if the outcome belongs to the texts before the last change.
    is_computing: bool,
}

/// Draws the result, or those of two models side by side.
pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame, area: Rect) {
    let mut first = Shown {
        name: None,
        outcome: &state.pair.outcome,
        is_second: false,
        is_computing: state.pair.is_computing(),
    };
    let Some(second) = &state.pair.second else {
        return draw_one(state, &first, theme, frame, area);
    };
    first.name = Some(match (&state.pair.outcome, &state.daemon) {
        (Outcome::Scored(scored), _) => &scored.model.id,
        (_, Daemon::Ready { model, .. }) => model,
        _ => "",
    });
    let second = Shown {
        name: Some(&second.name),
        outcome: &second.outcome,
        is_second: true,
        is_computing: state.pair.is_second_computing(),
    };
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
    draw_one(state, &first, theme, frame, left);
    draw_one(state, &second, theme, frame, right);
}

fn draw_one(state: &State, shown: &Shown, theme: Theme, frame: &mut Frame, area: Rect) {
    let strings = state.language.strings();
    let width = usize::from(area.width);
    let rule = match shown.name {
        None => "-".repeat(width),
        Some(name) => format!(
            "--- {name} {}",
            "-".repeat(width.saturating_sub(name.width() + 5))
        ),
    };
    let rule_area = Rect {
        height: area.height.min(1),
        ..area
    };
    frame.render_widget(Line::styled(rule, theme.quiet()), rule_area);
    let inner = Rect {
        x: area.x + 2.min(area.width),
        y: area.y + rule_area.height,
        width: area.width.saturating_sub(4),
        height: area.height - rule_area.height,
    };
    let message = match shown.outcome {
        Outcome::Scored(scored) => {
            return draw_score(state, scored, shown.is_computing, theme, frame, inner);
        }
        _ if shown.is_computing => Line::styled(strings.computing, theme.quiet()),
        Outcome::Waiting if shown.is_second => Line::raw(""),
        Outcome::Waiting => return draw_waiting(state, theme, frame, inner),
        Outcome::Blank => Line::styled(strings.blank, theme.warning()),
        Outcome::Failed(error) => {
            Line::styled(format!("{}: {error}", strings.failed), theme.warning())
        }
    };
    frame.render_widget(Paragraph::new(message).wrap(Wrap { trim: true }), inner);
}

/// Draws the next step, and the note about the built-in model.
fn draw_waiting(state: &State, theme: Theme, frame: &mut Frame, area: Rect) {
    let strings = state.language.strings();
    let mut lines = vec![Line::styled(strings.waiting, theme.quiet())];
    if let Daemon::Ready { builtin: true, .. } = state.daemon {
        lines.push(Line::styled(strings.builtin_note, theme.quiet()));
    }
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), area);
}

fn draw_score(
    state: &State,
    scored: &Scored,
    is_computing: bool,
    theme: Theme,
    frame: &mut Frame,
    area: Rect,
) {
    let strings = state.language.strings();
    let style = theme.verdict(scored.verdict);
    let mut spans = vec![Span::styled(format!("{:.2}", scored.similarity), style)];
    let verdict = format!("  {}", state.language.verdict(scored.verdict));
    // Beside another model, there may be no room for it; its color stays.
    if spans[0].width() + verdict.width() <= usize::from(area.width) {
        spans.push(Span::styled(verdict, style));
    }
    let mut width: usize = spans.iter().map(Span::width).sum();
    let fits = |width: usize, text: &str| {
        width + Span::raw(text).width() + GAP.len() <= usize::from(area.width)
    };
    if !is_computing && scored.same_tokens {
        // More important than all details, so that there is a form for narrow terminals.
        let words = if fits(width, strings.same_tokens) {
            strings.same_tokens
        } else {
            strings.same_tokens_short
        };
        spans.push(Span::styled(format!("{GAP}{words}"), theme.warning()));
        width += spans.last().map_or(0, Span::width);
    }
    for detail in details(state, scored, is_computing) {
        if fits(width, &detail) {
            let detail = Span::styled(format!("{GAP}{detail}"), theme.quiet());
            width += detail.width();
            spans.push(detail);
        }
    }
    let line = Rect {
        height: area.height.min(1),
        ..area
    };
    frame.render_widget(Line::from(spans), line);
    let gauge = Rect {
        y: area.y + line.height,
        height: area.height - line.height,
        ..area
    };
    gauge::draw(scored, state.language, theme, frame, gauge);
}

/// Details beside a score, the most important first.
fn details(state: &State, scored: &Scored, is_computing: bool) -> Vec<String> {
    let strings = state.language.strings();
    if is_computing {
        // The score shown belongs to the texts before the last change.
        return vec![strings.computing.to_owned()];
    }
    let note = match scored.model.scale.calibration {
        CalibrationState::Uncalibrated => Some(strings.uncalibrated),
        CalibrationState::Provisional => Some(strings.provisional),
        CalibrationState::Shipped | CalibrationState::Fitted => None,
    };
    let details = [
        format!("{} {:.7}", strings.cosine, scored.cosine),
        milliseconds(scored.micros) + " " + strings.milliseconds,
    ];
    note.map(str::to_owned).into_iter().chain(details).collect()
}

/// Milliseconds with one decimal.
fn milliseconds(micros: u64) -> String {
    format!("{}.{}", micros / 1000, micros % 1000 / 100)
}
