//! Editor of one of the two multi-line texts.

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
        // The terminal's own cursor is shown, because an input method's window follows it.
        area.set_cursor_style(Style::new());
        area.set_cursor_line_style(Style::new());
        Self { area }
    }
}

impl Editor {
    /// Applies a key; returns true if the text changed.
    pub fn on_key(&mut self, key: KeyEvent) -> bool {
        self.area.input(key)
    }

    /// Inserts pasted text at the cursor; returns true if the text changed.
    ///
    /// Line ends become line feeds. Control characters would be invisible, so they are left out.
    pub fn on_paste(&mut self, text: &str) -> bool {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let visible = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
        let text: String = text.chars().filter(visible).collect();
        self.area.insert_str(text)
    }

    /// Joins the lines of the text.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Returns true if the text has no characters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Returns true if the text has only white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.area.lines().iter().all(|line| line.trim().is_empty())
    }

    /// Widget that draws the text.
    #[must_use]
    pub fn area(&self) -> &TextArea<'static> {
        &self.area
    }
}
