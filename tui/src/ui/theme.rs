//! Colors. Every difference in color is also visible without colors.

use gte_shared::environment::variable_os;
use gte_shared::score::Verdict;
use ratatui::style::{Color, Modifier, Style};

/// Styles of the screen.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    color: bool,
}

impl Theme {
    /// Creates a theme with the terminal's sixteen colors, or without any.
    #[must_use]
    pub fn new(color: bool) -> Self {
        Self { color }
    }

    /// Creates the theme of the environment: without colors if `NO_COLOR` is set and not empty
    /// (no-color.org).
    #[must_use]
    pub fn of_environment() -> Self {
        Self::new(variable_os("NO_COLOR").is_none())
    }

    fn with(self, color: Color, style: Style) -> Style {
        if self.color { style.fg(color) } else { style }
    }

    /// Style of secondary things.
    pub(super) fn quiet(self) -> Style {
        self.with(Color::Reset, Style::new().add_modifier(Modifier::DIM))
    }

    /// Style of things in use.
    pub(super) fn active(self) -> Style {
        self.with(Color::Cyan, Style::new().add_modifier(Modifier::BOLD))
    }

    /// Style of things that the user must not miss.
    pub(super) fn warning(self) -> Style {
        self.with(Color::Yellow, Style::new().add_modifier(Modifier::BOLD))
    }

    /// Style of a verdict.
    pub(super) fn verdict(self, verdict: Verdict) -> Style {
        let color = match verdict {
            Verdict::High => Color::Green,
            Verdict::Medium => Color::Yellow,
            Verdict::Low => Color::Red,
        };
        self.with(color, Style::new().add_modifier(Modifier::BOLD))
    }
}
