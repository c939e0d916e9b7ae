//! One of the two multi-line inputs.

use crossterm::event::KeyEvent;
use ratatui::style::Style;
use ratatui_textarea::{TextArea, WrapMode};

/// A multi-line text with a cursor.
#[derive(Clone, Debug)]
pub struct Editor {
    area: TextArea<'static>,
}

impl Default for Editor {
    fn default() -> Self {
        let mut area = TextArea::default();
        area.set_wrap_mode(WrapMode::Glyph);
        // The terminal's own cursor shows the place, because an input method's window follows it.
        area.set_cursor_style(Style::new());
        area.set_cursor_line_style(Style::new());
        Self { area }
    }
}

impl Editor {
    /// Applies a key; says whether the text has changed.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        self.area.input(key)
    }

    /// Inserts pasted text at the cursor; says whether the text has changed.
    ///
    /// Line ends become line feeds, and control characters, which would be invisible, are left out.
    pub fn paste(&mut self, text: &str) -> bool {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let visible = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
        let text: String = text.chars().filter(visible).collect();
        self.area.insert_str(text)
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Whether there is nothing but white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.area.lines().iter().all(|line| line.trim().is_empty())
    }

    /// The widget that draws it.
    #[must_use]
    pub fn area(&self) -> &TextArea<'static> {
        &self.area
    }
}
