//! Editor of one of the two multi-line texts.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Style;
use ratatui_textarea::{CursorMove, TextArea, WrapMode};
use unicode_segmentation::UnicodeSegmentation;

/// A multi-line text with a cursor.
#[derive(Clone, Debug)]
pub struct Editor {
    area: TextArea<'static>,
}

impl Default for Editor {
    fn default() -> Self {
        Self::new(TextArea::default())
    }
}

impl Editor {
    fn new(mut area: TextArea<'static>) -> Self {
        area.set_wrap_mode(WrapMode::Glyph);
        // The terminal's own cursor is shown, because an input method's window follows it.
        area.set_cursor_style(Style::new());
        area.set_cursor_line_style(Style::new());
        Self { area }
    }

    /// Applies a key; returns true if the text changed.
    ///
    /// The cursor steps over what is seen as one sign, and so do the keys that delete one
    /// (extended grapheme clusters, UAX #29).
    pub fn on_key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let plain = !control && !key.modifiers.contains(KeyModifiers::ALT);
        let deletes = !self.area.is_selecting();
        let (before, behind) = self.signs();
        let changed = match (key.code, before, behind) {
            (KeyCode::Backspace, Some(points), _) if plain && deletes => {
                self.step_back(points, true);
                self.area.delete_char()
            }
            (KeyCode::Char('h'), Some(points), _) if control && deletes => {
                self.step_back(points, true);
                self.area.delete_char()
            }
            (KeyCode::Delete, _, Some(points)) if plain && deletes => {
                self.step_on(points, true);
                self.area.delete_char()
            }
            (KeyCode::Char('d'), _, Some(points)) if control && deletes => {
                self.step_on(points, true);
                self.area.delete_char()
            }
            (KeyCode::Left, Some(points), _) if plain => self.step_back(points, is_shift(key)),
            (KeyCode::Char('b'), Some(points), _) if control => self.step_back(points, false),
            (KeyCode::Right, _, Some(points)) if plain => self.step_on(points, is_shift(key)),
            (KeyCode::Char('f'), _, Some(points)) if control => self.step_on(points, false),
            _ => self.area.input(key),
        };
        if !changed {
            self.leave_sign();
        }
        changed
    }

    /// Numbers of code points of the sign before the cursor, and of that behind it, in its line.
    /// None where [`CursorMove::Jump`] does not reach: the keys step over code points there.
    fn signs(&self) -> (Option<usize>, Option<usize>) {
        let (line, at) = self.line();
        let cursor = self.area.cursor();
        let is_near = |points: &usize| u16::try_from(cursor.0.max(cursor.1 + points)).is_ok();
        let points = |sign: &str| sign.chars().count();
        let before = line[..at].graphemes(true).next_back().map(points);
        let behind = line[at..].graphemes(true).next().map(points);
        (before.filter(is_near), behind.filter(is_near))
    }

    /// The cursor's line, and the cursor's place in its bytes.
    fn line(&self) -> (&str, usize) {
        let cursor = self.area.cursor();
        let line = self.area.lines().get(cursor.0).map_or("", String::as_str);
        let at = line.char_indices().nth(cursor.1);
        (line, at.map_or(line.len(), |(at, _)| at))
    }

    /// Moves the cursor back in its line; changes no text.
    fn step_back(&mut self, points: usize, selects: bool) -> bool {
        let column = self.area.cursor().1;
        self.move_to(column.saturating_sub(points), selects)
    }

    /// Moves the cursor on in its line; changes no text.
    fn step_on(&mut self, points: usize, selects: bool) -> bool {
        let column = self.area.cursor().1;
        self.move_to(column + points, selects)
    }

    fn move_to(&mut self, column: usize, selects: bool) -> bool {
        if !selects {
            self.area.cancel_selection();
        } else if !self.area.is_selecting() {
            self.area.start_selection();
        }
        if let (Ok(row), Ok(column)) = (self.area.cursor().0.try_into(), column.try_into()) {
            self.area.move_cursor(CursorMove::Jump(row, column));
        }
        false
    }

    /// Moves the cursor to the beginning of the sign that it stands in, if a move by lines or words
    /// has brought it there.
    fn leave_sign(&mut self) {
        let (line, at) = self.line();
        let mut begins = line.grapheme_indices(true).map(|(begin, _)| begin);
        let begin = begins.rfind(|begin| *begin <= at);
        let Some(begin) = begin.filter(|begin| *begin < at && at < line.len()) else {
            return;
        };
        let points = line[begin..at].chars().count();
        self.step_back(points, self.area.is_selecting());
    }

    /// Inserts pasted text at the cursor; returns true if the text changed.
    pub fn on_paste(&mut self, text: &str) -> bool {
        self.area.insert_str(visible(text))
    }

    /// Replaces the text, whose undo history begins anew.
    pub fn set_text(&mut self, text: &str) {
        let lines = visible(text).split('\n').map(str::to_owned).collect();
        *self = Self::new(TextArea::new(lines));
        self.area.move_cursor(CursorMove::Bottom);
        self.area.move_cursor(CursorMove::End);
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

/// Text with line feeds at the ends of lines, and without control characters, which would be
/// invisible.
fn visible(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let is_visible = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars().filter(is_visible).collect()
}

fn is_shift(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::SHIFT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signs of several code points: a combining accent, a flag, a heart with its variation, a
    /// family, an ideograph with its variation, an Indic syllable.
    const SIGNS: [&str; 6] = [
        "e\u{301}",
        "\u{1f1e8}\u{1f1f3}",
        "\u{2764}\u{fe0f}",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "葛\u{e0100}",
        "क्षि",
    ];

    fn press(editor: &mut Editor, code: KeyCode) -> bool {
        editor.on_key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn one_key_deletes_one_sign() {
        for sign in SIGNS {
            let mut editor = Editor::default();
            editor.on_paste(&format!("好{sign}"));
            assert!(press(&mut editor, KeyCode::Backspace));
            assert_eq!(editor.text(), "好", "{sign:?}");
            let undo = KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL);
            editor.on_key(undo);
            assert_eq!(editor.text(), format!("好{sign}"), "one step of undo");
            press(&mut editor, KeyCode::Home);
            press(&mut editor, KeyCode::Right);
            assert!(press(&mut editor, KeyCode::Delete));
            assert_eq!(editor.text(), "好", "{sign:?}");
        }
    }

    #[test]
    fn the_cursor_steps_over_signs() {
        for sign in SIGNS {
            let mut editor = Editor::default();
            editor.on_paste(&format!("{sign}{sign}"));
            press(&mut editor, KeyCode::Left);
            press(&mut editor, KeyCode::Char('|'));
            press(&mut editor, KeyCode::Left);
            press(&mut editor, KeyCode::Left);
            press(&mut editor, KeyCode::Char('|'));
            press(&mut editor, KeyCode::Right);
            press(&mut editor, KeyCode::Right);
            press(&mut editor, KeyCode::Right);
            press(&mut editor, KeyCode::Char('|'));
            assert_eq!(editor.text(), format!("|{sign}|{sign}|"), "{sign:?}");
        }
    }

    #[test]
    fn a_move_by_lines_does_not_end_within_a_sign() {
        let mut editor = Editor::default();
        editor.on_paste("ab\n好e\u{301}\u{302}\u{303}\nabcd");
        press(&mut editor, KeyCode::Left);
        press(&mut editor, KeyCode::Up);
        press(&mut editor, KeyCode::Char('|'));
        assert_eq!(editor.text(), "ab\n好|e\u{301}\u{302}\u{303}\nabcd");
    }

    #[test]
    fn signs_that_are_typed_in_parts_stay_in_order() {
        let mut editor = Editor::default();
        editor.on_paste("\u{1f1ef}\u{1f1f5}");
        press(&mut editor, KeyCode::Home);
        for part in ['\u{1f1e8}', '\u{1f1f3}'] {
            press(&mut editor, KeyCode::Char(part));
        }
        assert_eq!(editor.text(), "\u{1f1e8}\u{1f1f3}\u{1f1ef}\u{1f1f5}");
    }

    #[test]
    fn deleting_a_sign_keeps_what_was_cut() {
        let control = |key: char| KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL);
        let mut editor = Editor::default();
        editor.on_paste("一行");
        press(&mut editor, KeyCode::Home);
        editor.on_key(control('k'));
        press(&mut editor, KeyCode::Char('x'));
        press(&mut editor, KeyCode::Backspace);
        editor.on_key(control('y'));
        assert_eq!(editor.text(), "一行");
        editor.on_key(KeyEvent::new(KeyCode::Left, KeyModifiers::SHIFT));
        editor.on_key(KeyEvent::new(KeyCode::Left, KeyModifiers::SHIFT));
        press(&mut editor, KeyCode::Backspace);
        assert!(editor.is_empty(), "a selection goes as a whole");
    }

    #[test]
    fn a_restored_text_is_not_undone() {
        let mut editor = Editor::default();
        editor.set_text("甲\r\n乙");
        editor.on_key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
        assert_eq!(editor.text(), "甲\n乙");
        press(&mut editor, KeyCode::Char('丙'));
        assert_eq!(editor.text(), "甲\n乙丙");
    }

    #[test]
    fn a_line_longer_than_a_jump_is_edited() {
        let mut editor = Editor::default();
        editor.on_paste(&"x".repeat(70_000));
        press(&mut editor, KeyCode::Left);
        assert!(press(&mut editor, KeyCode::Backspace));
        assert!(press(&mut editor, KeyCode::Delete));
        assert_eq!(editor.text().len(), 69_998);
    }

    #[test]
    fn deletion_joins_lines_and_ends_at_the_beginning() {
        let mut editor = Editor::default();
        editor.on_paste("甲\n");
        assert!(press(&mut editor, KeyCode::Backspace));
        assert!(press(&mut editor, KeyCode::Backspace));
        assert!(!press(&mut editor, KeyCode::Backspace));
        assert!(!press(&mut editor, KeyCode::Delete));
        assert!(editor.is_empty());
    }
}
