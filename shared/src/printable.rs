//! Text from elsewhere (a model's files, a hub, the other end of a connection), made fit to be
//! printed or logged.

/// Text of which each control character is replaced by its escape, such as `\u{1b}`, and which is
/// cut after `max_chars` characters. A terminal obeys control characters, and characters that
/// change the direction of writing can make one text look like another (Unicode UAX 9).
#[must_use]
pub fn printable(text: &str, max_chars: usize) -> String {
    let mut printable = String::with_capacity(text.len().min(max_chars));
    for (count, character) in text.chars().enumerate() {
        if count == max_chars {
            printable.push('…');
            break;
        }
        if is_obeyed(character) {
            printable.extend(character.escape_unicode());
        } else {
            printable.push(character);
        }
    }
    printable
}

/// Returns true for control characters, line separators and marks of direction.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        let hostile = "名\u{1b}[2J\r\n\u{9b}31m\u{202e}txt";
        let shown = "名\\u{1b}[2J\\u{d}\\u{a}\\u{9b}31m\\u{202e}txt";
        assert_eq!(printable(hostile, 100), shown);
        assert_eq!(printable("好👨\u{200d}👩", 100), "好👨\u{200d}👩");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(printable("天地玄黄", 4), "天地玄黄");
        assert_eq!(printable("天地玄黄", 3), "天地玄…");
    }
}
