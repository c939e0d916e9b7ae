//! Escape sequences that reach the terminal in pieces.
//!
//! An arrow key is Esc and further characters. Over a slow connection, or through a multiplexer,
//! they can arrive one after another, and crossterm takes an Esc without more for the key of that
//! name. So an Esc is held back for a moment, and what follows at once belongs to it.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Wait for the rest of a sequence: longer than the pieces take, and shorter than people take for
/// two keys (fzf waits as long).
pub(super) const WAIT: Duration = Duration::from_millis(100);

/// Most characters of a sequence: more than the keys of any terminal have.
const MAX_SEQUENCE: usize = 16;

/// Events that are held back.
#[derive(Debug, Default)]
pub(super) enum Escapes {
    /// None.
    #[default]
    Nothing,
    /// Esc, and the characters behind it.
    Sequence(String),
    /// A pasted text whose beginning was in pieces, so that it arrives as keys.
    Paste(String),
}

impl Escapes {
    /// Returns true while events are held back, for [`WAIT`] after the last one.
    pub(super) fn is_waiting(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// Takes an event; returns those that are complete.
    pub(super) fn on_event(&mut self, event: Event) -> Vec<Event> {
        let pressed = match &event {
            Event::Key(key) if key.kind != KeyEventKind::Release => Some(*key),
            _ => None,
        };
        match (self, pressed) {
            (this @ Self::Nothing, Some(key)) if is_plain(key, KeyCode::Esc) => {
                *this = Self::Sequence(String::new());
                Vec::new()
            }
            (Self::Nothing, _) => vec![event],
            (this @ Self::Paste(_), Some(key)) => this.on_pasted(key),
            (this @ Self::Sequence(_), Some(key)) => this.on_key(key),
            (this, None) => {
                let mut events = this.release();
                events.push(event);
                events
            }
        }
    }

    /// Returns the held events, once nothing has followed for [`WAIT`].
    pub(super) fn release(&mut self) -> Vec<Event> {
        match std::mem::take(self) {
            Self::Nothing => Vec::new(),
            Self::Paste(text) => vec![Event::Paste(text)],
            Self::Sequence(rest) => {
                let typed = rest.chars().map(|character| key(KeyCode::Char(character)));
                [key(KeyCode::Esc)].into_iter().chain(typed).collect()
            }
        }
    }

    /// Takes a key of a paste.
    fn on_pasted(&mut self, pressed: KeyEvent) -> Vec<Event> {
        if let (Self::Paste(text), Some(character)) = (&mut *self, pasted(pressed)) {
            text.push(character);
            return Vec::new();
        }
        let mut events = self.release();
        if is_plain(pressed, KeyCode::Esc) {
            // The mark of its end, in pieces as well.
            *self = Self::Sequence(String::new());
        } else {
            events.push(Event::Key(pressed));
        }
        events
    }

    /// Takes a key behind Esc.
    fn on_key(&mut self, pressed: KeyEvent) -> Vec<Event> {
        let Self::Sequence(rest) = self else {
            return Vec::new();
        };
        let character = match pressed.code {
            // Esc twice.
            KeyCode::Esc if pressed.modifiers.is_empty() => return vec![key(KeyCode::Esc)],
            // No key has Alt and a character of an input method.
            KeyCode::Char(character) if !character.is_ascii() => {
                let mut events = self.release();
                events.push(Event::Key(pressed));
                return events;
            }
            KeyCode::Char(character) if !pressed.modifiers.contains(KeyModifiers::CONTROL) => {
                character
            }
            // Esc before a whole sequence, or a control character, is Alt with its key.
            _ => {
                *self = Self::Nothing;
                let modifiers = pressed.modifiers | KeyModifiers::ALT;
                return vec![Event::Key(KeyEvent {
                    modifiers,
                    ..pressed
                })];
            }
        };
        rest.push(character);
        match sequence(rest) {
            Sequence::Open if rest.chars().count() < MAX_SEQUENCE => Vec::new(),
            Sequence::Open | Sequence::Unknown => {
                *self = Self::Nothing;
                Vec::new()
            }
            Sequence::Key(code, modifiers) => {
                *self = Self::Nothing;
                vec![Event::Key(KeyEvent::new(code, modifiers))]
            }
            Sequence::PasteBegins => {
                *self = Self::Paste(String::new());
                Vec::new()
            }
        }
    }
}

/// Meaning of the characters behind Esc.
enum Sequence {
    /// They are not complete.
    Open,
    Key(KeyCode, KeyModifiers),
    PasteBegins,
    /// A key that this program does not use.
    Unknown,
}

/// Reads the characters behind Esc (ECMA-48, section 5.4; xterm's control sequences for keys).
fn sequence(rest: &str) -> Sequence {
    let mut characters = rest.chars();
    match characters.next() {
        None => return Sequence::Open,
        Some('[') => {}
        Some('O') => {
            return match characters.next() {
                None => Sequence::Open,
                Some(last) => named(last).map_or(Sequence::Unknown, |code| {
                    Sequence::Key(code, KeyModifiers::NONE)
                }),
            };
        }
        Some(character) => return Sequence::Key(KeyCode::Char(character), KeyModifiers::ALT),
    }
    let body = characters.as_str();
    let Some(last) = body
        .chars()
        .next_back()
        .filter(|last| ('@'..='~').contains(last))
    else {
        return Sequence::Open;
    };
    let mut numbers = body[..body.len() - 1].split(';').map(str::parse::<u8>);
    let first = numbers.next().and_then(Result::ok);
    // 1 and a bit for each of Shift, Alt and Ctrl.
    let bits = numbers
        .next()
        .and_then(Result::ok)
        .unwrap_or(1)
        .saturating_sub(1);
    let mut modifiers = KeyModifiers::NONE;
    for (bit, modifier) in [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
    ] {
        modifiers.set(modifier, bits & bit != 0);
    }
    let code = match (last, first) {
        ('~', Some(200)) => return Sequence::PasteBegins,
        ('~', Some(number)) => numbered(number),
        ('Z', _) => Some(KeyCode::BackTab),
        _ => named(last),
    };
    code.map_or(Sequence::Unknown, |code| Sequence::Key(code, modifiers))
}

fn named(last: char) -> Option<KeyCode> {
    Some(match last {
        'A' => KeyCode::Up,
        'B' => KeyCode::Down,
        'C' => KeyCode::Right,
        'D' => KeyCode::Left,
        'H' => KeyCode::Home,
        'F' => KeyCode::End,
        'P' => KeyCode::F(1),
        'Q' => KeyCode::F(2),
        'R' => KeyCode::F(3),
        _ => return None,
    })
}

fn numbered(number: u8) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=13 => KeyCode::F(number - 10),
        _ => return None,
    })
}

/// Character of a pasted text that arrives as keys.
fn pasted(key: KeyEvent) -> Option<char> {
    match key.code {
        KeyCode::Char('j') if key.modifiers.contains(KeyModifiers::CONTROL) => Some('\n'),
        KeyCode::Char(character) if !key.modifiers.contains(KeyModifiers::CONTROL) => {
            Some(character)
        }
        KeyCode::Enter => Some('\n'),
        KeyCode::Tab => Some('\t'),
        _ => None,
    }
}

fn is_plain(key: KeyEvent, code: KeyCode) -> bool {
    key.code == code && key.modifiers.is_empty()
}

fn key(code: KeyCode) -> Event {
    Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events of Esc and these characters, and those that are released in the end.
    fn events(rest: &str) -> (Vec<Event>, Vec<Event>) {
        let mut escapes = Escapes::default();
        let mut events = escapes.on_event(key(KeyCode::Esc));
        for character in rest.chars() {
            events.extend(escapes.on_event(key(KeyCode::Char(character))));
        }
        (events, escapes.release())
    }

    fn with(code: KeyCode, modifiers: KeyModifiers) -> Vec<Event> {
        vec![Event::Key(KeyEvent::new(code, modifiers))]
    }

    #[test]
    fn a_key_in_pieces_is_one_key() {
        let none = KeyModifiers::NONE;
        for (rest, code, modifiers) in [
            ("[D", KeyCode::Left, none),
            ("OD", KeyCode::Left, none),
            ("[1;5C", KeyCode::Right, KeyModifiers::CONTROL),
            ("[3~", KeyCode::Delete, none),
            ("OP", KeyCode::F(1), none),
            ("[Z", KeyCode::BackTab, none),
            ("b", KeyCode::Char('b'), KeyModifiers::ALT),
        ] {
            assert_eq!(events(rest), (with(code, modifiers), Vec::new()), "{rest}");
        }
        // Unknown, and without an end.
        assert_eq!(events("[99y"), (Vec::new(), Vec::new()));
        // The end of the longest sequence is the beginning of what follows.
        let endless = "1".repeat(MAX_SEQUENCE - 1);
        let text = [key(KeyCode::Char('x')), key(KeyCode::Char('y'))];
        assert_eq!(
            events(&format!("[{endless}xy")),
            (text.to_vec(), Vec::new())
        );
    }

    #[test]
    fn an_escape_alone_is_one_after_the_wait() {
        let mut escapes = Escapes::default();
        assert_eq!(escapes.on_event(key(KeyCode::Esc)), []);
        assert!(escapes.is_waiting());
        assert_eq!(escapes.release(), [key(KeyCode::Esc)]);
        assert!(!escapes.is_waiting());
        assert_eq!(escapes.release(), []);
    }

    #[test]
    fn two_escapes_are_two_and_an_arrow_behind_one_has_alt() {
        let mut escapes = Escapes::default();
        escapes.on_event(key(KeyCode::Esc));
        assert_eq!(escapes.on_event(key(KeyCode::Esc)), [key(KeyCode::Esc)]);
        let up = escapes.on_event(key(KeyCode::Up));
        assert_eq!(up, with(KeyCode::Up, KeyModifiers::ALT));
        escapes.on_event(key(KeyCode::Esc));
        let resized = escapes.on_event(Event::Resize(1, 1));
        assert_eq!(resized, [key(KeyCode::Esc), Event::Resize(1, 1)]);
    }

    #[test]
    fn a_paste_in_pieces_is_a_paste() {
        let mut escapes = Escapes::default();
        escapes.on_event(key(KeyCode::Esc));
        for character in "[200~你\t好".chars() {
            let code = match character {
                '\t' => KeyCode::Tab,
                character => KeyCode::Char(character),
            };
            assert_eq!(escapes.on_event(key(code)), []);
        }
        assert_eq!(escapes.on_event(key(KeyCode::Enter)), []);
        assert_eq!(escapes.release(), [Event::Paste("你\t好\n".to_owned())]);
        // Its end in pieces is not text.
        let (text, rest) = events("[200~你");
        assert_eq!(
            (text, rest),
            (Vec::new(), vec![Event::Paste("你".to_owned())])
        );
        let mut escapes = Escapes::Paste("你".to_owned());
        let ended = escapes.on_event(key(KeyCode::Esc));
        assert_eq!(ended, [Event::Paste("你".to_owned())]);
        for character in "[201~".chars() {
            assert_eq!(escapes.on_event(key(KeyCode::Char(character))), []);
        }
        assert_eq!(escapes.release(), []);
    }

    #[test]
    fn control_keys_and_wide_characters_behind_escape_are_kept() {
        let control_c = Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
        let mut escapes = Escapes::default();
        escapes.on_event(key(KeyCode::Esc));
        let modifiers = KeyModifiers::CONTROL | KeyModifiers::ALT;
        let leaves = with(KeyCode::Char('c'), modifiers);
        assert_eq!(escapes.on_event(control_c.clone()), leaves);
        let mut escapes = Escapes::Paste("你".to_owned());
        let paste = Event::Paste("你".to_owned());
        assert_eq!(escapes.on_event(control_c.clone()), [paste, control_c]);
        let (wide, rest) = events("你");
        assert_eq!(wide, [key(KeyCode::Esc), key(KeyCode::Char('你'))]);
        assert_eq!(rest, []);
    }
}
