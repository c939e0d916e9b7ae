//! Colours. Every difference that a colour shows is also shown without one.

use gte_shared::score::Label;
use ratatui::style::{Color, Modifier, Style};

/// How things look.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    colour: bool,
}

impl Theme {
    /// With the terminal's sixteen colours, or without any.
    #[must_use]
    pub fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// Without colours where `NO_COLOR` is set and not empty (no-color.org).
    #[must_use]
    pub fn of_environment() -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self::new(!no_colour)
    }

    fn with(self, colour: Color, style: Style) -> Style {
        if self.colour { style.fg(colour) } else { style }
    }

    /// What matters less.
    pub(super) fn quiet(self) -> Style {
        self.with(Color::Reset, Style::new().add_modifier(Modifier::DIM))
    }

    /// What is in use.
    pub(super) fn active(self) -> Style {
        self.with(Color::Cyan, Style::new().add_modifier(Modifier::BOLD))
    }

    /// What the user must not miss.
    pub(super) fn warning(self) -> Style {
        self.with(Color::Yellow, Style::new().add_modifier(Modifier::BOLD))
    }

    /// A verdict.
    pub(super) fn verdict(self, label: Label) -> Style {
        let colour = match label {
            Label::High => Color::Green,
            Label::Medium => Color::Yellow,
            Label::Low => Color::Red,
        };
        self.with(colour, Style::new().add_modifier(Modifier::BOLD))
    }
}
